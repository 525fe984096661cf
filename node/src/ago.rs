//! How long ago something was, as people say it.

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::clock::now_millis;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// "3 days": a length of time in its largest unit, rounded down.
pub(crate) fn span(millis: u64) -> String {
    let (count, unit) = match millis {
        0..MINUTE => (millis / 1_000, "second"),
        MINUTE..HOUR => (millis / MINUTE, "minute"),
        HOUR..DAY => (millis / HOUR, "hour"),
        DAY.. => (millis / DAY, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// "on Tuesday 18 November, 3 days ago", or "20 minutes ago" where it was less than a day. Both are in
/// milliseconds since 1970.
pub(crate) fn ago(moment: u64, now: u64) -> String {
    let age = now.saturating_sub(moment);
    match age {
        0..MINUTE => "less than a minute ago".to_owned(),
        MINUTE..DAY => format!("{} ago", span(age)),
        DAY.. => format!("on {}, {} ago", day(moment, now), span(age)),
    }
}

/// The same of a moment until now.
pub(crate) fn since(moment: &Timestamp) -> String {
    ago(u64::try_from(moment.as_millisecond()).unwrap_or(0), now_millis())
}

/// "Tuesday 18 November", with the year where it is another.
fn day(moment: u64, now: u64) -> String {
    let date = |millis: u64| {
        let millis = i64::try_from(millis).ok()?;
        let time = Timestamp::from_millisecond(millis).ok()?;
        Some(Offset::UTC.to_datetime(time).date())
    };
    let Some(day) = date(moment) else { return "a day that is out of range".to_owned() };
    let same_year = date(now).is_some_and(|today| today.year() == day.year());
    day.strftime(if same_year { "%A %-d %B" } else { "%A %-d %B %Y" }).to_string()
}

/// A time such as `2026-03-09T10:00:00Z` without its seconds, as people read it.
pub(crate) fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_said_as_people_say_it() {
        // 21 November 2025, 12:00.
        let now = 1_763_726_400_000;
        assert_eq!(ago(now + 5 * DAY, now), "less than a minute ago");
        assert_eq!(ago(now - MINUTE, now), "1 minute ago");
        assert_eq!(ago(now - 5 * HOUR, now), "5 hours ago");
        assert_eq!(ago(now - 3 * DAY, now), "on Tuesday 18 November, 3 days ago");
        assert_eq!(ago(now - 365 * DAY, now), "on Thursday 21 November 2024, 365 days ago");
        assert_eq!(ago(0, u64::MAX), "on Thursday 1 January 1970, 213503982334 days ago");
        assert_eq!(span(90_000), "1 minute");
    }
}
