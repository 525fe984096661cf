//! What the scan says of what it found.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Hit, Sort};

/// Lines that one finding lists; who mends so many looks through the whole text.
const MOST_LINES: usize = 20;

/// Something found, without its value: all finds of one sort in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The field or file name; what the scan finds in that name itself is hidden.
    pub place: String,
    /// What sort.
    pub sort: Sort,
    /// Whether it stops the record from being shared.
    pub refused: bool,
    /// The first lines that have one, counted from 1; empty where the text is a single line.
    pub lines: Vec<usize>,
    /// How many there are.
    pub count: usize,
    /// Why a file could not be looked through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        match self.lines.as_slice() {
            [] => {}
            [line] => write!(f, ", line {line}")?,
            [first, rest @ ..] => {
                write!(f, ", lines {first}")?;
                for line in rest {
                    write!(f, ", {line}")?;
                }
            }
        }
        write!(f, ": {}", self.sort.label())?;
        if self.count > 1 {
            write!(f, ", {} times", self.count)?;
        }
        if let Some(reason) = &self.reason {
            write!(f, " ({reason})")?;
        }
        write!(f, ". {}", self.sort.advice())?;
        if self.sort == Sort::UncheckedFile {
            return write!(
                f,
                " If it holds no pupil data, say so: --no-pupil-data {:?} on the command line, or \
                 cleared: [{{sort: {}, file: …, reason: \"…\"}}] in the front matter.",
                self.place, self.sort
            );
        }
        if self.sort.is_refused() {
            f.write_str(
                " The author cannot clear it; only the data-protection role may override this, \
                 with a reason.",
            )
        } else {
            write!(
                f,
                " If it may be shared, clear it with a reason: \
                 cleared: [{{sort: {}, reason: \"…\"}}] in the front matter.",
                self.sort
            )
        }
    }
}

/// One finding for each sort, the refused first.
pub(super) fn collect(place: &str, text: &str, mut hits: Vec<Hit>) -> Vec<Finding> {
    hits.sort_by_key(|hit| (hit.range.start, hit.sort));
    hits.dedup_by_key(|hit| (hit.range.start, hit.sort));
    let has_lines = text.contains('\n');
    let mut found: Vec<Finding> = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for hit in hits {
        line += text[counted..hit.range.start].matches('\n').count();
        counted = hit.range.start;
        let index = found.iter().position(|finding| finding.sort == hit.sort);
        let index = index.unwrap_or_else(|| {
            found.push(Finding {
                place: if place.is_empty() { "the text" } else { place }.to_owned(),
                sort: hit.sort,
                refused: hit.sort.is_refused(),
                lines: Vec::new(),
                count: 0,
                reason: None,
            });
            found.len() - 1
        });
        let finding = &mut found[index];
        finding.count += 1;
        let is_new = has_lines && finding.lines.last() != Some(&line);
        if is_new && finding.lines.len() < MOST_LINES {
            finding.lines.push(line);
        }
    }
    found.sort_by_key(|finding| finding.sort);
    found
}
