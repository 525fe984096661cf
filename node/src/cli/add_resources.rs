//! `staffroom add-resources`
//!
//! A folder is looked through ([`folder`]), its files are judged and hashed ([`content`]), and compared
//! with what the school shares ([`compared`]). What is new or has changed is then sent and published,
//! some files at a time, so that a command that was interrupted goes on where it stopped.

mod compared;
mod content;
mod described;
mod folder;
mod licence;
mod map;
mod report;
mod shared;

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::client::{Client, with_query};
use super::output::Output;
use super::publish::Sharing;
use crate::own_resources::OwnResource;
use compared::{Fate, compare};
use folder::Folder;
use map::ResourceMap;
use report::{FileReport, Outcome, Report};
use staffroom_protocol::record::resource::BOUGHT_SCHEMES;
use staffroom_protocol::safeguard::CAVEAT;

/// Share the files of a folder
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AddResources {
    /// The folder; those inside it are looked through as well
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A CSV file that says more of files: a column "file" with the path inside DIR, and any fields of
    /// a resource (title, type, licence, subjects, key stages …)
    #[arg(long, value_name = "CSV")]
    map: Option<PathBuf>,
    /// The licence of files for which the map gives none, such as "this group only" or "CC BY"
    #[arg(long, value_name = "NAME", alias = "license")]
    licence: Option<String>,
    /// A group to share with, where the map names none; may be given several times
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// A file, or a folder of files, that cannot be looked through, such as pictures: say that it holds
    /// no pupil data; may be given several times
    #[arg(long, value_name = "FILE")]
    no_pupil_data: Vec<PathBuf>,
    #[command(flatten)]
    sharing: Sharing,
}

const EXAMPLES: &str = "\
Examples:
  staffroom add-resources 'Year 4 maths' --licence 'CC BY'
  staffroom add-resources slides --map slides.csv --group 'Maths network' --remove-names";

impl AddResources {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        // What is wrong with the whole folder or map is said before anything is opened.
        let licence = self.licence.as_deref().map(licence::named).transpose()?;
        let mut folder = Folder::look_through(&self.folder, data)?;
        let map = match &self.map {
            Some(path) => {
                folder.leave_out(path);
                ResourceMap::read(path, &folder)?
            }
            None => ResourceMap::default(),
        };
        let vouched = folder.vouched(&self.no_pupil_data)?;
        let report = Client::with(data, output, async |client| {
            self.add(folder, map, licence, &vouched, client, output).await
        })
        .await?;
        output.answer(&report, || report.text(self.sharing.check))?;
        if report.shared + report.new_versions > 0 {
            output.remark(&format!("Please check: the rights holder {BOUGHT_SCHEMES}."));
            output.remark(CAVEAT);
        }
        let rows = report.rows_without_file.len();
        match (report.refused, rows) {
            (0, 0) => Ok(()),
            (0, rows) => {
                let rows = report::counted(rows, "row", "rows");
                bail!("{rows} of the map name no file to add; see above")
            }
            (refused, _) => {
                let refused = report::counted(refused, "file was", "files were");
                bail!("{refused} not shared; see above")
            }
        }
    }

    async fn add(
        &self,
        folder: Folder,
        map: ResourceMap,
        licence: Option<&'static str>,
        vouched: &[String],
        client: &Client,
        output: &Output,
    ) -> anyhow::Result<Report> {
        let mut report = Report::new(&self.folder, &folder, &map);
        let groups = self.group.join("\n");
        let address = with_query("/resources", [("groups", groups.as_str())]);
        let own: Vec<OwnResource> = client.get(&address).await?;
        let (files, refused) = content::judged_and_hashed(folder, output);
        report.add_all(refused);
        let mut to_share = Vec::new();
        for (file, fate) in compare(files, &own, &map) {
            match fate {
                Fate::CopyOf(first) => {
                    report.add(FileReport::new(&file.path, Outcome::Copy { of: first }));
                }
                Fate::Unchanged(resource) => {
                    let title = described::title_of(&resource.fields);
                    let outcome = Outcome::Unchanged { id: resource.id, title };
                    report.add(FileReport::new(&file.path, outcome));
                }
                Fate::Wrong(reason) => report.add(FileReport::refused(&file.path, reason)),
                fate @ (Fate::New | Fate::Same(_) | Fate::Changed(_)) => {
                    to_share.push((file, fate));
                }
            }
        }
        let lacks_licence = |(file, fate): &(content::Hashed, Fate<'_>)| {
            matches!(fate, Fate::New) && !map.gives(&file.path, "licence")
        };
        let licence = match licence {
            None if to_share.iter().any(lacks_licence) && !self.sharing.check => {
                licence::asked(output)?
            }
            known => known.unwrap_or(licence::DEFAULT),
        };
        self.share(to_share, &map, licence, vouched, &own, client, output, &mut report).await?;
        Ok(report.finished())
    }
}
