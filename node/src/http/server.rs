//! Serving what the router answers: connections, their limits and TLS.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::task::JoinHandle;

/// How long the head of a request may take: a browser sends it at once, and a connection that waits longer
/// is held for nothing.
const LONGEST_HEAD: Duration = Duration::from_secs(15);

/// How long connections may go on once the node stops: a browser may keep its own open for ever.
const LONGEST_END: Duration = Duration::from_secs(2);

/// Why the pages cannot be served over TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read as {what}: {error}; give a PEM file", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        error: PemError,
    },
    /// There is no certificate in the file.
    #[error("{} holds no certificate; give a PEM file with the server's certificate and those above it", .0.display())]
    Empty(PathBuf),
    /// The certificate and the key do not go together.
    #[error("the certificate cannot be used: {0}; give the private key that belongs to it")]
    Unusable(#[from] rustls::Error),
}

/// A certificate with its key, for TLS.
#[derive(Debug, Clone)]
pub struct Tls(RustlsConfig);

impl Tls {
    /// Reads PEM files.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn read(certificate: &Path, private_key: &Path) -> Result<Self, TlsError> {
        let wrong = |path: &Path, what| {
            let path = path.to_path_buf();
            move |error| TlsError::File { path, what, error }
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(wrong(certificate, "certificates"))?;
        if chain.is_empty() {
            return Err(TlsError::Empty(certificate.to_path_buf()));
        }
        let key = PrivateKeyDer::from_pem_file(private_key)
            .map_err(wrong(private_key, "a private key"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(RustlsConfig::from_config(Arc::new(config))))
    }
}

/// What answers at one address.
#[derive(Debug)]
pub struct Server {
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Answers whoever connects, over TLS where a certificate is given.
    ///
    /// # Errors
    /// The operating system's, if it cannot wait for connections.
    pub fn start(listener: TcpListener, app: Router, tls: Option<Tls>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let handle = Handle::new();
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum_server::from_tcp(listener)?.handle(handle.clone()).http1_only();
        let mut server = server.first_request_timeout(LONGEST_HEAD);
        server.http_builder().http1().header_read_timeout(LONGEST_HEAD);
        let task = match tls {
            None => tokio::spawn(server.serve(app)),
            Some(Tls(config)) => {
                let acceptor = RustlsAcceptor::new(config).handshake_timeout(LONGEST_HEAD);
                tokio::spawn(server.acceptor(acceptor).serve(app))
            }
        };
        Ok(Self { handle, task })
    }

    /// Ends, once those who ask have their answers or waited long enough.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(LONGEST_END));
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!(%error, "the pages were no longer served");
        }
    }
}
