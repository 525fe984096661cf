//! The weekly e-mail: what is new, each Monday morning, to those of the staff who asked for it.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::http::messages::Language;
use crate::http::saved_search_news;
use crate::mail::Letter;
use crate::names::Names;
use crate::news::NewRecord;
use crate::node::Node;
use crate::people::{Since, UserName, Wanted};
use crate::references::on_one_line;

/// When on a Monday it is sent, in the school's own time: before lessons begin.
const HOUR: i8 = 7;

/// How often it is looked who is to have it, the first time soon after a start.
const FIRST_LOOK: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_secs(10 * 60);

/// A list of it is as long as somebody reads on a Monday.
const MOST_LISTED: usize = 10;

/// Sends it to whoever is due, from now on. `pages` is where staff find the pages, with a slash at the end.
pub(crate) async fn send_weekly(node: Arc<Node>, pages: String) {
    let mut pause = FIRST_LOOK;
    loop {
        tokio::time::sleep(pause).await;
        pause = BETWEEN_LOOKS;
        if node.mail().settings().is_none() || node.waiting().is_set() {
            continue;
        }
        let monday = last_monday(Timestamp::now(), &node.line().zone());
        let mut due = node.people().weekly();
        due.retain(|(_, wanted)| wanted.sent() < monday);
        if due.is_empty() {
            continue;
        }
        let reading = Arc::clone(&node);
        let news = match tokio::task::spawn_blocking(move || News::of(&reading)).await {
            Ok(Ok(news)) => Arc::new(news),
            Ok(Err(error)) => {
                tracing::error!(%error, "what is new could not be read for the weekly e-mail");
                continue;
            }
            Err(_) => continue,
        };
        for (name, wanted) in due {
            if !send(&node, &pages, &news, &name, wanted).await {
                // The next one would meet the same.
                break;
            }
        }
    }
}

/// Sends one; whether the next may be tried.
async fn send(
    node: &Arc<Node>,
    pages: &str,
    news: &Arc<News>,
    name: &UserName,
    wanted: Wanted,
) -> bool {
    let (reading, from, whose) = (Arc::clone(node), pages.to_owned(), name.clone());
    let (news, last) = (Arc::clone(news), wanted.clone());
    let read = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let store = reading.store().incarnation();
        let now = Since { position: reading.store().position(), when: Timestamp::now() };
        let text = news.text(&reading, &from, &wanted)?;
        // Before it goes, so that nobody is told the same again and again where this cannot be written.
        reading.people().was_told(&whose, wanted.told(store, now))?;
        Ok(text)
    });
    let text = match read.await {
        Ok(Ok(Some(text))) => text,
        Ok(Ok(None)) => return true,
        Ok(Err(error)) => {
            tracing::error!(%error, "nobody can be told what is new");
            return false;
        }
        Err(_) => return false,
    };
    // Who may be written to may have changed since the person asked for it.
    let to = match node.mail().address(&last.address) {
        Ok(to) => to,
        Err(error) => {
            tracing::warn!(%name, %error, "somebody gets no weekly e-mail");
            return true;
        }
    };
    let school = node.identity().claims().name.clone();
    let subject = say("digest-subject", &[("school", school.clone().into())]);
    let Err(error) = node.mail().send(&school, Letter { to, subject, text }).await else {
        return true;
    };
    if error.is_about_the_letter() {
        tracing::warn!(%name, %error, "somebody gets no weekly e-mail this week");
        return true;
    }
    tracing::warn!(%error, "the weekly e-mail was not sent; it is tried again");
    let (noting, name) = (Arc::clone(node), name.clone());
    let noted = tokio::task::spawn_blocking(move || noting.people().was_told(&name, last)).await;
    if let Ok(Err(error)) = noted {
        tracing::error!(%error, "somebody gets no weekly e-mail this week");
    }
    false
}

/// The latest Monday morning, as it is where the school is.
fn last_monday(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let here = now.to_zoned_datetime(zone.clone());
    let back = i64::from(here.weekday().to_monday_zero_offset());
    let monday = |days: i64| {
        let date = here.date().checked_sub(days.days()).ok()?;
        Some(date.at(HOUR, 0, 0, 0).to_zoned_datetime(zone.clone()).ok()?.timestamp())
    };
    [back, back + 7].into_iter().filter_map(monday).find(|monday| *monday <= now).unwrap_or(now)
}

/// A line of a list: what it is, and where.
struct Line {
    what: String,
    path: String,
}

/// What there is to tell everybody, beside what came since each was told last.
struct News {
    names: Names,
    saved: Vec<Line>,
    questions: Vec<Line>,
    due: Vec<Line>,
}

impl News {
    fn of(node: &Node) -> anyhow::Result<Self> {
        let names = Names::of(node);
        let saved = saved_search_news(node)?.into_iter().map(|search| Line {
            what: say(
                "digest-saved-one",
                &[("name", search.name.into()), ("count", search.new.into())],
            ),
            path: "saved-searches".to_owned(),
        });
        let questions = node.comments_to_us(&names)?.into_iter().filter(|one| one.waits);
        let questions = questions
            .map(|one| Line { what: one.title, path: format!("records/{}", one.on) })
            .collect();
        let due = node.unreported_work()?.into_iter().filter(|work| work.due);
        let due = due
            .map(|work| Line { what: work.title, path: format!("records/{}", work.id) })
            .collect();
        Ok(Self { saved: saved.collect(), names, questions, due })
    }

    /// Records of other schools that came since somebody was told last; none where there are more than are
    /// looked at.
    fn came(&self, node: &Node, wanted: &Wanted) -> anyhow::Result<Option<Vec<Line>>> {
        // In a store that was made anew, what is there came at no known time.
        let Some(position) = wanted.position(node.store().incarnation()) else {
            return Ok(Some(Vec::new()));
        };
        let line = |one: NewRecord| Line {
            what: format!("{} ({}, {})", one.title, one.kind, one.school_name),
            path: format!("records/{}", one.id),
        };
        let came = node.came_since(&self.names, position)?;
        Ok(came.map(|came| came.into_iter().map(line).collect()))
    }

    /// The letter; none where there is nothing to tell.
    fn text(&self, node: &Node, pages: &str, wanted: &Wanted) -> anyhow::Result<Option<String>> {
        let came = self.came(node, wanted)?;
        let is_new = came.as_ref().is_none_or(|came| !came.is_empty());
        if !is_new && self.saved.is_empty() && self.questions.is_empty() && self.due.is_empty() {
            return Ok(None);
        }
        let school = node.identity().claims().name.clone();
        let since =
            wanted.sent().to_zoned_datetime(node.line().zone()).strftime("%-d %B %Y").to_string();
        let mut parts =
            vec![say("digest-begin", &[("school", school.into()), ("day", since.into())])];
        let parts_of = [
            ("digest-saved", &self.saved),
            ("digest-questions", &self.questions),
            ("digest-due", &self.due),
        ];
        match &came {
            Some(came) => parts.extend(list("digest-came", came, pages)),
            None => parts.push(format!("{}\n{pages}", say("digest-came-much", &[]))),
        }
        parts.extend(
            parts_of.into_iter().filter_map(|(heading, lines)| list(heading, lines, pages)),
        );
        parts.push(say("digest-end", &[("address", format!("{pages}me").into())]));
        Ok(Some(parts.join("\n\n") + "\n"))
    }
}

/// A list under its heading; none where there is nothing in it.
fn list(heading: &str, lines: &[Line], pages: &str) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    let mut text = say(heading, &[("count", lines.len().into())]);
    for Line { what, path } in lines.iter().take(MOST_LISTED) {
        // What other schools wrote begins no line of its own.
        text += &format!("\n\n- {}\n  {pages}{path}", on_one_line(what));
    }
    let more = lines.len().saturating_sub(MOST_LISTED);
    if more > 0 {
        text += &format!("\n\n{}\n{pages}", say("digest-more", &[("count", more.into())]));
    }
    Some(text)
}

fn say(id: &str, args: &[(&str, fluent_bundle::FluentValue<'_>)]) -> String {
    Language::English.say(id, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday_at_seven_where_the_school_is() {
        let zone = |name: &str| TimeZone::get(name).unwrap();
        let monday =
            |now: &str, zone: &TimeZone| last_monday(now.parse().unwrap(), zone).to_string();
        let london = zone("Europe/London");
        // 23 November 2026 is a Monday.
        for now in ["2026-11-23T07:00:00Z", "2026-11-25T12:00:00Z", "2026-11-30T06:59:59Z"] {
            assert_eq!(monday(now, &london), "2026-11-23T07:00:00Z", "{now}");
        }
        // In summer the clocks are an hour ahead, and in between they are put back.
        assert_eq!(monday("2026-07-08T12:00:00Z", &london), "2026-07-06T06:00:00Z");
        assert_eq!(monday("2026-10-26T06:30:00Z", &london), "2026-10-19T06:00:00Z");
        assert_eq!(monday("2026-10-26T07:00:00Z", &london), "2026-10-26T07:00:00Z");
        assert_eq!(
            monday("2026-11-23T12:00:00Z", &zone("Pacific/Auckland")),
            "2026-11-22T18:00:00Z"
        );
    }

    #[test]
    fn a_list_is_bounded_and_a_title_begins_no_line() {
        let line = |number: usize| Line {
            what: format!("Title {number}\r\n\r\nhttps://elsewhere.example/"),
            path: format!("records/{number}"),
        };
        let lines: Vec<Line> = (0..MOST_LISTED + 2).map(line).collect();
        let text = list("digest-due", &lines, "https://alder.example/").unwrap();
        assert_eq!(text.matches("\n- Title").count(), MOST_LISTED);
        assert!(text.contains("2 more"), "{text}");
        assert!(!text.lines().any(|line| line.trim().starts_with("https://elsewhere")), "{text}");
        assert!(list("digest-due", &[], "https://alder.example/").is_none());
    }
}
