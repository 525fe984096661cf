//! `staffroom line`

use std::path::Path;

use anyhow::bail;

use super::client::Client;
use super::output::{Output, table};
use crate::http::{LineReport, StatusReport};
use crate::line::rate::Ceiling;
use crate::line::schedule::{Days, Hours, Zone};
use crate::line::{Ceilings, InForce, LineSettings};
use crate::network::Traffic;

/// Show or set how much may pass on the line to other schools, within school hours and outside
#[derive(Debug, clap::Args)]
pub(super) struct Line {
    /// The ceiling within school hours, such as "2 Mbit/s", or none
    #[arg(long, value_name = "RATE")]
    within: Option<Ceiling>,
    /// The ceiling at all other times, such as "20 Mbit/s", or none
    #[arg(long, value_name = "RATE")]
    outside: Option<Ceiling>,
    /// The direction that the ceilings are for; both if it is not given
    #[arg(long, value_enum, value_name = "DIRECTION")]
    only: Option<Direction>,
    /// School hours, such as 08:30-16:00; 21:00-06:00 are over midnight
    #[arg(long, value_name = "FROM-TO")]
    hours: Option<Hours>,
    /// The days on which school hours begin, such as Mon-Fri or Mon,Wed
    #[arg(long, value_name = "DAYS")]
    days: Option<Days>,
    /// The time zone of the school, such as Europe/London
    #[arg(long, value_name = "ZONE")]
    zone: Option<Zone>,
    /// Let everything pass again, and forget the ceilings and the school hours
    #[arg(long, conflicts_with_all = ["within", "outside", "only", "hours", "days", "zone"])]
    off: bool,
}

/// A direction, as seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Direction {
    /// What this node receives
    Receiving,
    /// What this node sends
    Sending,
}

impl Line {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        if self.only.is_some() && self.within.is_none() && self.outside.is_none() {
            bail!("--only says which direction --within or --outside is for; give one of them");
        }
        let report = Client::with(data, output, async |client| self.ask(client).await).await?;
        output.answer(&report, || text(&report))
    }

    async fn ask(self, client: &Client) -> anyhow::Result<LineReport> {
        if self.off {
            let _: Option<InForce> = client.delete("/line").await?;
        } else if self.sets_something() {
            let before: StatusReport = client.get("/status").await?;
            let mut settings = before.line.map(|before| before.settings).unwrap_or_default();
            self.change(&mut settings);
            let _: Option<InForce> = client.put_body("/line", &settings).await?;
        }
        client.get("/line").await
    }

    fn sets_something(&self) -> bool {
        let Self { within, outside, hours, days, zone, .. } = self;
        within.is_some() || outside.is_some() || hours.is_some() || days.is_some() || zone.is_some()
    }

    fn change(self, settings: &mut LineSettings) {
        let LineSettings { schedule, within, outside } = settings;
        for (ceilings, given) in [(within, self.within), (outside, self.outside)] {
            let Some(ceiling) = given else { continue };
            if self.only != Some(Direction::Sending) {
                ceilings.receiving = ceiling;
            }
            if self.only != Some(Direction::Receiving) {
                ceilings.sending = ceiling;
            }
        }
        schedule.hours = self.hours.unwrap_or(schedule.hours);
        schedule.days = self.days.unwrap_or(schedule.days);
        if let Some(zone) = self.zone {
            schedule.zone = zone;
        }
    }
}

fn text(report: &LineReport) -> String {
    let moment = match &report.a_second {
        None => "The node is not running; nothing is sent or received.".to_owned(),
        Some(Traffic { sent, received }) => {
            format!("At the moment {} received, {} sent.", speed(*received), speed(*sent))
        }
    };
    let Some(in_force) = &report.in_force else {
        return format!(
            "There is no ceiling on what the node sends and receives.\n{moment}\n\
             Set one with: staffroom line --within \"2 Mbit/s\""
        );
    };
    let LineSettings { schedule, within, outside } = &in_force.settings;
    let row = |when: &str, ceilings: &Ceilings, now: bool| {
        let now = if now { "in force" } else { "" };
        [
            when.to_owned(),
            ceilings.receiving.to_string(),
            ceilings.sending.to_string(),
            now.to_owned(),
        ]
    };
    let rows = [
        row("Within school hours", within, in_force.school_hours),
        row("Outside", outside, !in_force.school_hours),
    ];
    let until = in_force.until.as_ref().map(|until| format!(", until {until}"));
    format!(
        "School hours are {schedule}. It is {} them{}.\n\n{}\n{moment}",
        if in_force.school_hours { "within" } else { "outside" },
        until.unwrap_or_default(),
        table(["Ceiling", "Receiving", "Sending", ""], rows)
    )
}

/// Bytes in a second, in the units of lines.
fn speed(bytes: u64) -> String {
    let kilobits = bytes as f64 / 125.0;
    if kilobits < 1_000.0 {
        format!("{kilobits:.0} kbit/s")
    } else {
        format!("{:.1} Mbit/s", kilobits / 1_000.0)
    }
}

/// The line of `staffroom status` that says what is in force; nothing where no ceiling was set.
pub(super) fn in_status(in_force: Option<&InForce>) -> String {
    let Some(InForce { ceilings, school_hours, until, .. }) = in_force else {
        return String::new();
    };
    let hours = if *school_hours { "school hours" } else { "outside school hours" };
    let until = until.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
    let most = |ceiling: Ceiling| match ceiling.0 {
        Some(rate) => format!("at most {rate}"),
        None => "without a ceiling".to_owned(),
    };
    let Ceilings { receiving, sending } = *ceilings;
    format!(
        "line         receiving {}, sending {} ({hours}{until})\n",
        most(receiving),
        most(sending)
    )
}
