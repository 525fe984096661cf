//! `staffroom doctor`

use std::path::Path;

use super::client::Client;
use super::output::{Output, Told, filled};
use super::serve::Addresses;
use crate::doctor::{Found, Health, Ports, examine};
use crate::home::Home;

/// Say whether this server has what Staffroom needs, and what to do where it has not
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    addresses: Addresses,
}

impl Doctor {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let home = Home::new(data);
        let runs = home.is_set_up() && Client::running(&home).await?.is_some();
        let Addresses { http, listen } = self.addresses;
        let ports = (!runs).then_some(Ports { http, listen });
        let found = tokio::task::spawn_blocking(move || examine(&home, ports.as_ref())).await?;
        output.answer(&found, || found.iter().map(text).collect::<Vec<_>>().join("\n"))?;
        match found.iter().filter(|one| one.health == Health::ToDo).count() {
            0 => Ok(()),
            1 => Err(Told("1 thing needs doing".to_owned()).into()),
            count => Err(Told(format!("{count} things need doing")).into()),
        }
    }
}

fn text(found: &Found) -> String {
    let mark = match found.health {
        Health::Good => "good",
        Health::CouldBeBetter => "could be better",
        Health::ToDo => "TO DO",
    };
    filled(&format!("{} ({mark}): {}", found.what, found.said), "")
}
