//! The page of this server, for administrators: how it does, its line, its room for files, and the servers
//! that speak for the school.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use bytesize::ByteSize;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use staffroom_protocol::group::Capacity;

use super::frame::Frame;
use super::{at_work, in_the_way, render};
use crate::http::api_error::{ApiError, blocking};
use crate::http::approval::{self, ApprovalReport};
use crate::http::backups::{self, BackupsReport};
use crate::http::guard::Noted;
use crate::http::mail::{self, MailReport};
use crate::http::nodes::Unlock;
use crate::http::status::{StatusReport, report};
use crate::http::storage::{self, StorageReport, StorageRequest};
use crate::keeping::settings::StorageSettings;
use crate::line::rate::Ceiling;
use crate::line::schedule::{Days, Hours, Schedule, Zone};
use crate::line::{Ceilings, InForce, LineSettings};
use crate::node::Node;
use crate::recovery::OwnNode;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    about: About,
    problem: Option<String>,
}

/// What there is to say of this server.
struct About {
    status: StatusReport,
    storage: StorageReport,
    in_force: Option<InForce>,
    /// What is in force, or what would be to begin with.
    line: LineSettings,
    servers: Vec<OwnNode>,
    approval: ApprovalReport,
    mail: MailReport,
    backups: BackupsReport,
    zone: TimeZone,
    /// Whether the school's key is locked with a passphrase, which revoking a server asks for.
    locked: bool,
}

impl About {
    fn of(node: &Node) -> Result<Self, ApiError> {
        let in_force = node.line().in_force(Timestamp::now());
        Ok(Self {
            status: report(node)?,
            storage: storage::report(node),
            line: in_force.as_ref().map(|one| one.settings.clone()).unwrap_or_default(),
            in_force,
            servers: node.own_nodes(),
            approval: approval::report(node),
            mail: mail::report(node),
            backups: backups::report(node),
            zone: node.line().zone(),
            locked: node.home().asks_for_passphrase(),
        })
    }
}

impl SettingsPage {
    /// What is wrong with this server's clock, as its groups see it.
    fn clocks(&self) -> Vec<String> {
        let clocks = self.about.status.groups.iter().filter_map(|group| group.clock.as_ref());
        let mut said: Vec<_> = clocks.filter_map(|clock| clock.sentence()).collect();
        said.dedup();
        said
    }

    /// How much this school may keep of what others share, and the message that says what that is.
    fn shares(&self) -> [(Capacity, &'static str); 4] {
        [
            (Capacity::None, "storage-none"),
            (Capacity::Small, "storage-small"),
            (Capacity::Normal, "storage-normal"),
            (Capacity::Large, "storage-large"),
        ]
    }

    fn has_share(&self, share: &Capacity) -> bool {
        self.about.storage.capacity.as_ref() == Some(share)
    }

    /// When something was, in the school's own time.
    fn when(&self, time: &Timestamp) -> String {
        let here = time.to_zoned_datetime(self.about.zone.clone());
        format!("{}, {}", self.frame.date(&here.date()), here.strftime("%H:%M"))
    }

    fn size(&self, bytes: &u64) -> String {
        ByteSize(*bytes).display().si().to_string()
    }

    fn typed(&self, bytes: &u64) -> String {
        typed(*bytes)
    }

    /// Enough of a server's id to tell the few of a school apart.
    fn short<'a>(&self, server: &'a OwnNode) -> &'a str {
        server.node.get(..12).unwrap_or(&server.node)
    }
}

/// A size as somebody would type it, without losing a byte.
fn typed(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000, "GB"), (1 << 30, "GiB"), (1_000_000, "MB"), (1 << 20, "MiB")];
    let whole = UNITS.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{bytes} B"), |(unit, name)| format!("{} {name}", bytes / unit))
}

async fn page(frame: Frame, node: Arc<Node>, problem: Option<ApiError>) -> Response {
    let (status, problem) = in_the_way(problem.as_ref());
    match at_work(&frame, move || About::of(&node)).await {
        Ok(about) => render(status, &SettingsPage { frame, about, problem }),
        Err(error) => error,
    }
}

pub(crate) async fn show(frame: Frame, State(node): State<Arc<Node>>) -> Response {
    page(frame, node, None).await
}

/// Ceilings and school hours.
#[derive(Deserialize)]
pub(crate) struct LineForm {
    within_receiving: Ceiling,
    within_sending: Ceiling,
    outside_receiving: Ceiling,
    outside_sending: Ceiling,
    hours: Hours,
    days: Days,
    zone: Zone,
}

impl From<LineForm> for LineSettings {
    fn from(form: LineForm) -> Self {
        let LineForm { hours, days, zone, .. } = form;
        Self {
            schedule: Schedule { zone, days, hours },
            within: Ceilings { receiving: form.within_receiving, sending: form.within_sending },
            outside: Ceilings { receiving: form.outside_receiving, sending: form.outside_sending },
        }
    }
}

pub(crate) async fn set_line(
    frame: Frame,
    State(node): State<Arc<Node>>,
    form: Result<Form<LineForm>, FormRejection>,
) -> Response {
    let setting = Arc::clone(&node);
    let done = async {
        let Form(form) = form?;
        let settings = LineSettings::from(form);
        let within = settings.within;
        blocking(move || setting.line().set(Some(settings))).await??;
        Ok(format!("within school hours {} received, {} sent", within.receiving, within.sending))
    };
    let done = done.await;
    back(frame, node, done).await
}

pub(crate) async fn lift_line(frame: Frame, State(node): State<Arc<Node>>) -> Response {
    let lifting = Arc::clone(&node);
    let done = async {
        blocking(move || lifting.line().set(None)).await??;
        Ok(String::new())
    };
    let done = done.await;
    back(frame, node, done).await
}

/// The room for other schools' files.
#[derive(Deserialize)]
pub(crate) struct StorageForm {
    total: String,
    per_school: String,
    min_free: String,
    /// Ticked, what has come of a file stays.
    keep_unfinished: Option<String>,
    /// None where it is to stay different in each group.
    capacity: Option<Capacity>,
}

impl StorageForm {
    fn request(self) -> Result<StorageRequest, ApiError> {
        let bytes = |text: &str| {
            let size = text.trim().parse::<ByteSize>();
            size.map(|size| size.as_u64()).map_err(|_| {
                ApiError::bad_request(format!(
                    "{text:?} is no size; write a number and a unit, as in 50 GB"
                ))
            })
        };
        let settings = StorageSettings {
            total: bytes(&self.total)?,
            per_school: bytes(&self.per_school)?,
            min_free: bytes(&self.min_free)?,
            keep_unfinished: self.keep_unfinished.is_some(),
        };
        Ok(StorageRequest { settings, capacity: self.capacity })
    }
}

pub(crate) async fn set_storage(
    frame: Frame,
    State(node): State<Arc<Node>>,
    form: Result<Form<StorageForm>, FormRejection>,
) -> Response {
    let setting = Arc::clone(&node);
    let done = async {
        let Form(form) = form?;
        let request = form.request()?;
        let about = format!("{} at most", typed(request.settings.total));
        blocking(move || storage::changed(&setting, request)).await??;
        Ok(about)
    };
    let done = done.await;
    back(frame, node, done).await
}

/// Whether a colleague approves what is shared.
#[derive(Deserialize)]
pub(crate) struct ApprovalForm {
    /// Ticked, one does.
    needed: Option<String>,
}

pub(crate) async fn set_approval(
    frame: Frame,
    State(node): State<Arc<Node>>,
    form: Result<Form<ApprovalForm>, FormRejection>,
) -> Response {
    let setting = Arc::clone(&node);
    let done = async {
        let Form(form) = form?;
        let needed = form.needed.is_some();
        blocking(move || setting.approval().set(needed)).await??;
        Ok(approval::about(needed))
    };
    let done = done.await;
    back(frame, node, done).await
}

pub(crate) async fn back_up(frame: Frame, State(node): State<Arc<Node>>) -> Response {
    let making = Arc::clone(&node);
    let done = async {
        let made = blocking(move || making.back_up(Timestamp::now())).await??;
        Ok(made.path.display().to_string())
    };
    let done = done.await;
    back(frame, node, done).await
}

pub(crate) async fn resume(frame: Frame, State(node): State<Arc<Node>>) -> Response {
    let resuming = Arc::clone(&node);
    let done = async {
        blocking(move || resuming.resume()).await??;
        Ok(String::new())
    };
    let done = done.await;
    back(frame, node, done).await
}

pub(crate) async fn revoke_server(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(server): Path<String>,
    form: Result<Form<Unlock>, FormRejection>,
) -> Response {
    let revoking = Arc::clone(&node);
    let done = async {
        let Form(unlock) = form?;
        let revoked = blocking(move || revoking.revoke_node(&server, unlock.given())).await??;
        Ok(revoked.node)
    };
    let done = done.await;
    back(frame, node, done).await
}

/// Back to the page once something was done, or with what was in the way. The audit log hears what it was
/// about.
async fn back(frame: Frame, node: Arc<Node>, done: Result<String, ApiError>) -> Response {
    match done {
        Ok(about) => (Extension(Noted::About(about)), Redirect::to("/settings")).into_response(),
        Err(problem) => page(frame, node, Some(problem)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_typed_back_as_the_same_number_of_bytes() {
        for bytes in [0, 1, 999, 50 << 30, 50_000_000_000, (2 << 30) + 1, 7 << 20, u64::MAX] {
            let read: ByteSize = typed(bytes).parse().unwrap();
            assert_eq!(read.as_u64(), bytes, "{}", typed(bytes));
        }
        assert_eq!(typed(50 << 30), "50 GiB");
    }
}
