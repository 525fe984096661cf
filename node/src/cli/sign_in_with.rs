//! `staffroom sign-in-with`: accounts that staff have at another service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use clap::Subcommand;

use super::client::Client;
use super::output::Output;
use super::secret_file;
use crate::http::{ProviderReport, ProviderRequest};
use crate::people::{Role, Roles, listed};
use crate::provider::{ProviderSettings, RoleClaim, Staff};

#[derive(Debug, Subcommand)]
pub(super) enum SignInWith {
    /// Microsoft accounts of one directory (Entra ID)
    Microsoft {
        /// The directory (tenant) ID: whoever has an account in it may come in, guests too
        #[arg(long, value_name = "ID")]
        tenant: String,
        #[command(flatten)]
        client: AsClient,
    },
    /// Google accounts of the organisations with these domains (Workspace)
    Google {
        /// The main domain of an organisation; several may be given
        #[arg(long = "domain", value_name = "DOMAIN", required = true)]
        domains: Vec<String>,
        #[command(flatten)]
        client: AsClient,
    },
    /// Accounts of another provider of OpenID Connect
    Other {
        /// What people call their account there, such as "Fenmarsh Trust"
        #[arg(long)]
        name: String,
        /// The provider's address, below which it publishes its settings
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// The domain of the e-mail addresses of staff, which the provider has verified; several may be
        /// given
        #[arg(long = "domain", value_name = "DOMAIN", required = true)]
        domains: Vec<String>,
        #[command(flatten)]
        client: AsClient,
    },
    /// Show what is set, and where the provider is to send people back to
    Show,
    /// Let nobody sign in with an account of another service
    Off,
}

/// What the provider calls this node, and what whoever comes may do.
#[derive(Debug, clap::Args)]
pub(super) struct AsClient {
    /// The client (application) ID that the provider gave out
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// The file with the client secret that the provider gave out; - reads it from standard input
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// What whoever comes may do: reader, contributor, approver, data-protection, administrator
    #[arg(long = "role", value_name = "ROLE", default_value = "reader")]
    roles: Vec<Role>,
    /// The claim by whose values people get more roles, such as roles or groups
    #[arg(long, value_name = "CLAIM", requires = "gives")]
    claim: Option<String>,
    /// A value of the claim and a role that it gives; several may be given
    #[arg(long, value_name = "VALUE=ROLE", requires = "claim")]
    gives: Vec<Given>,
}

/// A role that a value gives.
#[derive(Debug, Clone)]
struct Given(String, Role);

impl FromStr for Given {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, anyhow::Error> {
        // A value may have = in it, and a role has not.
        let (value, role) = text
            .rsplit_once('=')
            .context("give a value, = and a role, such as leaders=contributor")?;
        Ok(Self(value.to_owned(), role.parse()?))
    }
}

impl AsClient {
    fn request(
        self,
        name: String,
        issuer: String,
        staff: Staff,
    ) -> anyhow::Result<ProviderRequest> {
        let client_secret = secret_file::read(&self.secret_file, "the client secret")?;
        let mut gives: BTreeMap<String, Roles> = BTreeMap::new();
        for Given(value, role) in self.gives {
            gives.entry(value).or_default().insert(role);
        }
        let settings = ProviderSettings {
            name,
            issuer,
            client_id: self.client_id,
            staff,
            roles: self.roles.into_iter().collect(),
            role_claim: self.claim.map(|claim| RoleClaim { claim, gives }),
        };
        Ok(ProviderRequest { settings, client_secret })
    }
}

impl SignInWith {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let ask = async |client: &Client| Ok((self.ask(client).await?, client.is_running()));
        let (report, is_running) = Client::with(data, output, ask).await?;
        output.answer(&report, || text(&report, is_running))
    }

    async fn ask(self, client: &Client) -> anyhow::Result<ProviderReport> {
        let request = match self {
            Self::Show => return client.get("/sign-in-with").await,
            Self::Off => return client.delete("/sign-in-with").await,
            Self::Microsoft { tenant, client } => {
                let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
                client.request("Microsoft".to_owned(), issuer, Staff::Tenant(tenant))
            }
            Self::Google { domains, client } => {
                let issuer = "https://accounts.google.com".to_owned();
                client.request("Google".to_owned(), issuer, Staff::HostedDomains(domains))
            }
            Self::Other { name, issuer, domains, client } => {
                client.request(name, issuer, Staff::EmailDomains(domains))
            }
        };
        client.put_body("/sign-in-with", &request?).await
    }
}

fn text(report: &ProviderReport, is_running: bool) -> String {
    let set = match &report.settings {
        Some(settings) => set(settings),
        None => "Staff sign in with passwords alone. Let them use accounts that they have with: staffroom \
                 sign-in-with microsoft, google or other\n"
            .to_owned(),
    };
    let back = if is_running {
        format!("Tell the provider to send people back to {}", report.redirect)
    } else {
        "Start the node to see where the provider is to send people back to: staffroom serve"
            .to_owned()
    };
    set + &back
}

fn set(settings: &ProviderSettings) -> String {
    let ProviderSettings { name, issuer, client_id, staff, roles, role_claim } = settings;
    let mut lines = format!(
        "Staff sign in with their {name} account.\n  provider     {issuer}\n  client id    {client_id}\n  \
         who          {staff}\n  may          {}\n",
        listed(roles)
    );
    if let Some(RoleClaim { claim, gives }) = role_claim {
        for (value, roles) in gives {
            lines += &format!("  {claim} {value} gives {}\n", listed(roles));
        }
    }
    lines
}
