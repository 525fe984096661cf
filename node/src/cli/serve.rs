//! `staffroom serve`

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use libp2p::Multiaddr;
use serde_json::json;
use tokio::sync::oneshot;

use super::client::{close_node, open_node};
use super::output::Output;
use crate::backup;
use crate::digest;
use crate::home::write_private;
use crate::http::{Door, Server, Tls, Token, router};
use crate::network::Network;
use crate::node::Node;

/// Where a node is reached.
#[derive(Debug, clap::Args)]
pub(super) struct Addresses {
    /// Addresses at which other schools' nodes reach this one; several may be given
    #[arg(
        long,
        value_name = "MULTIADDR",
        num_args = 1..,
        default_values = ["/ip4/0.0.0.0/udp/4801/quic-v1", "/ip4/0.0.0.0/tcp/4801"]
    )]
    pub(super) listen: Vec<Multiaddr>,
    /// The address of the pages. One that other machines reach needs --certificate or --behind-proxy
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4800")]
    pub(super) http: SocketAddr,
}

/// Run this school's node
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    outside: Outside,
    /// Stop when standard input ends, as it does when the program that started this one ends
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

/// How the pages are reached from other machines.
#[derive(Debug, clap::Args)]
struct Outside {
    /// The certificate for TLS, with those above it: a PEM file
    #[arg(long, value_name = "FILE", requires = "private_key", conflicts_with = "behind_proxy")]
    certificate: Option<PathBuf>,
    /// The private key that belongs to the certificate: a PEM file
    #[arg(long, value_name = "FILE", requires = "certificate")]
    private_key: Option<PathBuf>,
    /// A proxy on this machine or in a network that nobody else is in ends TLS, passes the host name on,
    /// and adds whom it saw to X-Forwarded-For
    #[arg(long)]
    behind_proxy: bool,
    /// A host name under which staff open the pages, such as staffroom.alder.example; several may be
    /// given
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
}

impl Outside {
    /// Whether the options say without contradiction how the pages are reached.
    fn check(&self, http: SocketAddr) -> anyhow::Result<()> {
        let is_outside = self.certificate.is_some() || self.behind_proxy;
        if !is_outside && !http.ip().is_loopback() {
            bail!(
                "--http is {http}, which other machines reach; give --certificate and --private-key, \
                 so that passwords travel encrypted, or --behind-proxy where a proxy sees to that, or \
                 an address of this machine alone such as 127.0.0.1:4800"
            );
        }
        if is_outside && self.names.is_empty() {
            bail!(
                "no host name is given under which staff open the pages; give one such as --name \
                 staffroom.alder.example, since pages answer to no other"
            );
        }
        if !is_outside && !self.names.is_empty() {
            bail!(
                "--name is {}, and says under which name other machines reach the pages; give \
                 --certificate and --private-key or --behind-proxy as well",
                self.names.join(", ")
            );
        }
        if let Some(wrong) = self.names.iter().find(|name| name.contains(['/', ':', ' '])) {
            bail!("--name is {wrong:?}; give the host name alone, such as staffroom.alder.example");
        }
        Ok(())
    }

    fn tls(&self) -> anyhow::Result<Option<Tls>> {
        match (&self.certificate, &self.private_key) {
            (Some(certificate), Some(key)) => Ok(Some(Tls::read(certificate, key)?)),
            _ => Ok(None),
        }
    }

    /// How requests are taken that come where staff open the pages.
    fn door(&self, http: SocketAddr) -> Door {
        let names = self.names.clone();
        let Some(name) = names.first() else {
            return Door::this_machine(format!("http://{http}/"));
        };
        if self.behind_proxy {
            let pages = format!("https://{name}/");
            return Door::behind_proxy(names, pages);
        }
        let port = http.port();
        let pages = if port == 443 {
            format!("https://{name}/")
        } else {
            format!("https://{name}:{port}/")
        };
        Door::tls(names, pages)
    }
}

/// What answers staff and the command line.
struct Serving {
    servers: Vec<Server>,
    /// Where staff open the pages.
    pages: String,
    /// Where the command line asks.
    api: SocketAddr,
}

impl Serve {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        start_log();
        give_memory_back();
        self.outside.check(self.addresses.http)?;
        // A command that opened the directory itself is soon done.
        let node = open_node(data, Duration::from_secs(3), output, Node::open).await?;
        let ran = self.run_node(&node, output).await;
        close_node(node).await;
        ran
    }

    async fn run_node(&self, node: &Arc<Node>, output: &Output) -> anyhow::Result<()> {
        let (listener, tls) = (bound(self.addresses.http)?, self.outside.tls()?);
        let network = Network::start(Arc::clone(node), self.addresses.listen.clone()).await?;
        let serving = self.serve(node, listener, tls)?;
        let address_file = node.home().api_address();
        write_private(&address_file, serving.api.to_string().as_bytes())?;
        announce(node, &network, &serving.pages, output)?;
        let ended = tokio::select! {
            signal = signalled() => signal.map_err(Into::into),
            () = input_ended(), if self.until_input_ends => Ok(()),
            () = backup::make_nightly(Arc::clone(node)) => Ok(()),
            () = digest::send_weekly(Arc::clone(node), serving.pages.clone()) => Ok(()),
        };
        // First of all, so that commands no longer find this node.
        if let Err(error) = std::fs::remove_file(&address_file) {
            tracing::warn!(%error, "the file with the address was not removed");
        }
        futures::future::join_all(serving.servers.into_iter().map(Server::stop)).await;
        ended
    }

    /// The pages at their address; and where that is for other machines, the API at one of this machine,
    /// since the command line's token counts nowhere else.
    fn serve(
        &self,
        node: &Arc<Node>,
        listener: TcpListener,
        tls: Option<Tls>,
    ) -> anyhow::Result<Serving> {
        let token = Token::load_or_create(&node.home().token())?;
        let mut api = listener.local_addr()?;
        let door = self.outside.door(api);
        let (pages, is_outside) = (door.pages().to_owned(), !door.is_of_this_machine());
        let app = router(Arc::clone(node), token.clone(), door);
        let mut servers = vec![Server::start(listener, app, tls)?];
        if is_outside {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            api = listener.local_addr()?;
            let app = router(Arc::clone(node), token, Door::this_machine(pages.clone()));
            servers.push(Server::start(listener, app, None)?);
        }
        Ok(Serving { servers, pages, api })
    }
}

/// Lets the allocator give what is no longer used back to the system while the node is idle too. It
/// starts a thread for that, which the processes that confine themselves must not have.
fn give_memory_back() {
    #[cfg(not(target_env = "msvc"))]
    if let Err(error) = tikv_jemalloc_ctl::background_thread::write(true) {
        tracing::warn!(%error, "memory that is no longer used is given back late");
    }
}

fn bound(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| {
        format!(
            "cannot open the pages at {address}; stop the program that uses the port, or choose another \
             with --http"
        )
    })
}

fn announce(node: &Node, network: &Network, pages: &str, output: &Output) -> anyhow::Result<()> {
    let listening: Vec<String> =
        network.contact_addresses().iter().map(ToString::to_string).collect();
    let name = &node.identity().claims().name;
    let answer = json!({
        "school": node.identity().school(),
        "name": name,
        "page": pages,
        "listening": listening,
        "data": node.home().dir(),
    });
    if output.is_json() {
        // On one line, so that a program that reads lines knows when the node is ready.
        println!("{answer}");
        return Ok(());
    }
    output.answer(&answer, || {
        format!(
            "{name} is running.\n  pages        {pages}\n  reached at   {}\n  data         {}\nStop it with Ctrl-C.",
            listening.join("\n               "),
            node.home().dir().display()
        )
    })
}

/// Waits for Ctrl-C or for the system's request to end.
pub(super) async fn signalled() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

/// On a thread of its own, which a read that never returns may keep for ever.
async fn input_ended() {
    let (ended, end) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        drop(ended);
    });
    drop(end.await);
}

/// The libraries warn of what is no concern here, such as news that another node told already.
const DEFAULT_LOG: &str = "error,staffroom_node=warn,staffroom_search=warn";

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STAFFROOM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(DEFAULT_LOG));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if let Err(error) = log.try_init() {
        eprintln!("there will be no log: {error}");
    }
}
