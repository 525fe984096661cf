//! `staffroom serve`

use std::future::IntoFuture;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use libp2p::Multiaddr;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::client::{close_node, open_node};
use super::output::Output;
use crate::home::write_private;
use crate::http::{Token, router};
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
    /// The address of the search page and the command line's API, on this machine only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4800")]
    pub(super) http: SocketAddr,
}

/// Run this school's node
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    addresses: Addresses,
    /// Stop when standard input ends, as it does when the program that started this one ends
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

impl Serve {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        start_log();
        if !self.addresses.http.ip().is_loopback() {
            bail!(
                "--http is {}; the search page is for this machine only, so give an address such \
                 as 127.0.0.1:4800",
                self.addresses.http
            );
        }
        // A command that opened the directory itself is soon done.
        let node = open_node(data, Duration::from_secs(3), output, Node::open).await?;
        let ran = self.run_node(&node, output).await;
        close_node(node).await;
        ran
    }

    async fn run_node(&self, node: &Arc<Node>, output: &Output) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.addresses.http).await.with_context(|| {
            format!(
                "cannot open the search page at {}; stop the program that uses the port, or \
                 choose another with --http",
                self.addresses.http
            )
        })?;
        let address = listener.local_addr()?;
        let token = Token::load_or_create(&node.home().token())?;
        let network = Network::start(Arc::clone(node), self.addresses.listen.clone()).await?;
        let (stop, stopping) = watch::channel(false);
        let app = router(Arc::clone(node), token);
        let server = axum::serve(listener, app).with_graceful_shutdown(until(stopping));
        let server = tokio::spawn(server.into_future());
        let address_file = node.home().api_address();
        write_private(&address_file, address.to_string().as_bytes())?;
        announce(node, &network, address, output)?;
        let ended = tokio::select! {
            signal = signalled() => signal.map_err(Into::into),
            () = input_ended(), if self.until_input_ends => Ok(()),
        };
        // First of all, so that commands no longer find this node.
        if let Err(error) = std::fs::remove_file(&address_file) {
            tracing::warn!(%error, "the file with the address was not removed");
        }
        stop.send_replace(true);
        // A browser may keep its connection open for long.
        if tokio::time::timeout(Duration::from_secs(2), server).await.is_err() {
            tracing::debug!("a connection to the page was still open");
        }
        ended
    }
}

fn announce(
    node: &Node,
    network: &Network,
    http: SocketAddr,
    output: &Output,
) -> anyhow::Result<()> {
    let listening: Vec<String> =
        network.contact_addresses().iter().map(ToString::to_string).collect();
    let name = &node.identity().claims().name;
    let answer = json!({
        "school": node.identity().school(),
        "name": name,
        "page": format!("http://{http}/"),
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
            "{name} is running.\n  search page  http://{http}/\n  reached at   {}\n  data         {}\nStop it with Ctrl-C.",
            listening.join("\n               "),
            node.home().dir().display()
        )
    })
}

async fn until(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender has gone, which is as good a reason.
    drop(stopping.wait_for(|stop| *stop).await);
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
