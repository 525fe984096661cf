//! Asking the node: the running one over HTTP, or one opened in this process.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use futures::StreamExt;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};
use tower::ServiceExt;

use super::output::Output;
use super::passphrase;
use crate::home::Home;
use crate::http::{ApiErrorBody, DEFAULT_PAGES, Door, StatusReport, Token, router};
use crate::network::{Network, StartError};
use crate::node::{Node, OpenError};
use crate::store::{Options, Progress, StoreError, Verifier};

/// Longest answer that is taken as a whole; files are streamed.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// How much of a file is read before it is sent.
const PIECE_BYTES: usize = 256 * 1024;

/// How long a node that is starting or stopping is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the node said in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Refused {
    status: StatusCode,
    message: String,
}

/// Whether the node refused what it was asked, and goes on to answer others.
pub(super) fn is_refusal(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(|said: &Refused| said.status.is_client_error())
}

/// A way to ask the node.
pub(crate) struct Client {
    token: Token,
    transport: Transport,
}

enum Transport {
    Running { address: String, http: Box<HttpClient<HttpConnector, Body>> },
    Opened { router: Router, node: Arc<Node> },
}

impl Client {
    /// Asks the node of a data directory. One that is opened for that alone is closed again, whatever it
    /// answers.
    pub(super) async fn with<T>(
        data: &Path,
        output: &Output,
        ask: impl AsyncFnOnce(&Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let client = Self::open(data, output).await?;
        let answer = ask(&client).await;
        client.close().await;
        answer
    }

    /// The node of a data directory.
    async fn open(data: &Path, output: &Output) -> anyhow::Result<Self> {
        let home = Home::new(data);
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(client) = Self::running(&home).await? {
                return Ok(client);
            }
            match open_node(home.dir(), Duration::ZERO, output, Node::open).await {
                Ok(node) => {
                    let token = Token::load_or_create(&home.token())?;
                    let door = Door::this_machine(DEFAULT_PAGES.to_owned());
                    let router = router(Arc::clone(&node), token.clone(), door);
                    return Ok(Self { token, transport: Transport::Opened { router, node } });
                }
                // It is starting or stopping: soon it answers, or has gone.
                Err(OpenError::Store(StoreError::InUse { .. })) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The node that runs on a data directory, if one does.
    pub(super) async fn running(home: &Home) -> anyhow::Result<Option<Self>> {
        let Ok(address) = std::fs::read_to_string(home.api_address()) else { return Ok(None) };
        let address = address.trim().to_owned();
        // The file stays behind when a node is killed.
        if tokio::net::TcpStream::connect(&address).await.is_err() {
            return Ok(None);
        }
        let token = Token::load_or_create(&home.token())?;
        let http = Box::new(HttpClient::builder(TokioExecutor::new()).build_http());
        let client = Self { token, transport: Transport::Running { address, http } };
        // Another program may have got the address of a node that was killed.
        let same = match client.get::<StatusReport>("/status").await {
            Ok(status) => Path::new(&status.data) == home.dir(),
            Err(_) => false,
        };
        Ok(same.then_some(client))
    }

    /// Whether the node runs on its own, apart from this command.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.transport, Transport::Running { .. })
    }

    /// Connects a node that was opened here to other schools, for as long as this command takes.
    pub(super) async fn connect(&self) -> anyhow::Result<()> {
        let Transport::Opened { node, .. } = &self.transport else { return Ok(()) };
        if node.network().is_none() {
            start_network(node).await?;
        }
        Ok(())
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, path, Body::empty()).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.ask(Method::POST, path, Body::from(serde_json::to_vec(body)?)).await
    }

    /// The name of the school whose data this is.
    pub(super) async fn school_name(&self) -> anyhow::Result<String> {
        let status: StatusReport = self.get("/status").await?;
        Ok(status.claims.name)
    }

    /// Asks for what needs the school's key, with the passphrase in the body where it is locked with
    /// one.
    pub(super) async fn put_unlocked<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<T> {
        let ask = async |passphrase: Option<&str>| {
            let mut body = body.clone();
            body["passphrase"] = passphrase.into();
            self.request(Method::PUT, path, Body::from(serde_json::to_vec(&body)?)).await
        };
        let asked = ask(None).await;
        let locked = asked.as_ref().is_err_and(|error| {
            error.downcast_ref().is_some_and(|said: &Refused| said.status == StatusCode::LOCKED)
        });
        let passphrase = if locked { passphrase::known()? } else { None };
        let response = match passphrase {
            Some(words) => ask(Some(&words)).await?,
            None => asked?,
        };
        Ok(serde_json::from_slice(&whole(response).await?)?)
    }

    pub(super) async fn put<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::PUT, path, Body::empty()).await
    }

    pub(super) async fn put_body<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.ask(Method::PUT, path, Body::from(serde_json::to_vec(body)?)).await
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::DELETE, path, Body::empty()).await
    }

    /// Sends a file as it is read; `sent` hears how many bytes have gone so far.
    pub(super) async fn send_file<T: DeserializeOwned>(
        &self,
        path: &str,
        content: impl AsyncRead + Send + Unpin + 'static,
        sent: impl Fn(u64) + Send + 'static,
    ) -> anyhow::Result<T> {
        self.ask(Method::POST, path, streamed(content, sent)).await
    }

    /// Receives a file, a piece at a time.
    pub(super) async fn receive_file(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let response = self.request(Method::GET, path, Body::empty()).await?;
        let mut pieces = response.into_body().into_data_stream();
        while let Some(piece) = pieces.next().await {
            take(&piece?)?;
        }
        Ok(())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> anyhow::Result<T> {
        let response = self.request(method, path, body).await?;
        Ok(serde_json::from_slice(&whole(response).await?)?)
    }

    /// Asks, and gives the answer as it comes.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> anyhow::Result<Response<Body>> {
        let address = match &self.transport {
            Transport::Running { address, .. } => address.as_str(),
            Transport::Opened { .. } => "localhost",
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{address}/api/v1{path}"))
            .header(header::HOST, address)
            .header(header::AUTHORIZATION, self.token.header())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::TE, "trailers")
            .body(body)?;
        let response = match &self.transport {
            Transport::Running { address, http } => http
                .request(request)
                .await
                .with_context(|| format!("the node at {address} does not answer"))?
                .into_response(),
            Transport::Opened { router, .. } => {
                router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
            }
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let said = whole(response).await?;
        match serde_json::from_slice::<ApiErrorBody>(&said) {
            Ok(body) => Err(Refused { status, message: body.error }.into()),
            Err(_) => bail!("the node answered {status}: {}", String::from_utf8_lossy(&said)),
        }
    }

    /// Waits until everything stored can be found; a running node sees to that by itself.
    pub(super) async fn wait_for_index(&self, output: &Output) -> anyhow::Result<()> {
        if self.is_running() {
            return Ok(());
        }
        let mut progress = output.progress("bringing the search index up to date");
        loop {
            let status: StatusReport = self.get("/status").await?;
            if status.index.up_to_date {
                return Ok(());
            }
            progress.set(status.index.position, status.index.store_position);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends a node that was opened here.
    async fn close(self) {
        if let Transport::Opened { router, node } = self.transport {
            drop(router);
            close_node(node).await;
        }
    }
}

/// A body that is read from a file as it is sent; `sent` hears how many bytes have gone so far.
pub(super) fn streamed(
    content: impl AsyncRead + Send + Unpin + 'static,
    sent: impl Fn(u64) + Send + 'static,
) -> Body {
    let pieces = futures::stream::try_unfold((content, 0_u64), move |(mut content, before)| {
        sent(before);
        async move {
            let mut piece = vec![0; PIECE_BYTES];
            let length = content.read(&mut piece).await?;
            piece.truncate(length);
            let next = (content, before + length as u64);
            Ok::<_, std::io::Error>((length > 0).then_some((piece, next)))
        }
    });
    Body::from_stream(pieces)
}

async fn whole(response: Response<Body>) -> anyhow::Result<axum::body::Bytes> {
    let body = http_body_util::Limited::new(response.into_body(), MAX_ANSWER_BYTES);
    let collected = body.collect().await.map_err(|error| anyhow!(error))?;
    Ok(collected.to_bytes())
}

/// A way to open a data directory.
type OpenNode = fn(&Path, &Options, &mut dyn FnMut(Progress)) -> Result<Arc<Node>, OpenError>;

/// Opens the node of a data directory in this process.
pub(super) async fn open_node(
    data: &Path,
    lock_patience: Duration,
    output: &Output,
    open: OpenNode,
) -> Result<Arc<Node>, OpenError> {
    /// Sound stores of any size seen take seconds; a damaged one can take for ever.
    const LONGEST_VERIFICATION: Duration = Duration::from_secs(120);
    let (data, output) = (data.to_owned(), *output);
    let opening = tokio::task::spawn_blocking(move || {
        let verifier = Some(Verifier::this_program(LONGEST_VERIFICATION)?);
        let options = Options { verifier, lock_patience, ..Options::default() };
        let mut progress = output.progress("reading the journal");
        open(&data, &options, &mut |step| progress.set(step.done, step.total))
    });
    match opening.await {
        Ok(opened) => opened,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Connects a node that was opened here, on ports that nobody needs to know.
pub(super) async fn start_network(node: &Arc<Node>) -> Result<Network, StartError> {
    let any_port = ["/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/0.0.0.0/tcp/0"];
    let listen = any_port.iter().filter_map(|address| address.parse().ok()).collect();
    Network::start(Arc::clone(node), listen).await
}

/// Ends a node: what it wrote is on the disk and its data directory free for the next.
pub(super) async fn close_node(node: Arc<Node>) {
    if let Some(network) = node.network() {
        network.stop().await;
    }
    node.stop();
    let weak = Arc::downgrade(&node);
    drop(node);
    let deadline = Instant::now() + PATIENCE;
    while weak.strong_count() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    if weak.strong_count() > 0 {
        tracing::warn!("the node did not end in time; the next start will verify the record store");
    }
}

/// A path of the API with its parameters.
pub(super) fn with_query<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// One segment of a path.
pub(super) fn segment(text: &str) -> String {
    // Encoded for a form, but with %20 for a space, which is right in both places.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The path of a record, or of one of its versions.
pub(super) fn at_version(id: &str, version: Option<usize>) -> String {
    let record = format!("/records/{}", segment(id));
    version.map_or(record.clone(), |number| format!("{record}/versions/{number}"))
}
