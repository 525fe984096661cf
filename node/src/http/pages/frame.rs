//! What stands around every page: whose it is, where in it a reader is, and in which language.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawQuery};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use fluent_bundle::FluentValue;
use jiff::civil::Date;
use staffroom_protocol::record::{Period, State};

use super::super::messages::Language;
use super::super::visitor::{Visitor, Who, cookie};
use crate::node::Node;
use crate::people::{Role, Roles};
use crate::question::{parameters, value};

/// The cookie that holds the language chosen at the foot of a page.
const LANGUAGE_COOKIE: &str = "language";

/// For how long it is kept: a year, after which a browser's own setting counts again.
const LANGUAGE_SECONDS: u32 = 365 * 24 * 60 * 60;

/// Who is signed in, for the head of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedIn {
    /// The name that is shown.
    pub(crate) name: String,
    /// By which it is offered what may be done; whether it is done, `access` decides.
    pub(crate) roles: Roles,
}

impl SignedIn {
    fn of(visitor: &Visitor) -> Option<Self> {
        match &visitor.who {
            Who::Person { display, roles, .. } => {
                Some(Self { name: display.clone(), roles: roles.clone() })
            }
            Who::Nobody | Who::CommandLine | Who::Token { .. } => None,
        }
    }
}

/// What a page's template needs for everything around its own content.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The name of this school.
    pub(crate) school: String,
    pub(crate) language: Language,
    pub(crate) signed_in: Option<SignedIn>,
    /// The path and query that were asked for, to come back to.
    address: String,
}

/// An entry of the main navigation.
pub(crate) struct Entry {
    pub(crate) path: &'static str,
    /// The message that names it.
    pub(crate) label: &'static str,
    /// Whether the page is this one, or one below it.
    pub(crate) here: bool,
}

/// For those only who may write, or approve what others wrote.
const WRITE: &str = "/write";

/// The pages of the main navigation.
const ENTRIES: [(&str, &str); 8] = [
    ("/", "nav-home"),
    ("/search", "nav-search"),
    (WRITE, "nav-write"),
    ("/resources", "nav-resources"),
    ("/framework", "nav-framework"),
    ("/development", "nav-development"),
    ("/saved-searches", "nav-saved"),
    ("/network", "nav-network"),
];

/// One more, for administrators.
const SETTINGS: (&str, &str) = ("/settings", "nav-settings");

impl Frame {
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            school: "Ash Primary".to_owned(),
            language: Language::English,
            signed_in: None,
            address: "/".to_owned(),
        }
    }

    /// A message.
    pub(crate) fn t(&self, id: &str) -> String {
        self.language.say(id, &[])
    }

    /// A message that names something: a count or a text under the name that the message gives it.
    pub(crate) fn with<'a>(
        &self,
        id: &str,
        name: &'a str,
        value: impl Into<FluentValue<'a>>,
    ) -> String {
        self.language.say(id, &[(name, value.into())])
    }

    /// The language of a message, for the `lang` of what holds it.
    pub(crate) fn language_of(&self, id: &str) -> &'static str {
        if self.language.has(id) { self.language.tag() } else { Language::English.tag() }
    }

    /// A day such as `2026-03-09` as it is read aloud; what is no day stays as it is.
    pub(crate) fn day(&self, day: &str) -> String {
        let Some(Ok(date)) = day.get(..10).map(str::parse::<Date>) else { return day.to_owned() };
        let month = self.t(MONTHS[usize::from(date.month().unsigned_abs()) - 1]);
        format!("{} {month} {}", date.day(), date.year())
    }

    /// The same of a date.
    pub(crate) fn date(&self, date: &Date) -> String {
        self.day(&date.to_string())
    }

    /// A time as it is read aloud: "3 November 2025 to 4 November 2025".
    pub(crate) fn period(&self, period: &Period) -> String {
        let from = self.date(&period.from);
        match &period.to {
            Some(to) if *to == period.from => from,
            Some(to) => {
                let args = [("from", from.into()), ("to", self.date(to).into())];
                self.language.say("development-from-to", &args)
            }
            None => self.with("development-from", "day", from),
        }
    }

    /// A number with its thousands apart, which both languages do with a comma.
    pub(crate) fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut apart = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                apart.push(',');
            }
            apart.push(digit);
        }
        apart
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let path = self.address.split('?').next().unwrap_or_default();
        let settings = self.administers().then_some(SETTINGS);
        let writes = self.contributes() || self.approves();
        let for_reader = move |(to, _): &(&str, &str)| *to != WRITE || writes;
        ENTRIES.into_iter().filter(for_reader).chain(settings).map(move |(to, label)| {
            let here = path == to || to != "/" && path.starts_with(&format!("{to}/"));
            Entry { path: to, label, here }
        })
    }

    /// Whether an administrator reads the page.
    pub(crate) fn administers(&self) -> bool {
        self.has(Role::Administrator)
    }

    /// Whether who reads the page may write and share records.
    pub(crate) fn contributes(&self) -> bool {
        self.has(Role::Contributor)
    }

    /// Whether who reads the page may approve what colleagues wrote.
    pub(crate) fn approves(&self) -> bool {
        self.has(Role::Approver)
    }

    /// Whether who reads the page may withdraw records, and see who has erased them.
    pub(crate) fn withdraws(&self) -> bool {
        self.contributes() || self.has(Role::DataProtection)
    }

    fn has(&self, role: Role) -> bool {
        self.signed_in.as_ref().is_some_and(|person| person.roles.contains(&role))
    }

    /// Each other language, and where this page is to be had in it.
    pub(crate) fn other_languages(&self) -> impl Iterator<Item = (Language, String)> {
        let others = Language::ALL.into_iter().filter(|language| *language != self.language);
        others.map(|language| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("to", language.tag()).append_pair("back", &self.address);
            (language, format!("/language?{}", query.finish()))
        })
    }

    /// Whether some of what is here may be said in English although another language was chosen.
    pub(crate) fn is_partial(&self) -> bool {
        self.language != Language::English
    }
}

/// The message that says how far something has got.
pub(crate) fn state_message(state: State) -> &'static str {
    match state {
        State::Proposed => "state-proposed",
        State::Running => "state-running",
        State::Finished => "state-finished",
        State::Stopped => "state-stopped",
    }
}

const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8",
    "month-9", "month-10", "month-11", "month-12",
];

impl FromRequestParts<Arc<Node>> for Frame {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, Infallible> {
        Ok(Self {
            school: node.identity().claims().name.clone(),
            language: language(&parts.uri, &parts.headers),
            signed_in: parts.extensions.get().and_then(SignedIn::of),
            address: parts.uri.path_and_query().map_or("/", |address| address.as_str()).to_owned(),
        })
    }
}

/// The language of the address, else that of the cookie, else what the browser would rather have.
fn language(uri: &Uri, headers: &HeaderMap) -> Language {
    let asked = parameters(uri.query().unwrap_or_default());
    let in_cookie = || Language::of_tag(&cookie(headers, LANGUAGE_COOKIE)?);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    value(&asked, "lang")
        .and_then(Language::of_tag)
        .or_else(in_cookie)
        .or_else(|| Language::preferred(accepted?))
        .unwrap_or_default()
}

/// Keeps the language that was chosen, and goes back to the page.
pub(crate) async fn choose_language(RawQuery(query): RawQuery) -> Response {
    let asked = parameters(query.as_deref().unwrap_or_default());
    let Some(language) = value(&asked, "to").and_then(Language::of_tag) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let back = value(&asked, "back").filter(|back| is_of_this_node(back)).unwrap_or("/");
    let cookie = format!(
        "{LANGUAGE_COOKIE}={}; Path=/; Max-Age={LANGUAGE_SECONDS}; SameSite=Lax; HttpOnly",
        language.tag()
    );
    ([(header::SET_COOKIE, cookie)], Redirect::to(back)).into_response()
}

/// Whether an address is a path here: browsers read `//elsewhere` and `/\elsewhere` as another site.
pub(crate) fn is_of_this_node(address: &str) -> bool {
    let mut characters = address.chars();
    characters.next() == Some('/')
        && !matches!(characters.next(), Some('/' | '\\'))
        && address.chars().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn frame(address: &str, language: Language) -> Frame {
        Frame { language, address: address.to_owned(), ..Frame::for_tests() }
    }

    #[test]
    fn the_address_goes_before_the_cookie_and_the_cookie_before_the_browser() {
        let mut headers = HeaderMap::new();
        let of = |uri: &'static str, headers: &HeaderMap| language(&Uri::from_static(uri), headers);
        assert_eq!(of("/", &headers), Language::English);
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("cy"));
        assert_eq!(of("/", &headers), Language::Welsh);
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; language=en-GB"));
        assert_eq!(of("/?q=x", &headers), Language::English);
        assert_eq!(of("/?q=x&lang=cy", &headers), Language::Welsh);
        assert_eq!(of("/?lang=xx", &headers), Language::English);
    }

    #[test]
    fn only_paths_of_this_node_are_gone_back_to() {
        for here in ["/", "/search?q=a%20b", "/records/1@2"] {
            assert!(is_of_this_node(here), "{here}");
        }
        for elsewhere in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "x", "/\t/e"]
        {
            assert!(!is_of_this_node(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn days_and_numbers_are_written_as_they_are_read() {
        let (english, welsh) = (frame("/", Language::English), frame("/", Language::Welsh));
        assert_eq!(english.day("2026-03-09T10:00:00Z"), "9 March 2026");
        assert_eq!(welsh.day("2026-03-09"), "9 Mawrth 2026");
        assert_eq!(english.day("spring"), "spring");
        let numbers = [0, 999, 1_000, 1_234_567].map(|number| english.number(number));
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_page_below_an_entry_is_within_it() {
        let here = |address: &str| {
            let frame = frame(address, Language::English);
            frame.entries().filter(|entry| entry.here).map(|entry| entry.path).collect::<Vec<_>>()
        };
        assert_eq!(here("/?lang=cy"), ["/"]);
        assert_eq!(here("/search?q=x"), ["/search"]);
        assert_eq!(here("/saved-searches/seen"), ["/saved-searches"]);
        assert!(here("/records/1").is_empty());
    }
}
