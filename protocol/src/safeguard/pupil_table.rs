//! Tables with a column of names beside marks, SEN or free-school-meal status.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use super::birth_date::{self, PupilAges};
use super::table::{self, Delimiter, Line};
use super::{Hit, Sort, nhs_number, pattern, person_name, ten_digits, uln, written_date};

/// A heading over pupils' names.
static PUPILS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)^(?:(?:pupil|student|child|children|learner)(?:'?s'?)?",
        r"(?: (?:full |first |last |given |family |legal |preferred )?(?:names?|initials))?",
        r"|(?:legal |preferred )?(?:surname|forename|first name|last name|given name|family name)s?",
        r"|names? of (?:the )?(?:pupil|student|child|learner)s?)$",
    ))
});

/// A heading over pupils' names, or over groups of pupils.
static PLURAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)^(?:pupils|students|children|learners)$"));

/// A heading over names of something.
static NAMES: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i-u)^(?:full |first |last )?names?$"));

/// A heading over what a pupil was given.
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)\b(?:marks?|scores?|scaled|grades?|results?|levels?|attainment|progress|baseline",
        r"|tests?|assessments?|exams?|percent(?:age|ile)?|reading|writing|spelling|phonics",
        r"|maths?|mathematics|english|science|attendance|absences?|behaviour|targets?|predicted",
        r"|gps|spag|ks[1-5]|gcse|sats?)\b|%",
    ))
});

/// A heading over the status of a pupil.
static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)^(?:sen|send|sen ?d? (?:status|need|support|code|stage)|special (?:educational )?needs?",
        r"|ehcp?|ehc plan|fsm|fsm6|ever ?6|(?:fsm|free school meals?|pp|pupil premium|eal|lac)",
        r"(?: \(?(?:status|eligib[a-z]{0,6}|y/n)\)?)?|disadvantaged)\??$",
    ))
});

/// A status in a cell that says so without a heading.
static STATUS_CELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)^(?:sen|send|sen support|ehcp?|ehc plan|fsm|free school meals?)$")
});

static MARK_CELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)^(?:[+-]?[0-9]{1,3}(?:\.[0-9]{1,3})?(?: ?%| ?/ ?[0-9]{1,3})?|[0-9]?[a-gu][*+-]{0,2}",
        r"|wts|exs|gds|pks|ws|pass|fail|merit|distinction|emerging|developing|secure|mastered",
        r"|expected|exceeding|greater depth|working (?:towards|below|at)|(?:on|above|below) (?:track|target))$",
    ))
});

/// So many rows in succession make a list: two lines that look like one are common in prose.
const ROWS_OF_A_LIST: usize = 3;

/// Longer cells are prose.
const LONGEST_HEADING: usize = 40;

pub(super) fn find(text: &str, today: Date, hits: &mut Vec<Hit>) {
    for delimiter in Delimiter::ALL {
        let mut table = Table { text, today, head: None, list: Vec::new(), listed: 0 };
        for line in table::lines(text, delimiter) {
            match line {
                Line::Row(cells) => table.row(&cells, hits),
                Line::Nothing => {}
                Line::Other => table.end(),
            }
        }
    }
}

struct Table<'a> {
    text: &'a str,
    today: Date,
    head: Option<Head>,
    /// What rows in succession would give away, until there are enough of them to tell.
    list: Vec<Hit>,
    listed: usize,
}

/// What a column identifies pupils by.
#[derive(Clone, Copy)]
enum Identifier {
    BirthDate,
    NhsNumber,
    Uln,
}

impl Identifier {
    fn headed(heading: &str) -> Option<Self> {
        // "DOB 3/3/2014" is a cell.
        if heading.bytes().any(|byte| byte.is_ascii_digit()) {
            None
        } else if birth_date::is_named_by(heading) {
            Some(Self::BirthDate)
        } else if nhs_number::is_named_by(heading) {
            Some(Self::NhsNumber)
        } else if uln::is_named_by(heading) {
            Some(Self::Uln)
        } else {
            None
        }
    }

    const fn sort(self) -> Sort {
        match self {
            Self::BirthDate => Sort::BirthDate,
            Self::NhsNumber => Sort::NhsNumber,
            Self::Uln => Sort::Uln,
        }
    }

    fn is_in(self, cell: &str, today: Date) -> bool {
        let ten = || ten_digits::exactly_ten(cell);
        match self {
            Self::BirthDate => written_date::exactly(cell, today)
                .is_some_and(|written| PupilAges::on(today).include(written.date)),
            Self::NhsNumber => ten().is_some_and(|digits| nhs_number::is_valid(&digits)),
            Self::Uln => ten().is_some_and(|digits| uln::is_valid(&digits)),
        }
    }
}

/// What the columns of a table hold, as its headings have it.
#[derive(Default)]
struct Head {
    pupils: Option<usize>,
    /// Whether the pupils may be groups, so that only what is written as a name is one.
    maybe_groups: bool,
    names: Option<usize>,
    marks: Vec<usize>,
    status: Vec<usize>,
    identifiers: Vec<(usize, Identifier)>,
}

impl Head {
    fn read<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let mut head = Self::default();
        for (column, heading) in cells.enumerate() {
            if PUPILS.is_match(heading) {
                head.pupils.get_or_insert_with(|| {
                    head.maybe_groups = PLURAL.is_match(heading);
                    column
                });
            } else if NAMES.is_match(heading) {
                head.names.get_or_insert(column);
            } else if heading.len() > LONGEST_HEADING {
                continue;
            } else if let Some(identifier) = Identifier::headed(heading) {
                head.identifiers.push((column, identifier));
            } else if STATUS.is_match(heading) {
                head.status.push(column);
            } else if MARKS.is_match(heading) {
                head.marks.push(column);
            }
        }
        head
    }

    /// Whether the row can only be one of headings; "SEN" or "English" may also stand in a body.
    fn is_certain(&self) -> bool {
        self.pupils.is_some()
            || !self.identifiers.is_empty()
            || (self.names.is_some() && !(self.marks.is_empty() && self.status.is_empty()))
    }

    fn names_anything(&self) -> bool {
        self.is_certain() || !self.status.is_empty() || !self.marks.is_empty()
    }
}

impl Table<'_> {
    fn end(&mut self) {
        self.head = None;
        self.list.clear();
        self.listed = 0;
    }

    fn row(&mut self, cells: &[Range<usize>], hits: &mut Vec<Hit>) {
        let row: Vec<&str> = cells.iter().map(|cell| &self.text[cell.clone()]).collect();
        let head = Head::read(row.iter().copied());
        let is_headless = self.head.as_ref().is_none_or(|head| !head.names_anything());
        let may_be_first = is_headless && list_row(&row, &Head::default()).is_none();
        if head.is_certain() || (may_be_first && head.names_anything()) {
            self.end();
            self.head = Some(head);
            return;
        }
        let head = self.head.get_or_insert_default();
        for (column, identifier) in &head.identifiers {
            let is_one = row.get(*column).is_some_and(|cell| identifier.is_in(cell, self.today));
            hits.extend(
                is_one.then(|| Hit { sort: identifier.sort(), range: cells[*column].clone() }),
            );
        }
        if let Some(column) = head.pupils.or(head.names) {
            let found = row.get(column).and_then(|cell| beside(cell, &row, head));
            hits.extend(found.map(|sort| Hit { sort, range: cells[column].clone() }));
        } else if let Some(sort) = list_row(&row, head) {
            self.list.push(Hit { sort, range: cells[0].clone() });
            self.listed += 1;
            if self.listed >= ROWS_OF_A_LIST {
                hits.append(&mut self.list);
            }
        } else {
            self.list.clear();
            self.listed = 0;
        }
    }
}

/// What a row under a heading for names gives away.
fn beside(name: &str, row: &[&str], head: &Head) -> Option<Sort> {
    let filled = |column: &usize| row.get(*column).is_some_and(|cell| !is_blank(cell));
    let marked = |column: &usize| row.get(*column).is_some_and(|cell| is_mark(cell));
    let gives_away = head.status.iter().any(filled) || head.marks.iter().any(marked);
    let is_name = if head.maybe_groups {
        person_name::is_written_as_one(name)
    } else {
        person_name::may_be(name)
    };
    if is_name {
        match (gives_away, head.pupils) {
            (true, _) => Some(Sort::PupilTable),
            (false, Some(_)) => Some(Sort::NameList),
            (false, None) => None,
        }
    } else if gives_away && head.pupils.is_some() && person_name::is_pseudonym(name) {
        Some(Sort::PupilMention)
    } else {
        None
    }
}

/// What a row without a heading for names gives away if its neighbours do the same.
fn list_row(row: &[&str], head: &Head) -> Option<Sort> {
    let rest = match row {
        [name, rest @ ..] if person_name::looks_full(name) => rest,
        [last, first, rest @ ..]
            if person_name::looks_single(last) && person_name::looks_single(first) =>
        {
            rest
        }
        [_, name, rest @ ..] if person_name::looks_full(name) => rest,
        _ => return None,
    };
    let named = row.len() - rest.len();
    let filled = |column: &usize| row.get(*column).is_some_and(|cell| !is_blank(cell));
    let has_status = rest.iter().any(|cell| STATUS_CELL.is_match(cell))
        || head.status.iter().filter(|column| **column >= named).any(filled);
    if has_status {
        Some(Sort::PupilTable)
    } else {
        rest.iter().any(|cell| is_mark(cell)).then_some(Sort::NameList)
    }
}

fn is_mark(cell: &str) -> bool {
    MARK_CELL.is_match(cell)
}

fn is_blank(cell: &str) -> bool {
    cell.chars().all(|char| matches!(char, '-' | '.' | '?') || char.is_whitespace())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn sorts(text: &str) -> Vec<Sort> {
        let mut hits = Vec::new();
        find(text, date(2025, 11, 24), &mut hits);
        hits.into_iter().map(|hit| hit.sort).collect()
    }

    #[test]
    fn names_beside_marks_or_status_are_found() {
        for text in [
            "| Pupil | Reading |\n|---|---|\n| Amy Hill | 34 |",
            "Pupil name,Class,SEN status\nAmy Hill,4B,K",
            "Surname\tForename\tFSM\nHill\tAmy\tY",
            "Name,Score\namy,34",
            "Name;Free school meals\nAmy Hill;yes",
            "Name      Maths    EHCP\n\nAmy Hill    34     N",
            "Results of Year 4\nchild's name, mark\n\"Hill, Amy\", 34/40",
            "Class 4B,,\nChildren,Mark,\nAmy Hill,34,",
            "|Class|Student|Grade|\n|4B|AH|B+|",
        ] {
            assert_eq!(sorts(text), [Sort::PupilTable], "{text}");
        }
    }

    #[test]
    fn a_list_without_headings_is_found() {
        let names = ["Amy Hill", "Ben Moss", "Cara Webb", "Dan Ford"];
        let rows = |cell: &str| names.map(|name| format!("{name},{cell}")).join("\n");
        assert_eq!(sorts(&rows("34")), [Sort::NameList; 4]);
        assert_eq!(sorts(&rows("EHCP")), [Sort::PupilTable; 4]);
        assert_eq!(sorts(&rows("Oak Lane")), []);
        assert_eq!(sorts("Hill,Amy,34\nMoss,Ben,28\nWebb,Cara,31"), [Sort::NameList; 3]);
        assert_eq!(sorts("Amy Hill,34\nBen Moss,28"), []);
        assert_eq!(
            sorts("Class 4B,,\n,FSM,\nAmy Hill,Y,\nBen Moss,N,\nCara Webb,Y,"),
            [Sort::PupilTable; 3]
        );
        assert_eq!(
            sorts("| | SEN |\n|-|-|\n|Amy Hill|K|\n|Ben Moss|N|\n|Cara Webb|E|"),
            [Sort::PupilTable; 3]
        );
    }

    #[test]
    fn letters_that_stand_for_pupils_are_found() {
        assert_eq!(sorts("Pupil,Mark\nA,34\nB,28"), [Sort::PupilMention; 2]);
    }

    #[test]
    fn names_of_pupils_alone_are_found() {
        assert_eq!(sorts("Pupil,House\nAmy Hill,Oak"), [Sort::NameList]);
    }

    #[test]
    fn columns_of_numbers_are_found_by_their_heading() {
        assert_eq!(
            sorts("Class,DOB,NHS number,ULN\n4B,03/03/2014,943 476 5919,1000000043\n4B,,,"),
            [Sort::BirthDate, Sort::NhsNumber, Sort::Uln]
        );
        assert_eq!(sorts("Author,Born\nWilliam Shakespeare,23/04/1564"), []);
    }

    #[test]
    fn tables_of_groups_are_none() {
        for text in [
            "| Group | n | Mean |\n|---|---|---|\n| Intervention | 34 | 101.2 |",
            "Focus,Children,Progress\nPhonics,Lowest attaining,+3\nMaths,new to English,+2",
            "Pupils,Score\nAll pupils,34\nBoys,31\nDisadvantaged,28\nSEN support,20",
            "Year,Pupils,Mean score\n4,30,101\n5,28,99",
            "Subject,Mark\nReading,34\nWriting,28\nMaths,31",
            "Name,Role\nAmy Hill,Headteacher",
            "Name,English,French\nAmy,word,mot",
            "Reading Age, 34\nKey Stage, 2\nYear Four, 31",
            "We asked staff, parents, and pupils, who agreed,\nand then, in May, we began, 12 of us",
        ] {
            assert_eq!(sorts(text), [], "{text}");
        }
    }
}
