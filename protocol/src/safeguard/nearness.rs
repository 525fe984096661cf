//! How close a number is to the word that says what it is.

use std::ops::Range;

use regex::Regex;

/// "The child's NHS number, as the parents gave it to the office, is …".
const BEFORE: usize = 60;

/// "… (NHS number)".
const AFTER: usize = 24;

/// "…, …" and "… and …": the next of a list.
const LIST: usize = 8;

/// Where a text says a name such as "NHS number".
pub(super) struct Names {
    spans: Vec<Range<usize>>,
    /// The field as a whole bears the name.
    labelled: bool,
    last_of_list: Option<usize>,
}

impl Names {
    pub(super) fn find(
        name: &Regex,
        text: &str,
        label: Option<&str>,
        means_it: impl Fn(&str, &Range<usize>) -> bool,
    ) -> Self {
        let spans = name.find_iter(text).map(|found| found.range());
        Self {
            spans: spans.filter(|span| means_it(text, span)).collect(),
            labelled: label.is_some_and(|label| name.is_match(label)),
            last_of_list: None,
        }
    }

    /// Whether the name stands near the number, or the number follows in a list of such.
    pub(super) fn are_near(&self, number: &Range<usize>) -> bool {
        self.labelled
            || self.last_of_list.is_some_and(|end| number.start.saturating_sub(end) <= LIST)
            || self.before(number).is_some_and(|gap| gap.len() <= BEFORE)
            || self.after(number).is_some_and(|gap| gap.len() <= AFTER)
    }

    /// Whether the name ends just where the number starts, as in "NHS9434765919".
    pub(super) fn touch(&self, number: &Range<usize>) -> bool {
        self.before(number).is_some_and(|gap| gap.is_empty())
    }

    /// Notes that `number` was one of those that bear the name.
    pub(super) fn note(&mut self, number: &Range<usize>) {
        self.last_of_list = Some(number.end);
    }

    pub(super) fn spans(&self) -> &[Range<usize>] {
        &self.spans
    }

    pub(super) const fn label_the_text(&self) -> bool {
        self.labelled
    }

    /// What lies between the last name before the number and the number.
    pub(super) fn before(&self, number: &Range<usize>) -> Option<Range<usize>> {
        let index = self.spans.partition_point(|span| span.end <= number.start);
        index.checked_sub(1).map(|index| self.spans[index].end..number.start)
    }

    /// What lies between the number and the first name after it.
    pub(super) fn after(&self, number: &Range<usize>) -> Option<Range<usize>> {
        let index = self.spans.partition_point(|span| span.start < number.end);
        self.spans.get(index).map(|span| number.end..span.start)
    }
}
