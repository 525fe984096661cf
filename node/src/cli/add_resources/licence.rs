//! The licence of a folder of files: given, asked for once, or the careful one.

use std::io::IsTerminal;

use anyhow::bail;
use console::Term;
use staffroom_protocol::record::resource::GROUP_ONLY;
use staffroom_protocol::vocabulary::Vocabulary;

use crate::cli::output::Output;

/// Where nobody says otherwise.
pub(super) const DEFAULT: &str = GROUP_ONLY;

/// The licence that a person means: by its id, by its wording, or by another name.
pub(super) fn named(given: &str) -> anyhow::Result<&'static str> {
    let given = given.trim();
    let mut terms = Vocabulary::Licences.terms().iter();
    let by_label = terms.find(|term| term.label().eq_ignore_ascii_case(given));
    match by_label.map(|term| term.term.as_str()).or(Vocabulary::Licences.resolve(given)) {
        Some(term) => Ok(term),
        None => bail!(
            "--licence {given:?} is no licence that is known here; {}",
            Vocabulary::Licences.hint()
        ),
    }
}

/// Asks for one on a terminal; elsewhere takes the careful one and says so.
pub(super) fn asked(output: &Output) -> anyhow::Result<&'static str> {
    if output.is_json() || !std::io::stdin().is_terminal() || !Term::stderr().is_term() {
        output.remark(&format!(
            "No licence was given, so it is {DEFAULT:?}; name another with --licence, or in the map."
        ));
        return Ok(DEFAULT);
    }
    let term = Term::stderr();
    term.write_line("Who may use these files?")?;
    term.write_line(&choices())?;
    loop {
        term.write_str("Number, or Enter for 1: ")?;
        match chosen(&term.read_line()?) {
            Ok(licence) => return Ok(licence),
            Err(error) => term.write_line(&format!("{error:#}"))?,
        }
    }
}

fn choices() -> String {
    let lines = Vocabulary::Licences.terms().iter().enumerate();
    let lines = lines.map(|(place, term)| format!("  {}  {}", place + 1, term.label()));
    lines.collect::<Vec<_>>().join("\n")
}

fn chosen(answer: &str) -> anyhow::Result<&'static str> {
    let terms = Vocabulary::Licences.terms();
    match answer.trim() {
        "" => Ok(DEFAULT),
        number if number.chars().all(|char| char.is_ascii_digit()) => {
            let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            match place.and_then(|place| terms.get(place)) {
                Some(term) => Ok(&term.term),
                None => bail!("{number} is none of the numbers; use 1 to {}", terms.len()),
            }
        }
        name => named(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_known_by_their_plain_names() {
        assert_eq!(named("cc by").unwrap(), "CC-BY-4.0");
        assert_eq!(
            named("Anyone may use and change it if they name us (CC BY)").unwrap(),
            "CC-BY-4.0"
        );
        let said = named("free").unwrap_err().to_string();
        assert!(said.contains("\"free\"") && said.contains("use this group only"), "{said}");
    }

    #[test]
    fn the_first_choice_is_the_careful_one() {
        assert_eq!(chosen("\n").unwrap(), GROUP_ONLY);
        assert_eq!(chosen("1").unwrap(), GROUP_ONLY);
        assert_eq!(chosen(" 3 ").unwrap(), "CC-BY-4.0");
        assert!(chosen("0").is_err() && chosen("99").unwrap_err().to_string().contains("1 to 9"));
        assert!(choices().starts_with("  1  Only for the groups"), "{}", choices());
    }
}
