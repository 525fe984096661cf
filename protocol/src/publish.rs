//! The one door to sharing a record: rules, scan, what stays local, summary.
//!
//! Whatever publishes or imports goes through [`prepare`], so nothing leaves a school without the
//! scan for pupil data and the small-group rules, and no file without the scan of the text inside it or
//! its author's word.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::entry::BlobRef;
use crate::hash::{Hash, SchoolId};
use crate::limits::{MAX_BODY_BYTES, MAX_SUMMARY_BYTES};
use crate::record::impact_report::n_changed_slightly;
use crate::record::resource::adapting::{self, Original};
use crate::record::small_group::crossed_group;
use crate::record::{Content, Problem, Problems, Record, Summary};
use crate::safeguard::{self, Allowed, Clearance, Finding, Judgement};
use crate::wire;

/// A record that may be shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The record without what stays in the school.
    pub record: Record,
    /// What is gossiped.
    pub summary: Summary,
    /// The record encoded, as fetched by every member.
    pub body: Vec<u8>,
    /// What the author should look at.
    pub warnings: Vec<Problem>,
    /// Finds of the scan that the author cleared, with the reasons, for the audit log.
    pub cleared: Vec<Allowed>,
}

/// Why a record may not be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", explain(problems, findings))]
pub struct Refusal {
    /// Broken rules, and what the author should look at.
    pub problems: Vec<Problem>,
    /// What the scan found and nobody cleared.
    pub findings: Vec<Finding>,
}

/// What a record is checked against besides its own rules.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The school that publishes.
    pub school: SchoolId,
    /// The day, which decides which dates may be a pupil's date of birth.
    pub today: Date,
    /// The summary of the version shared before, if there is one.
    pub shared_before: Option<&'a Summary>,
    /// The record that it is about, if it names one and its full text is held.
    pub about: Option<&'a Record>,
    /// The resources that it is based on, as far as they are held.
    pub originals: &'a [Original],
    /// What was read in its files, by their hashes.
    pub files: &'a BTreeMap<Hash, FileText>,
}

/// What was read in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileText {
    /// The text inside it.
    Text(String),
    /// There is none that could be looked through, and why, in words that go behind the file's name.
    NoText(String),
}

/// Checks a record and makes what is shared of it.
///
/// # Errors
/// [`Refusal`] lists everything that is in the way, not only the first.
pub fn prepare(
    mut record: Record,
    cleared: &[Clearance],
    context: Context<'_>,
) -> Result<Prepared, Refusal> {
    record.normalise();
    // Nothing that its author wrote there counts.
    record.files_mut().iter_mut().for_each(|file| file.text = None);
    let mut problems = record.validate();
    // What is scanned is the whole record as written, with what stays local: a number pasted into
    // a field that is not shared does not belong there either.
    let written = serde_json::to_value(&record).unwrap_or_default();
    let findings = safeguard::scan_value(&written, context.today);
    let mut judgement = judge(findings, cleared, None);
    judgement.extend(look_into_files(&mut record, cleared, &context));
    record.redact();
    let summary = record.summarise();
    check_against(&record, &summary, &context, &mut problems);
    let body = wire::encode(&record);
    if body.len() > MAX_BODY_BYTES {
        let size = format!("{} bytes", body.len());
        problems.refuse("the record", size, format!("may have at most {MAX_BODY_BYTES} bytes"));
    }
    let summary_size = wire::encode(&summary).len();
    if summary_size > MAX_SUMMARY_BYTES {
        problems.refuse(
            "the summary",
            format!("{summary_size} bytes"),
            format!("may have at most {MAX_SUMMARY_BYTES} bytes; attach fewer files"),
        );
    }
    if !problems.is_shareable() || !judgement.allows_sharing() {
        let findings = judgement.obstacles().cloned().collect();
        return Err(Refusal { problems: problems.into_vec(), findings });
    }
    let warnings = problems.into_vec();
    Ok(Prepared { record, summary, body, warnings, cleared: judgement.cleared })
}

/// Looks through the text of each file and notes in the record which text that was.
fn look_into_files(record: &mut Record, cleared: &[Clearance], context: &Context<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    for file in record.files_mut() {
        let findings = match context.files.get(&file.hash) {
            Some(FileText::Text(text)) => {
                let hash = Hash::of(text.as_bytes());
                file.text = Some(BlobRef { hash, size: text.len() as u64 });
                safeguard::scan(&file.name, text, context.today)
            }
            Some(FileText::NoText(reason)) => {
                vec![safeguard::unchecked(&file.name, reason, context.today)]
            }
            None => vec![safeguard::unchecked(&file.name, "it was not read", context.today)],
        };
        judgement.extend(judge(findings, cleared, Some(&file.name)));
    }
    judgement
}

/// Judges what was found in a file, or in the record itself.
fn judge(findings: Vec<Finding>, cleared: &[Clearance], file: Option<&str>) -> Judgement {
    let cleared: Vec<_> = cleared.iter().filter(|one| one.is_for(file)).cloned().collect();
    safeguard::judge(findings, &cleared, None)
}

/// The rules that need another record: the version shared before, or the one that it is about.
fn check_against(
    record: &Record,
    summary: &Summary,
    context: &Context<'_>,
    problems: &mut Problems,
) {
    if let Some(before) = context.shared_before.and_then(|before| before.figures.as_ref())
        && let Some(after) = &summary.figures
        && n_changed_slightly(before, after)
    {
        problems.refuse(
            "arms",
            "",
            "has a number of pupils that differs by 1 to 9 from the one shared before, which could \
             disclose those few; ask whoever is responsible for data protection at the school",
        );
    }
    let about = context.about.map(|about| (about, about.summarise()));
    if summary.figures.is_some()
        && let Some((_, about)) = &about
    {
        let both = |own: &[String], theirs: &[String]| [own, theirs].concat();
        let pupil_groups = both(&summary.pupil_groups, &about.pupil_groups);
        let year_groups = both(&summary.year_groups, &about.year_groups);
        if let Some(group) = crossed_group(&pupil_groups, &year_groups) {
            problems.refuse(
                "pupil_groups",
                group,
                "may not be crossed with year group and sex at once where there are figures; share \
                 them for a larger group, or describe what was seen in words",
            );
        }
    }
    if let Content::Resource(resource) = &record.content {
        adapting::check(resource, context.originals, context.school, problems);
    }
    if let Content::Adoption(adoption) = &record.content {
        adoption.validate_source(context.school, problems);
        if let Some(Content::Intervention(original)) = context.about.map(|about| &about.content) {
            adoption.validate_against(original, problems);
        }
    }
}

fn explain(problems: &[Problem], findings: &[Finding]) -> String {
    let problems = problems.iter().map(Problem::to_string);
    problems.chain(findings.iter().map(Finding::to_string)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::{Value, json};

    use super::*;
    use crate::record::Authored;
    use crate::safeguard::Sort;

    fn hash(name: &str) -> Hash {
        Hash::of(name.as_bytes())
    }

    fn resource(files: &[&str], cleared: &Value) -> Authored {
        let file = |name: &&str| {
            let elsewhere = BlobRef { hash: hash("made up"), size: 3 };
            json!({ "name": name, "media_type": "image/png", "size": 9, "hash": hash(name),
                    "text": elsewhere })
        };
        let files: Vec<Value> = files.iter().map(file).collect();
        Authored::from_value(json!({
            "kind": "resource", "type": "lesson plan", "title": "Sound grid", "licence": "CC-BY-4.0",
            "files": files, "cleared": cleared,
        }))
        .unwrap()
    }

    fn prepared(
        files: &[(&str, Result<&str, &str>)],
        cleared: &Value,
    ) -> Result<Prepared, Vec<String>> {
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        let authored = resource(&names, cleared);
        let read = files.iter().map(|(name, text)| {
            let text = match text {
                Ok(text) => FileText::Text((*text).to_owned()),
                Err(reason) => FileText::NoText((*reason).to_owned()),
            };
            (hash(name), text)
        });
        let context = Context {
            school: SchoolId::from_bytes([7; 32]),
            today: date(2026, 11, 24),
            shared_before: None,
            about: None,
            originals: &[],
            files: &read.collect(),
        };
        prepare(authored.record, &authored.cleared, context)
            .map_err(|refusal| refusal.findings.iter().map(Finding::to_string).collect())
    }

    #[test]
    fn the_text_of_a_file_is_looked_through_and_named() {
        let table = "Autumn term\n\nName\tReading\nAmy Hill\t34\nBen Moss\t28\nCara Webb\t31";
        let files = [("plan.docx", Ok("Read aloud.")), ("marks.xlsx", Ok(table))];
        let cleared = json!([{ "sort": "pupil_table", "reason": "please" }]);
        let refused = prepared(&files, &cleared).unwrap_err();
        assert_eq!(refused.len(), 1);
        assert!(
            refused[0].starts_with("marks.xlsx, lines 4, 5, 6: a table of names"),
            "{refused:?}"
        );

        let read = prepared(&[("plan.docx", Ok("Read aloud."))], &json!([])).unwrap();
        let text = Some(BlobRef { hash: hash("Read aloud."), size: 11 });
        assert_eq!(read.summary.files[0].text, text);
        assert!(read.cleared.is_empty());
    }

    #[test]
    fn a_find_in_a_file_is_cleared_for_all_or_for_that_file() {
        let files = [("letter.docx", Ok("Write to office@ash.sch.uk"))];
        assert_eq!(prepared(&files, &json!([])).unwrap_err().len(), 1);
        let clearing = |file: Value| json!([{ "sort": "email", "file": file, "reason": "ours" }]);
        assert_eq!(prepared(&files, &clearing(json!("other.docx"))).unwrap_err().len(), 1);
        for file in [Value::Null, json!("letter.docx")] {
            let cleared = prepared(&files, &clearing(file)).unwrap().cleared;
            assert_eq!(cleared[0].finding.place, "letter.docx");
        }
    }

    #[test]
    fn a_file_without_text_waits_for_its_authors_word_on_that_file() {
        let files = [("room.png", Err("it is a picture, which is not read"))];
        let refused = prepared(&files, &json!([])).unwrap_err();
        assert_eq!(
            refused,
            [
                "room.png: a file that could not be looked through (it is a picture, which is not read). \
              Look through it yourself for names, faces and marks of pupils before you share it. If it \
              holds no pupil data, say so: --no-pupil-data \"room.png\" on the command line, or \
              cleared: [{sort: unchecked_file, file: …, reason: \"…\"}] in the front matter."
            ]
        );
        let word = |file: Value, reason: &str| json!([{ "sort": "unchecked_file", "file": file, "reason": reason }]);
        for not_enough in [
            word(Value::Null, "seen"),
            word(json!("hall.png"), "seen"),
            word(json!("room.png"), " "),
        ] {
            assert_eq!(prepared(&files, &not_enough).unwrap_err().len(), 1, "{not_enough}");
        }
        let shared = prepared(&files, &word(json!("room.png"), "an empty room")).unwrap();
        assert_eq!(shared.cleared[0].finding.sort, Sort::UncheckedFile);
        assert_eq!(shared.cleared[0].reason, "an empty room");
        assert_eq!(
            shared.summary.files[0].text, None,
            "what the author wrote there does not count"
        );
    }

    #[test]
    fn a_file_that_nobody_read_counts_as_one_without_text() {
        let authored = resource(&["plan.docx"], &json!([]));
        let context = Context {
            school: SchoolId::from_bytes([7; 32]),
            today: date(2026, 11, 24),
            shared_before: None,
            about: None,
            originals: &[],
            files: &BTreeMap::new(),
        };
        let refusal = prepare(authored.record, &authored.cleared, context).unwrap_err();
        assert_eq!(refusal.findings[0].sort, Sort::UncheckedFile);
    }
}
