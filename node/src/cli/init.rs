//! `staffroom init`

use std::path::Path;

use serde_json::json;
use staffroom_protocol::group::Claims;
use staffroom_protocol::safeguard::urn::Urn;

use super::output::Output;
use crate::home::Home;

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
    /// The town or district it is in
    #[arg(long)]
    location: Option<String>,
}

impl Init {
    pub(super) fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let Self { name, urn, phase, location } = self;
        let urn = urn.map(|urn| urn.parse::<Urn>()).transpose()?;
        let claims = Claims { name: name.trim().to_owned(), urn, phase, location };
        let home = Home::new(data);
        let identity = home.init(claims)?;
        let answer = json!({
            "school": identity.school(),
            "name": identity.claims().name,
            "data": home.dir(),
        });
        output.answer(&answer, || {
            format!(
                "{} is set up in {}.\nKeep the folder keys in it safe and back it up: it is the school's \
                 identity.\nNext: staffroom serve --data {}",
                identity.claims().name,
                home.dir().display(),
                data.display()
            )
        })
    }
}
