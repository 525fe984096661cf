//! `staffroom mail`: the server by which staff are told each week what is new.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::client::Client;
use super::output::Output;
use super::secret_file;
use crate::http::{MailReport, MailRequest, TestRequest};
use crate::mail::{Encryption, MailSettings};

#[derive(Debug, Subcommand)]
pub(super) enum Mail {
    /// Set the mail server
    Set {
        /// The mail server, such as smtp.alder.example
        #[arg(long, value_name = "HOST")]
        server: String,
        /// Its port; 587 for starttls, 465 for tls and 25 for none, unless given
        #[arg(long)]
        port: Option<u16>,
        /// How letters are protected on their way to it; none is for a server on this machine
        #[arg(long, value_enum, default_value_t = Encryption::Starttls)]
        encryption: Encryption,
        /// The user name there, where it asks for one
        #[arg(long, requires = "password_file")]
        user: Option<String>,
        /// The file with the password of that user; - reads it from standard input
        #[arg(long, value_name = "FILE", requires = "user")]
        password_file: Option<PathBuf>,
        /// The address that letters come from
        #[arg(long, value_name = "ADDRESS")]
        from: String,
        /// The domain of the e-mail addresses of staff; several may be given. Nobody else is written to
        #[arg(long = "domain", value_name = "DOMAIN", required = true)]
        domains: Vec<String>,
    },
    /// Show what is set, and what was in the way of the last letter
    Show,
    /// Write to somebody of the school, to see whether it arrives
    Test {
        /// An e-mail address of the school's staff
        to: String,
    },
    /// Send no e-mail any longer
    Off,
}

impl Mail {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let report = Client::with(data, output, async |client| self.ask(client).await).await?;
        output.answer(&report, || text(&report))
    }

    async fn ask(self, client: &Client) -> anyhow::Result<MailReport> {
        match self {
            Self::Show => client.get("/mail").await,
            Self::Off => client.delete("/mail").await,
            Self::Test { to } => client.post("/mail/test", &TestRequest { to }).await,
            Self::Set { server, port, encryption, user, password_file, from, domains } => {
                let password = password_file
                    .map(|file| secret_file::read(&file, "the password of the mail server"))
                    .transpose()?;
                let port = port.unwrap_or(match encryption {
                    Encryption::Starttls => 587,
                    Encryption::Tls => 465,
                    Encryption::None => 25,
                });
                let settings = MailSettings { server, port, encryption, user, from, domains };
                client.put_body("/mail", &MailRequest { settings, password }).await
            }
        }
    }
}

fn text(report: &MailReport) -> String {
    let MailReport { settings, weekly, problem } = report;
    let Some(MailSettings { server, port, encryption, user, from, domains }) = settings else {
        return "No e-mail is sent. Set a mail server with: staffroom mail set".to_owned();
    };
    let encryption = match encryption {
        Encryption::Starttls => "STARTTLS",
        Encryption::Tls => "TLS",
        Encryption::None => "not encrypted, on this machine",
    };
    let people = match weekly {
        0 => "nobody yet".to_owned(),
        1 => "1 person".to_owned(),
        more => format!("{more} people"),
    };
    let mut lines = format!(
        "E-mail is sent by {server}, port {port} ({encryption}).\n  user         {}\n  from         {from}\n  \
         to           addresses of {}\n  each week    {people}",
        user.as_deref().unwrap_or("none"),
        domains.join(", "),
    );
    if let Some(problem) = problem {
        lines += &format!("\nThe last letter was not sent: {problem}");
    }
    lines
}
