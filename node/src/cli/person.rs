//! `staffroom person`: the people who sign in to the pages.

use std::path::Path;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::client::{Client, segment};
use super::output::{Output, table};
use crate::http::{AddRequest, DisabledRequest, LinkReport, PersonReport, RolesRequest};
use crate::people::{Role, Roles};

#[derive(Debug, Subcommand)]
pub(super) enum PersonCommand {
    /// Add a person and print a link with which they set a password
    Add {
        /// The name to sign in with, such as an e-mail address
        user_name: String,
        /// The name that colleagues read
        #[arg(long)]
        name: String,
        /// What they may do: reader, contributor, approver, data-protection, administrator
        #[arg(long = "role", value_name = "ROLE", default_value = "reader")]
        roles: Vec<Role>,
    },
    /// List everybody who may sign in
    List,
    /// Give a person these roles in place of those before
    Roles {
        /// The name to sign in with
        user_name: String,
        /// reader, contributor, approver, data-protection, administrator
        #[arg(value_name = "ROLE")]
        roles: Vec<Role>,
    },
    /// Switch an account off: nobody signs in with it, and whoever has is signed out
    Disable {
        /// The name to sign in with
        user_name: String,
        /// Switch it on again
        #[arg(long)]
        undo: bool,
    },
    /// Print a link with which a person sets a password, once
    Link {
        /// The name to sign in with; without it, a link for the first administrator of the school
        user_name: Option<String>,
    },
}

impl PersonCommand {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        Client::with(data, output, async |client| self.ask(client, output).await).await
    }

    async fn ask(self, client: &Client, output: &Output) -> anyhow::Result<()> {
        match self {
            Self::Add { user_name, name, roles } => {
                let roles: Roles = roles.into_iter().collect();
                let request = AddRequest { user_name, name, roles };
                show_link(&client.post("/people", &request).await?, client, output)
            }
            Self::List => {
                let people: Vec<PersonReport> = client.get("/people").await?;
                output.answer(&people, || listed(&people))
            }
            Self::Roles { user_name, roles } => {
                let path = format!("/people/{}/roles", segment(&user_name));
                let request = RolesRequest { roles: roles.into_iter().collect() };
                show_person(client, &path, &request, output).await
            }
            Self::Disable { user_name, undo } => {
                let path = format!("/people/{}/disabled", segment(&user_name));
                show_person(client, &path, &DisabledRequest { disabled: !undo }, output).await
            }
            Self::Link { user_name } => {
                let path = match &user_name {
                    Some(name) => format!("/people/{}/link", segment(name)),
                    None => "/people/first-link".to_owned(),
                };
                show_link(&client.post(&path, &json!({})).await?, client, output)
            }
        }
    }
}

fn show_link(made: &LinkReport, client: &Client, output: &Output) -> anyhow::Result<()> {
    output.answer(made, || {
        let whom = match &made.user_name {
            Some(name) => format!("The link for {name}, to set a password with, once and within three days:"),
            None => "The link for the first administrator, once and within 14 days:".to_owned(),
        };
        let start = "Start the node first: staffroom serve. If it answers elsewhere, put that address \
                     in place of the first part.";
        let hint = if client.is_running() { String::new() } else { format!("\n{start}") };
        format!("{whom}\n{}{hint}", made.link)
    })
}

async fn show_person(
    client: &Client,
    path: &str,
    request: &impl Serialize,
    output: &Output,
) -> anyhow::Result<()> {
    let person: PersonReport = client.put_body(path, request).await?;
    output.answer(&person, || {
        let off = if person.disabled { ", switched off" } else { "" };
        format!("{}: {}{off}", person.user_name, person.roles_listed())
    })
}

fn listed(people: &[PersonReport]) -> String {
    if people.is_empty() {
        return "Nobody can sign in yet. Make the first link with: staffroom person link"
            .to_owned();
    }
    let rows = people.iter().map(|person| {
        let may_sign_in = person.has_password || person.has_account;
        let state = match (person.disabled, may_sign_in, person.last_sign_in) {
            (true, ..) => "switched off".to_owned(),
            (false, false, _) => "has set no password yet".to_owned(),
            (false, true, None) => "never signed in".to_owned(),
            (false, true, Some(when)) => format!("last signed in on {}", when.strftime("%Y-%m-%d")),
        };
        [person.user_name.to_string(), person.name.clone(), person.roles_listed(), state]
    });
    table(["User name", "Name", "Roles", ""], rows)
}
