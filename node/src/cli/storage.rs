//! `staffroom storage`

use std::path::Path;

use bytesize::ByteSize;
use staffroom_protocol::group::Capacity;

use super::client::Client;
use super::output::{Output, bytes};
use crate::http::{StorageReport, StorageRequest};
use crate::keeping::settings::StorageSettings;

/// Show or set how much room other schools' files have on this server
#[derive(Debug, clap::Args)]
pub(super) struct Storage {
    /// How much of other schools' files this node holds at most, such as "50 GB"
    #[arg(long, value_name = "SIZE")]
    total: Option<ByteSize>,
    /// How much of one school's files it keeps for the sake of others, such as "10 GB"
    #[arg(long, value_name = "SIZE")]
    per_school: Option<ByteSize>,
    /// How much of the disk stays free, such as "2 GB"
    #[arg(long, value_name = "SIZE")]
    min_free: Option<ByteSize>,
    /// What becomes of the part of a file that has come where the rest cannot be had
    #[arg(long, value_enum, value_name = "WHAT")]
    unfinished: Option<Unfinished>,
    /// How much this school keeps of what others share, compared with the other members; all of them
    /// hear it
    #[arg(long, value_enum, value_name = "SHARE")]
    capacity: Option<Share>,
    /// Let the sizes be those of a new node again
    #[arg(long, conflicts_with_all = ["total", "per_school", "min_free", "unfinished"])]
    default: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Unfinished {
    /// It stays for the next try
    Keep,
    /// It is removed
    Remove,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Share {
    /// Nothing
    None,
    /// Half of what most keep
    Small,
    /// What most keep
    Normal,
    /// Twice what most keep
    Large,
}

impl Storage {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let report = Client::with(data, output, async |client| self.ask(client).await).await?;
        output.answer(&report, || text(&report))
    }

    async fn ask(self, client: &Client) -> anyhow::Result<StorageReport> {
        let before: StorageReport = client.get("/storage").await?;
        let settings = self.change(before.settings);
        let capacity = self.capacity.map(|share| match share {
            Share::None => Capacity::None,
            Share::Small => Capacity::Small,
            Share::Normal => Capacity::Normal,
            Share::Large => Capacity::Large,
        });
        if settings == before.settings && capacity.is_none() {
            return Ok(before);
        }
        client.put_body("/storage", &StorageRequest { settings, capacity }).await
    }

    fn change(&self, before: StorageSettings) -> StorageSettings {
        if self.default {
            return StorageSettings::default();
        }
        let size = |given: Option<ByteSize>, before| given.map_or(before, |size| size.as_u64());
        StorageSettings {
            total: size(self.total, before.total),
            per_school: size(self.per_school, before.per_school),
            min_free: size(self.min_free, before.min_free),
            keep_unfinished: match self.unfinished {
                Some(unfinished) => matches!(unfinished, Unfinished::Keep),
                None => before.keep_unfinished,
            },
        }
    }
}

fn text(report: &StorageReport) -> String {
    let StorageReport { settings, capacity, used, kept, older_versions, over, refused, free } =
        report;
    let capacity = capacity.map_or("different in each group".to_owned(), |one| one.to_string());
    let mut text = format!(
        "other schools' files  {} of {} at most, {} of it kept for others\n\
         older versions        {} of this school's own files, which count with them\n\
         of one school         {} at most for others\n\
         the disk              {} free, {} stay free\n\
         this school keeps     {capacity} (of none, small, normal, large)\n\
         unfinished files      {}\n",
        bytes(*used),
        bytes(settings.total),
        bytes(*kept),
        bytes(*older_versions),
        bytes(settings.per_school),
        bytes(*free),
        bytes(settings.min_free),
        if settings.keep_unfinished { "stay for the next try" } else { "are removed" },
    );
    if *over > 0 {
        text.push_str(&format!(
            "{} more than may be: too few other schools hold it for it to go\n",
            bytes(*over)
        ));
    }
    if *refused > 0 {
        text.push_str(&format!(
            "{refused} files found no room here; give more with --total, or ask less of this server \
             with --capacity small\n"
        ));
    }
    text
}
