//! Adding files: the form, and what becomes of each file. A file goes into a draft as soon as it came, so
//! that nothing is kept that no page shows.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::limits::MAX_FILE_BYTES;
use staffroom_protocol::record::resource::GROUP_ONLY;
use staffroom_protocol::vocabulary::{Term, Vocabulary};

use crate::drafts::Draft;
use crate::file_names;
use crate::http::api_error::{ApiError, blocking};
use crate::http::files::{looked_through, take_in};
use crate::http::pages::frame::Frame;
use crate::http::pages::write::several::{self, MOST_AT_ONCE};
use crate::http::pages::{asset, error_page, render};
use crate::http::visitor::Visitor;
use crate::node::Node;

/// Bytes of one form: two of the largest files, which a school's line sends in an hour.
pub(crate) const MOST_BYTES: u64 = 2 * MAX_FILE_BYTES;

/// Files of one form: a folder of a few subjects. There are no more drafts than this.
const MOST_FILES: usize = 400;

/// Bytes of an answer that is no file, such as the licence.
const MOST_ANSWER_BYTES: usize = 200;

/// For how long nothing may come before a file is given up.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Template)]
#[template(path = "add-files.html")]
struct AddPage {
    frame: Frame,
    /// The draft to which files are added; none for a new one.
    draft: Option<RecordId>,
    licences: &'static [Term],
    problem: Option<String>,
}

/// What came of the files, where there is more to say than that they were added.
#[derive(Template)]
#[template(path = "added-files.html")]
struct AddedPage {
    frame: Frame,
    added: Added,
}

impl AddedPage {
    /// Where all of the drafts are looked at on one page, if they are several and not too many for one.
    fn together(&self) -> Option<String> {
        several::address(self.added.drafts.iter().map(|draft| draft.id))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    draft: Option<RecordId>,
}

/// What the form says beside the files; it stands before them.
struct Wish {
    /// Whether each file is to be a resource of its own.
    each: bool,
    licence: &'static str,
    remove_names: bool,
    draft: Option<RecordId>,
}

/// What came of files; the script reads it as JSON.
#[derive(Debug, Default, Serialize)]
struct Added {
    drafts: Vec<Begun>,
    refused: Vec<Refused>,
}

/// A draft that has some of the files.
#[derive(Debug, PartialEq, Serialize)]
struct Begun {
    id: RecordId,
    title: String,
}

/// A file that was not taken in.
#[derive(Debug, Serialize)]
struct Refused {
    name: String,
    reason: String,
}

pub(crate) async fn show(frame: Frame, Query(asked): Query<Asked>) -> Response {
    form(frame, StatusCode::OK, asked.draft, None)
}

fn form(
    frame: Frame,
    status: StatusCode,
    draft: Option<RecordId>,
    problem: Option<String>,
) -> Response {
    let licences = Vocabulary::Licences.terms();
    render(status, &AddPage { frame, draft, licences, problem })
}

pub(crate) async fn add(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    form_sent: Multipart,
) -> Result<Response, Response> {
    let is_script = headers.get(header::ACCEPT).is_some_and(|value| value == "application/json");
    let size = headers.get(header::CONTENT_LENGTH).and_then(|size| size.to_str().ok());
    let size = size.and_then(|size| size.parse::<u64>().ok()).unwrap_or_default();
    let taken =
        if size > MOST_BYTES { Err(too_much()) } else { take(&node, &visitor, form_sent).await };
    let (wish, added) = match taken {
        Ok(taken) => taken,
        Err(error) if is_script => return Ok(error.into_response()),
        Err(error) => return Err(error_page(&frame, &error)),
    };
    if is_script {
        return Ok(Json(added).into_response());
    }
    Ok(match (added.drafts.as_slice(), added.refused.as_slice()) {
        ([], []) => {
            let problem = frame.t("add-choose");
            form(frame, StatusCode::UNPROCESSABLE_ENTITY, wish.draft, Some(problem))
        }
        ([one], []) => Redirect::to(&format!("/write/{}", one.id)).into_response(),
        ([], _) => render(StatusCode::UNPROCESSABLE_ENTITY, &AddedPage { frame, added }),
        (..) => render(StatusCode::OK, &AddedPage { frame, added }),
    })
}

/// Takes in all files of a form; one that is refused does not keep the others back.
async fn take(
    node: &Arc<Node>,
    visitor: &Visitor,
    mut form: Multipart,
) -> Result<(Wish, Added), ApiError> {
    let mut wish = Wish { each: false, licence: GROUP_ONLY, remove_names: false, draft: None };
    let mut added = Added::default();
    let mut files = 0;
    while let Some(field) = in_time(form.next_field()).await? {
        let Some(given) = field.file_name().map(str::to_owned) else {
            let name = field.name().unwrap_or_default().to_owned();
            wish.hear(&name, &answer(field).await?);
            continue;
        };
        // What a browser sends where no file was chosen.
        if given.is_empty() {
            continue;
        }
        files += 1;
        if files > MOST_FILES {
            return Err(ApiError::bad_request(format!(
                "more than {MOST_FILES} files were sent, the most that are added at once; add the \
                 others after these"
            )));
        }
        let name = file_names::without_folders(&given).to_owned();
        match take_one(node, visitor, &wish, name.clone(), field).await {
            Ok(draft) => {
                if !wish.each {
                    wish.draft = Some(draft.id);
                }
                let begun = Begun { id: draft.id, title: draft.value("title").to_owned() };
                if !added.drafts.contains(&begun) {
                    added.drafts.push(begun);
                }
            }
            Err(error) if error.status().is_server_error() => return Err(error),
            Err(error) => {
                added.refused.push(Refused { name, reason: error.message().to_owned() });
            }
        }
    }
    Ok((wish, added))
}

async fn take_one(
    node: &Arc<Node>,
    visitor: &Visitor,
    wish: &Wish,
    name: String,
    field: Field<'_>,
) -> Result<Draft, ApiError> {
    let shown = name.escape_debug();
    file_names::check(&name).map_err(|wrong| ApiError::bad_request(format!("{shown} {wrong}")))?;
    let file = take_in(node, name, Box::pin(pieces(field))).await?;
    let (node, licence, remove_names) = (Arc::clone(node), wish.licence, wish.remove_names);
    let draft = wish.draft.filter(|_| !wish.each);
    let by = visitor.person().cloned();
    blocking(move || {
        if file.size == 0 {
            node.forget_unshared(&file.hash)?;
            return Err(ApiError::bad_request(format!(
                "{} is empty: it has 0 bytes; look whether it was saved",
                file.name
            )));
        }
        let kept = looked_through(&node, file, remove_names)?.file;
        Ok(node.attach_file(draft, kept, licence, by.as_ref())?)
    })
    .await?
}

impl Wish {
    /// Takes in an answer of the form.
    fn hear(&mut self, name: &str, answer: &str) {
        match name {
            "how" => self.each = answer == "each",
            "licence" => self.licence = Vocabulary::Licences.resolve(answer).unwrap_or(GROUP_ONLY),
            "remove_names" => self.remove_names = answer == "yes",
            "draft" => self.draft = answer.parse().ok(),
            _ => {}
        }
    }
}

/// The pieces of a file as they come.
fn pieces(field: Field<'_>) -> impl Stream<Item = Result<Bytes, String>> {
    stream::try_unfold(field, |mut field| async move {
        let piece = in_time(field.chunk()).await.map_err(|error| error.message().to_owned())?;
        Ok(piece.map(|piece| (piece, field)))
    })
}

async fn answer(mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = in_time(field.chunk()).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MOST_ANSWER_BYTES {
            return Err(ApiError::bad_request(format!(
                "an answer of the form has more than {MOST_ANSWER_BYTES} bytes; open the page again"
            )));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn in_time<T>(
    coming: impl Future<Output = Result<T, MultipartError>>,
) -> Result<T, ApiError> {
    match tokio::time::timeout(LONGEST_PAUSE, coming).await {
        Ok(Ok(come)) => Ok(come),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_much()),
        Ok(Err(error)) => Err(ApiError::bad_request(error.body_text())),
        Err(_) => Err(ApiError::bad_request(format!(
            "nothing came for {} seconds, and the files were given up; try again",
            LONGEST_PAUSE.as_secs()
        ))),
    }
}

fn too_much() -> ApiError {
    ApiError::too_large(format!(
        "the files have more than {} GiB together, the most that are sent at once; send some of them \
         after the others",
        MOST_BYTES / (1024 * 1024 * 1024)
    ))
}

pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../../../assets/add-files.js"))
}
