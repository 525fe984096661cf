//! The HTTP side: the API that the command line uses, and the pages.
//!
//! Both are served on loopback only. The API asks for the token that lies in the data directory,
//! readable by its owner alone.

mod api_error;
mod bundles;
mod comparisons;
mod coverage;
mod evidence;
mod files;
mod groups;
mod guard;
mod line;
mod messages;
mod next_keys;
mod nodes;
mod own_resources;
mod pages;
mod records;
mod saved_searches;
mod search;
mod status;
mod storage;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};
use staffroom_protocol::limits::MAX_FILE_BYTES;

use crate::node::Node;

pub use api_error::ApiErrorBody;
pub(crate) use bundles::{ABOUT, BundleReport, CONTENTS, read_header};
pub use comparisons::{CatchingUp, ComparisonsReport, LastComparison, UnsettledDifference};
pub use coverage::Coverage;
pub use evidence::EvidenceReport;
pub use files::Uploaded;
pub use groups::{
    GroupReport, HeardBy, InviteReport, InviteRevoked, JoinReport, MemberHolding, MemberReport,
};
pub use guard::Token;
pub use line::LineReport;
pub use next_keys::NextKeyReport;
pub use records::{PublishRequest, RecordReport};
pub use saved_searches::{FoundReport, SaveRequest, SavedSearchReport, SearchNews, SeenRequest};
pub use search::{HitReport, LineageReport, SearchReport};
pub use status::{GroupStatus, IndexStatus, NetworkStatus, StatusReport};
pub use storage::{StorageReport, StorageRequest};

/// A batch of records as JSON: five hundred rows of an import at several kilobytes each.
const MAX_JSON_BYTES: usize = 16 * 1024 * 1024;

/// All addresses that a node answers.
pub fn router(node: Arc<Node>, token: Token) -> Router {
    let file_limit = usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX);
    let api = Router::new()
        .route("/status", get(status::status))
        .route("/groups", get(groups::list).post(groups::create))
        .route("/groups/join", post(groups::join))
        .route("/groups/{group}/members", get(groups::members))
        .route("/groups/{group}/members/{school}", delete(groups::remove))
        .route("/groups/{group}/admins/{school}", put(groups::name).delete(groups::dismiss))
        .route("/groups/{group}/root", get(groups::root).put(groups::succeed_root))
        .route("/groups/{group}/next-keys", get(next_keys::list))
        .route("/groups/{group}/next-keys/{school}/{next}", put(next_keys::bind))
        .route("/groups/{group}/objections", put(next_keys::object))
        .route("/proposals", put(groups::proposal))
        .route("/groups/{group}/invites", get(groups::invites).post(groups::invite))
        .route("/groups/{group}/invites/{id}", delete(groups::revoke_invite))
        .route("/groups/{group}/requests", get(groups::requests))
        .route("/groups/{group}/requests/{school}", put(groups::admit).delete(groups::decline))
        .route("/groups/{group}/membership", delete(groups::leave))
        .route("/groups/{group}/move", post(groups::move_to))
        .route("/groups/{group}/merger/{into}", put(groups::merge))
        .route("/memberships", delete(groups::close))
        .route("/groups/{group}/holdings", get(groups::holdings))
        .route("/storage", get(storage::show).put(storage::set))
        .route("/line", get(line::show).put(line::set).delete(line::lift))
        .route("/nodes", get(nodes::list))
        .route("/nodes/{node}/revocation", put(nodes::revoke))
        .route("/files/{hash}", delete(files::forget))
        .route("/resources", get(own_resources::list))
        .route("/records", post(records::publish))
        .route("/records/{id}", get(records::show))
        .route("/records/{id}/withdrawal", put(records::withdraw))
        .route("/records/{id}/receipts", get(records::receipts))
        .route("/records/{id}/similar", get(search::similar))
        .route("/records/{id}/copies", get(storage::copies))
        .route("/records/{id}/files", post(files::fetch))
        .route("/records/{id}/files/{hash}/pin", put(storage::pin).delete(storage::unpin))
        .route("/records/{id}/files/{hash}", get(files::download))
        .route("/search", get(search::search))
        .route("/suggestions", get(search::suggest))
        .route("/saved-searches", get(saved_searches::list))
        .route(
            "/saved-searches/{name}",
            get(saved_searches::show).put(saved_searches::save).delete(saved_searches::remove),
        )
        .route("/saved-searches/{name}/seen", put(saved_searches::mark_seen))
        .route("/index/rebuild", post(status::rebuild_index))
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .route("/files", post(files::upload).layer(DefaultBodyLimit::max(file_limit)))
        .route("/bundles", post(bundles::make))
        .route("/bundles/requests", post(bundles::request))
        .route("/bundles/imports", post(bundles::import))
        .fallback(api_error::no_such_address)
        .layer(from_fn_with_state(token, guard::token));
    let writing = Router::new()
        .route("/write", get(pages::write::list).post(pages::write::start))
        .route("/write/{id}", get(pages::write::draft::show).post(pages::write::draft::save))
        .route("/write/{id}/autosave", post(pages::write::draft::autosave))
        .route("/write/{id}/effect", post(pages::write::draft::effect))
        .route("/write/{id}/discard", post(pages::write::draft::discard))
        .route("/write/{id}/check", get(pages::write::check::show).post(pages::write::check::clear))
        .route("/write/{id}/publish", post(pages::write::check::publish))
        .layer(DefaultBodyLimit::max(pages::write::MAX_FORM_BYTES));
    Router::new()
        .nest("/api/v1", api)
        .merge(writing)
        .route("/metrics", get(status::metrics))
        .route("/", get(pages::home::home))
        .route("/search", get(pages::search::search))
        .route("/records/{id}", get(pages::record::record))
        .route("/records/{id}/files/{hash}", get(pages::record::download))
        .route(
            "/saved-searches",
            get(pages::saved_searches::list).post(pages::saved_searches::save),
        )
        .route("/saved-searches/seen", post(pages::saved_searches::mark_seen))
        .route("/saved-searches/remove", post(pages::saved_searches::remove))
        .route("/saved-searches/feed", get(pages::saved_searches::feed))
        .route("/suggestions", get(search::suggest))
        .route("/language", get(pages::frame::choose_language))
        .route("/icon.svg", get(pages::icon))
        .route("/style.css", get(pages::style))
        .route("/suggestions.js", get(pages::suggestions_script))
        .route("/draft.js", get(pages::write::script))
        .fallback(pages::not_found)
        .layer(from_fn(guard::own_pages))
        .layer(from_fn(guard::host))
        .layer(from_fn(guard::headers))
        .with_state(node)
}
