//! A draft that waits for a colleague's approval.
//!
//! The request holds for exactly what was asked for: whoever changes the draft takes it back by that.
//! Nobody approves what they wrote some of, so a draft remembers everybody who changed it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::RecordId;

use super::{Draft, DraftError};
use crate::node::Node;
use crate::people::UserName;

/// Characters of what an approver says to a draft: a page of handwriting, which nobody writes twice.
pub(crate) const MOST_NOTE_CHARS: usize = 1_000;

/// Somebody asked for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// None for whoever can read the data directory.
    pub(crate) by: Option<UserName>,
    pub(crate) when: Timestamp,
    /// Names exactly what is to be shared.
    shown: String,
}

/// An approver sent it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentBack {
    pub(crate) by: Option<UserName>,
    pub(crate) when: Timestamp,
    /// What is to change.
    pub(crate) note: String,
}

/// Why approval is not asked for, given or refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApprovalError {
    #[error("this school shares without a colleague's approval; share the draft yourself")]
    NotNeeded,
    #[error(
        "this draft is not waiting for approval; it was changed, taken back, sent back or shared \
         since the page was shown"
    )]
    NotWaiting,
    #[error(
        "you wrote some of this draft, and a colleague who did not has to approve it; take the \
         request back if it is to wait no longer"
    )]
    Own,
    #[error("say what is to change, so that its author knows")]
    NoNote,
    #[error(
        "the note has {0} characters and may have {MOST_NOTE_CHARS}; shorten it, or talk to its \
         author"
    )]
    LongNote(usize),
    #[error(transparent)]
    Draft(#[from] DraftError),
}

impl Draft {
    /// Names exactly what would be shared of it.
    pub(crate) fn fingerprint(&self) -> String {
        blake3::hash(self.written().to_string().as_bytes()).to_hex().to_string()
    }

    /// The request for approval that holds for it as it is.
    pub(crate) fn asked(&self) -> Option<&Asked> {
        self.asked.as_ref().filter(|asked| asked.shown == self.fingerprint())
    }

    /// What an approver said to it, until approval is asked for again.
    pub(crate) fn sent_back(&self) -> Option<&SentBack> {
        self.sent_back.as_ref()
    }

    /// Whether somebody wrote some of it.
    pub(crate) fn is_by(&self, person: Option<&UserName>) -> bool {
        person.is_some_and(|person| self.writers.contains(person))
    }

    /// Takes in that somebody changed it.
    pub(super) fn was_changed_by(&mut self, person: Option<&UserName>) {
        self.writers.extend(person.cloned());
        self.asked = None;
    }

    /// Whether somebody may share it or send it back, who was shown exactly this.
    fn may_be_decided(&self, by: Option<&UserName>, shown: &str) -> Result<&Asked, ApprovalError> {
        let asked = self.asked().filter(|asked| asked.shown == shown);
        let asked = asked.ok_or(ApprovalError::NotWaiting)?;
        if self.is_by(by) { Err(ApprovalError::Own) } else { Ok(asked) }
    }
}

impl Node {
    /// Asks for a colleague's approval of exactly what was shown.
    pub(crate) fn ask_approval(
        &self,
        id: &RecordId,
        by: Option<&UserName>,
        shown: &str,
        now: Timestamp,
    ) -> Result<(), ApprovalError> {
        self.needs_approval()?;
        let asked = self.drafts().change(&id.to_string(), by, |draft| {
            if draft.fingerprint() != shown {
                return Err(ApprovalError::NotWaiting);
            }
            draft.writers.extend(by.cloned());
            draft.asked = Some(Asked { by: by.cloned(), when: now, shown: shown.to_owned() });
            draft.sent_back = None;
            Ok(())
        });
        asked.map(drop)
    }

    /// Lets a draft wait no longer.
    pub(crate) fn take_back_request(
        &self,
        id: &str,
        by: Option<&UserName>,
    ) -> Result<Draft, ApprovalError> {
        let taken = self
            .drafts()
            .change(id, by, |draft| draft.asked.take().map(drop).ok_or(ApprovalError::NotWaiting));
        Ok(taken?.0)
    }

    /// The draft that somebody approves, who was shown exactly this, and who asked for it.
    pub(crate) fn approved_draft(
        &self,
        id: &str,
        by: Option<&UserName>,
        shown: &str,
    ) -> Result<(Draft, Option<UserName>), ApprovalError> {
        self.needs_approval()?;
        let draft = self.drafts().get(id)?;
        let asked_by = draft.may_be_decided(by, shown)?.by.clone();
        Ok((draft, asked_by))
    }

    /// Sends a draft back with a note.
    pub(crate) fn send_back(
        &self,
        id: &str,
        by: Option<&UserName>,
        shown: &str,
        note: &str,
        now: Timestamp,
    ) -> Result<Draft, ApprovalError> {
        let note = note.trim().replace("\r\n", "\n");
        match note.chars().count() {
            0 => return Err(ApprovalError::NoNote),
            chars if chars > MOST_NOTE_CHARS => return Err(ApprovalError::LongNote(chars)),
            _ => {}
        }
        let sent = self.drafts().change(id, by, |draft| {
            draft.may_be_decided(by, shown)?;
            draft.asked = None;
            draft.sent_back = Some(SentBack { by: by.cloned(), when: now, note });
            Ok::<_, ApprovalError>(())
        });
        Ok(sent?.0)
    }

    fn needs_approval(&self) -> Result<(), ApprovalError> {
        if self.approval().is_needed() { Ok(()) } else { Err(ApprovalError::NotNeeded) }
    }

    /// The drafts that wait for somebody's approval, who waits longest first.
    pub(crate) fn waiting_for(&self, person: Option<&UserName>) -> Result<Vec<Draft>, DraftError> {
        if !self.approval().is_needed() {
            return Ok(Vec::new());
        }
        let mut drafts = self.drafts().all()?;
        drafts.retain(|draft| draft.asked().is_some() && !draft.is_by(person));
        drafts.sort_by_key(|draft| draft.asked.as_ref().map(|asked| asked.when));
        Ok(drafts)
    }

    /// Whether anybody but those who wrote a draft may approve it.
    pub(crate) fn has_approver_for(&self, draft: &Draft, asking: Option<&UserName>) -> bool {
        let approvers = self.people().approvers();
        approvers.iter().any(|one| !draft.is_by(Some(one)) && Some(one) != asking)
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::Kind;

    use super::super::tests::draft;
    use super::*;
    use crate::lineage::tests::Trust;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn person(name: &str) -> UserName {
        name.parse().unwrap()
    }

    #[test]
    fn a_request_holds_for_exactly_what_was_asked_for_and_a_colleague_decides() {
        let trust = Trust::of(0);
        let node = &trust.node;
        let (teacher, deputy) = (person("teacher"), person("deputy"));
        let one = draft(Kind::Intervention, &[("title", "Echo")]);
        node.drafts().keep(&one).unwrap();
        let id = one.id.to_string();
        let get = || node.drafts().get(&id).unwrap();
        let shown = get().fingerprint();
        let ask = |shown: &str| node.ask_approval(&one.id, Some(&teacher), shown, NOW);
        assert!(matches!(ask(&shown), Err(ApprovalError::NotNeeded)));
        node.approval().set(true).unwrap();
        assert!(matches!(ask("something else"), Err(ApprovalError::NotWaiting)));
        ask(&shown).unwrap();
        assert_eq!(node.waiting_for(Some(&deputy)).unwrap().len(), 1);
        assert_eq!(node.waiting_for(Some(&teacher)).unwrap(), [], "nobody approves their own");
        let own = node.approved_draft(&id, Some(&teacher), &shown);
        assert!(matches!(own, Err(ApprovalError::Own)), "{own:?}");
        let other = node.approved_draft(&id, Some(&deputy), "another page");
        assert!(matches!(other, Err(ApprovalError::NotWaiting)), "{other:?}");
        let (approved, asked_by) = node.approved_draft(&id, Some(&deputy), &shown).unwrap();
        assert_eq!((approved.id, asked_by), (one.id, Some(teacher.clone())));

        // To save it as it is changes nothing; whoever changes it takes the request back, and wrote it.
        let saves = |title: &str, by: &UserName| {
            node.drafts().change(&id, Some(by), |draft| {
                draft.fields.insert("title".to_owned(), vec![title.to_owned()]);
                draft.saved = NOW;
                Ok::<_, DraftError>(())
            })
        };
        saves("Echo", &deputy).unwrap();
        assert!(get().asked().is_some() && !get().is_by(Some(&deputy)));
        saves("Echo reading", &deputy).unwrap();
        assert!(get().asked().is_none() && get().is_by(Some(&deputy)));
        let changed = node.approved_draft(&id, Some(&deputy), &shown);
        assert!(matches!(changed, Err(ApprovalError::NotWaiting)), "{changed:?}");
        let shown = get().fingerprint();
        ask(&shown).unwrap();
        let own = node.approved_draft(&id, Some(&deputy), &shown);
        assert!(matches!(own, Err(ApprovalError::Own)), "{own:?}");
    }

    #[test]
    fn what_is_sent_back_has_a_note_until_it_is_asked_for_again() {
        let trust = Trust::of(0);
        let node = &trust.node;
        node.approval().set(true).unwrap();
        let (teacher, deputy) = (person("teacher"), person("deputy"));
        let one = draft(Kind::Intervention, &[("title", "Echo")]);
        node.drafts().keep(&one).unwrap();
        let (id, shown) = (one.id.to_string(), one.fingerprint());
        let back = |note: &str| node.send_back(&id, Some(&deputy), &shown, note, NOW);
        assert!(matches!(back("Which year?"), Err(ApprovalError::NotWaiting)));
        node.ask_approval(&one.id, Some(&teacher), &shown, NOW).unwrap();
        assert!(matches!(back(" \r\n"), Err(ApprovalError::NoNote)));
        let long = "ß".repeat(MOST_NOTE_CHARS + 1);
        assert!(matches!(back(&long), Err(ApprovalError::LongNote(1_001))));
        let sent = back(" Which year?\r\nAnd why? ").unwrap();
        let said = sent.sent_back().unwrap();
        assert_eq!(
            (said.note.as_str(), &said.by),
            ("Which year?\nAnd why?", &Some(deputy.clone()))
        );
        assert!(sent.asked().is_none());
        assert!(matches!(node.take_back_request(&id, None), Err(ApprovalError::NotWaiting)));
        node.ask_approval(&one.id, Some(&teacher), &shown, NOW).unwrap();
        let asked = node.take_back_request(&id, Some(&teacher)).unwrap();
        assert!(asked.sent_back().is_none() && asked.asked().is_none());
    }
}
