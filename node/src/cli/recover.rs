//! `staffroom recover`

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use libp2p::Multiaddr;
use serde_json::json;
use staffroom_protocol::group::Claims;
use zeroize::Zeroizing;

use super::client::{close_node, open_node, start_network};
use super::init::LockChoice;
use super::kit;
use super::output::Output;
use crate::home::Home;
use crate::node::Node;
use crate::recovery::Recovered;

/// Set up a new server for a school with the words of its recovery kit
#[derive(Debug, clap::Args)]
pub(super) struct Recover {
    /// The address of a node that is in a group with this school, as its status shows it; several
    /// may be given, and the first that answers is asked
    #[arg(long, value_name = "MULTIADDR", num_args = 1.., required_unless_present = "alone")]
    contact: Vec<Multiaddr>,
    /// A file with the words, in place of typing them
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    /// Run beside the school's other server, which stays trusted
    #[arg(long)]
    standby: bool,
    /// Only make the keys: the school was in no group, or no other school is left
    #[arg(long, requires = "name", conflicts_with_all = ["contact", "standby"])]
    alone: bool,
    /// The school's name, where no other school can be asked
    #[arg(long, requires = "alone")]
    name: Option<String>,
    #[command(flatten)]
    lock: LockChoice,
}

impl Recover {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let home = Home::new(data);
        let words = match &self.words_file {
            Some(file) => std::fs::read_to_string(file)
                .with_context(|| format!("{} cannot be read", file.display()))?,
            None => typed_words()?,
        };
        let key = kit::key(&Zeroizing::new(words))?;
        home.begin_recovery(&key, &self.lock.lock()?)?;
        if let Some(name) = self.name {
            let claims = Claims { name, urn: None, phase: None, location: None };
            claims.check()?;
            home.complete(&claims)?;
            let answer = json!({ "school": key.public().school_id(), "name": claims.name });
            return output.answer(&answer, || {
                format!(
                    "{} has its identity back, and belongs to no group yet.\nNext: staffroom serve \
                     --data {}",
                    claims.name,
                    data.display()
                )
            });
        }
        let node = open_node(data, Duration::ZERO, output, Node::open_recovering).await?;
        let recovered = async {
            let network = start_network(&node).await?;
            let progress = output.progress("coming back to the groups of the school");
            let recovered = node.recover(&network, &self.contact, &key, self.standby).await;
            drop(progress);
            anyhow::Ok(recovered?)
        };
        let recovered = recovered.await;
        close_node(node).await;
        let recovered = recovered?;
        home.complete(&recovered.claims)?;
        let answer = json!({
            "school": key.public().school_id(),
            "name": recovered.claims.name,
            "groups": recovered.groups,
            "records": recovered.records,
            "revoked": recovered.revoked,
        });
        output.answer(&answer, || report(&recovered, self.standby, data))
    }
}

fn report(recovered: &Recovered, standby: bool, data: &Path) -> String {
    let Recovered { claims, groups, records, revoked } = recovered;
    let others = match (standby, revoked) {
        (true, _) => "It publishes as the school, beside the other server.".to_owned(),
        (false, 0) => "No other server spoke for the school.".to_owned(),
        (false, 1) => "The old server is trusted no more.".to_owned(),
        (false, several) => format!("The {several} old servers are trusted no more."),
    };
    format!(
        "{} is back in {} with {records} of its records.\n{others}\nNext: staffroom serve --data {data}\nNobody can \
         sign in to the pages of this server yet; a link for the first administrator: staffroom person link \
         --data {data}",
        claims.name,
        groups.join(", "),
        data = data.display()
    )
}

fn typed_words() -> anyhow::Result<String> {
    let mut words = String::new();
    let input = std::io::stdin();
    if input.is_terminal() {
        eprintln!("The 24 words of the recovery kit, on one line or several:");
        while words.split_whitespace().count() < 24 && input.read_line(&mut words)? > 0 {}
        return Ok(words);
    }
    /// Many times what 24 words take.
    const MAX_BYTES: u64 = 4_096;
    input.lock().take(MAX_BYTES).read_to_string(&mut words)?;
    Ok(words)
}
