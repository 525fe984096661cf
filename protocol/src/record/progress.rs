//! How far an intervention or an adoption has got.

use jiff::civil::Date;

use super::term::terms;
use super::{Period, Problems};

terms! {
    /// How far an intervention or an adoption has got.
    State, "state" {
        /// Not started.
        Proposed = "proposed",
        /// Going on.
        Running = "running",
        /// Done as planned.
        Finished = "finished",
        /// Given up before it was done.
        Stopped = "stopped",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the enum marks no default")]
impl Default for State {
    fn default() -> Self {
        Self::Proposed
    }
}

/// The fields by which a record says how far it has got.
pub(super) struct Progress<'a> {
    pub(super) state: State,
    pub(super) stop_reason: &'a str,
    pub(super) started: Option<Date>,
    pub(super) ended: Option<Date>,
}

impl Progress<'_> {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.text_length("stop_reason", self.stop_reason, 0, 2_000);
        let has_reason = !self.stop_reason.trim().is_empty();
        match (self.state, has_reason) {
            (State::Stopped, false) => problems.refuse(
                "stop_reason",
                "",
                "is needed because the state is stopped; say in a sentence why, so that others learn from it",
            ),
            (State::Proposed | State::Running | State::Finished, true) => problems.warn(
                "stop_reason",
                self.stop_reason,
                format!("is shown only where the state is stopped; it is {}", self.state),
            ),
            (State::Stopped, true)
            | (State::Proposed | State::Running | State::Finished, false) => {}
        }
        match (self.started, self.ended) {
            (None, Some(ended)) => {
                problems.refuse("ended", ended, "needs the day it began in started");
            }
            (Some(started), Some(ended)) if ended < started => {
                problems.refuse("ended", ended, format!("must not be before started, {started}"));
            }
            (Some(_), Some(_)) | (_, None) => {}
        }
    }

    pub(super) fn period(&self) -> Option<Period> {
        self.started.map(|from| Period { from, to: self.ended })
    }
}
