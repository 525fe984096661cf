//! What the figures of a report that is being written show, as every node would work it out.

use staffroom_protocol::record::{Authored, Content, Kind, Severity};
use staffroom_search::evidence::{ReportRow, Sentence};

use super::Draft;
use super::form::Form;
use super::written::Remark;
use crate::node::Node;
use crate::records::{HeldRecord, RecordError};

/// What the figures show.
#[derive(Debug, Default)]
pub(crate) struct DraftEffect {
    /// The effect, with what a table says of it; none while there are no figures to work it out from.
    pub(crate) row: Option<ReportRow>,
    /// What was gained, how strong that is and what to be careful about, in plain words.
    pub(crate) sentences: Vec<Sentence>,
    /// What is missing or wrong, as far as there are figures.
    pub(crate) remarks: Vec<Remark>,
}

impl Node {
    /// The record that a draft is about. None where it is about none, or that one is held no longer: what
    /// was written is not lost with it.
    pub(crate) fn draft_is_about(&self, draft: &Draft) -> Result<Option<HeldRecord>, RecordError> {
        match draft.of() {
            "" => Ok(None),
            of => match self.find_record(of) {
                Ok(held) => Ok(Some(held)),
                Err(RecordError::Unknown(_)) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Works out the effect of the figures of a draft on `about`, what it is about. Nothing is kept.
    pub(crate) fn draft_effect(&self, draft: &Draft, about: Option<&HeldRecord>) -> DraftEffect {
        let mut shown = DraftEffect::default();
        let has_figures = draft.fields.keys().any(|name| name.starts_with("arms."));
        if draft.kind() != Kind::ImpactReport || !has_figures {
            return shown;
        }
        let mut record = match Authored::from_value(draft.written()) {
            Ok(authored) => authored.record,
            Err(error) => {
                shown.remarks = draft.remarks_on(&error.into());
                return shown;
            }
        };
        record.normalise();
        let figures: Vec<_> = Form::of(draft.kind()).figures().collect();
        let problems = record.validate().into_vec().into_iter();
        shown.remarks = problems
            .filter(|problem| problem.severity == Severity::Refused)
            .map(|problem| draft.remark_on_problem(&problem))
            .filter(|remark| remark.field.is_some_and(|field| figures.contains(&field)))
            .collect();
        record.redact();
        let summary = record.summarise();
        let Content::ImpactReport(report) = &record.content else { return shown };
        if report.of.is_none() || summary.figures.is_none() || !shown.remarks.is_empty() {
            return shown;
        }
        let Some(held) = about else { return shown };
        (shown.row, shown.sentences) = self.report_alone_shows(held, draft.id, summary);
        shown
    }
}
