//! `staffroom init`

use std::path::{Path, PathBuf};

use serde_json::json;
use staffroom_protocol::group::Claims;
use staffroom_protocol::safeguard::urn::Urn;

use super::output::Output;
use super::{kit, passphrase};
use crate::home::{Home, Lock};
use crate::http::DEFAULT_PAGES;
use crate::people::People;

/// Set up a new school
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// The school's name
    #[arg(long)]
    name: String,
    /// Its unique reference number
    #[arg(long)]
    urn: Option<String>,
    /// Its phase, such as primary or secondary
    #[arg(long)]
    phase: Option<String>,
    /// The town or district it is in; what puts it on a map may follow, as in "Northfen, TF 412 107"
    /// (National Grid) or "Northfen, 52.67, 0.09" (latitude and longitude)
    #[arg(long)]
    location: Option<String>,
    #[command(flatten)]
    lock: LockChoice,
}

/// What is to protect the keys on the disk, besides the permissions of their files.
#[derive(Debug, clap::Args)]
pub(super) struct LockChoice {
    /// Lock the school's key with a passphrase, asked for now and whenever the key is needed
    #[arg(long, conflicts_with = "key_file")]
    passphrase: bool,
    /// Lock the keys with the content of a file, which must be there whenever the node starts
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl LockChoice {
    pub(super) fn lock(self) -> anyhow::Result<Lock> {
        match self.key_file {
            Some(file) => Ok(Lock::KeyFile(file)),
            None if self.passphrase => passphrase::chosen(),
            None => Ok(Lock::Open),
        }
    }
}

impl Init {
    pub(super) fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let Self { name, urn, phase, location, lock } = self;
        let urn = urn.map(|urn| urn.parse::<Urn>()).transpose()?;
        let claims = Claims { name: name.trim().to_owned(), urn, phase, location };
        let home = Home::new(data);
        let (identity, key) = home.init(claims, &lock.lock()?)?;
        let kit = home.dir().join(kit::FILE);
        kit::write(&key, identity.claims(), &kit)?;
        let link = People::open(&home, &identity.claims().name)?.first_link()?;
        let link = format!("{DEFAULT_PAGES}link/{}", link.as_str());
        let answer = json!({
            "school": identity.school(),
            "name": identity.claims().name,
            "data": home.dir(),
            "recovery_kit": kit,
            "first_link": link,
        });
        output.answer(&answer, || {
            format!(
                "{} is set up in {}.\n{}\nNext: staffroom serve --data {}\nThen open this link, once and within 14 days, to sign in as the first administrator:\n{link}",
                identity.claims().name,
                home.dir().display(),
                kit::advice(&kit),
                data.display()
            )
        })
    }
}
