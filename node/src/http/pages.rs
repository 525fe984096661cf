//! The pages that staff use: what stands around them all, what they are styled with, and what is shown
//! where something went wrong. Each page has a file of its own.

pub(super) mod account;
pub(super) mod development;
mod feed;
pub(super) mod frame;
pub(super) mod framework;
pub(super) mod home;
pub(super) mod me;
pub(super) mod network;
pub(super) mod people;
pub(super) mod record;
pub(super) mod resources;
pub(super) mod saved_searches;
pub(super) mod search;
pub(super) mod search_table;
pub(super) mod settings;
pub(super) mod sign_in;
mod table;
pub(super) mod this_year;
mod verdict;
pub(super) mod withdrawal;
pub(super) mod write;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use self::frame::Frame;
use super::api_error::{ApiError, blocking};
use super::turns::Turns;

/// Where the files of people at a browser arrive.
pub(super) const UPLOADS: &str = "/resources/add";

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    frame: &'a Frame,
    heading: &'a str,
    message: &'a str,
}

pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// The style of every page and form.
const STYLE: &str = concat!(
    include_str!("../../assets/style/base.css"),
    include_str!("../../assets/style/frame.css"),
    include_str!("../../assets/style/forms.css"),
    include_str!("../../assets/style/search.css"),
    include_str!("../../assets/style/record.css"),
    include_str!("../../assets/style/people.css"),
    include_str!("../../assets/style/network.css"),
    include_str!("../../assets/style/write.css"),
    include_str!("../../assets/style/framework.css"),
    include_str!("../../assets/style/resources.css"),
    include_str!("../../assets/style/year.css"),
    include_str!("../../assets/style/print.css"),
);

pub(super) async fn suggestions_script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/suggestions.js"))
}

pub(super) async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../../assets/icon.svg"))
}

fn asset(media_type: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], content).into_response()
}

pub(super) async fn not_found(frame: Frame) -> Response {
    let (heading, message) = (frame.t("not-found-heading"), frame.t("not-found-message"));
    message_page(&frame, StatusCode::NOT_FOUND, &heading, &message)
}

/// The status of a page that says what was in the way of something, if anything was, and the words.
fn in_the_way(problem: Option<&ApiError>) -> (StatusCode, Option<String>) {
    let status = problem.map_or(StatusCode::OK, ApiError::status);
    (status, problem.map(|error| error.message().to_owned()))
}

/// Does what blocks, and shows what went wrong as a page.
async fn at_work<T: Send + 'static>(
    frame: &Frame,
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, Response> {
    blocking(work).await.and_then(|done| done).map_err(|error| error_page(frame, &error))
}

/// Does a search when it is its turn, and shows what went wrong as a page.
async fn in_turn<T: Send + 'static>(
    frame: &Frame,
    turns: &Turns,
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, Response> {
    turns.take(work).await.and_then(|done| done).map_err(|error| error_page(frame, &error))
}

fn error_page(frame: &Frame, error: &ApiError) -> Response {
    message_page(frame, error.status(), &frame.t("error-heading"), error.message())
}

pub(super) fn message_page(
    frame: &Frame,
    status: StatusCode,
    heading: &str,
    message: &str,
) -> Response {
    render(status, &MessagePage { frame, heading, message })
}

fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pair of colours that stand on each other, and the contrast that WCAG 2.2 AA asks for: 4.5
    /// for text (1.4.3), 3 for the edges of controls and what has the focus (1.4.11).
    const PAIRS: [(&str, &str, f64); 21] = [
        ("ink", "paper", 4.5),
        ("ink", "tint", 4.5),
        ("ink", "mark", 4.5),
        ("soft", "paper", 4.5),
        ("soft", "tint", 4.5),
        ("link", "paper", 4.5),
        ("link", "tint", 4.5),
        ("link", "mark", 4.5),
        ("on-action", "action", 4.5),
        ("on-good", "good", 4.5),
        ("on-bad", "bad", 4.5),
        ("on-unsure", "unsure", 4.5),
        ("on-bad", "paper", 4.5),
        ("on-good", "paper", 3.0),
        ("on-unsure", "paper", 3.0),
        ("edge", "paper", 3.0),
        ("edge", "tint", 3.0),
        ("action", "paper", 3.0),
        ("action", "tint", 3.0),
        ("focus", "paper", 3.0),
        ("focus", "tint", 3.0),
    ];

    /// WCAG 2.2, "relative luminance".
    fn luminance(theme: &str, name: &str) -> f64 {
        let (_, after) = theme.split_once(&format!("--{name}: #")).unwrap();
        let colour = u32::from_str_radix(&after[..6], 16).unwrap();
        let part = |shift: u32| {
            let part = f64::from(colour >> shift & 0xff) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
    }

    #[test]
    fn what_stands_on_what_can_be_read_in_both_themes() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
        for (theme, colours) in [("light", light), ("dark", dark)] {
            for (one, other, least) in PAIRS {
                let (one_is, other_is) = (luminance(colours, one), luminance(colours, other));
                let contrast = (one_is.max(other_is) + 0.05) / (one_is.min(other_is) + 0.05);
                assert!(contrast >= least, "{one} on {other} has {contrast:.2} in the {theme}");
            }
        }
    }
}
