//! The HTTP side: the API that the command line uses, and the pages.
//!
//! People sign in; programs show a token. The command line's lies in the data directory, readable by its
//! owner alone, and counts on this machine only. [`access`] says which role each address asks for.

mod access;
mod api_error;
mod approval;
mod audit;
mod backups;
mod bundles;
mod comparisons;
mod coverage;
mod description;
mod door;
mod download;
mod evidence;
mod files;
mod given;
mod groups;
mod guard;
mod json_ld;
mod line;
mod mail;
mod members;
pub(crate) mod messages;
mod next_keys;
mod nodes;
mod own_resources;
mod pages;
mod people;
mod previews;
mod provider;
mod range;
mod records;
mod references;
mod saved_searches;
mod search;
mod server;
mod status;
mod storage;
mod turns;
mod versions;
mod visitor;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{Extensions, HeaderMap, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Extension, Router};
use staffroom_protocol::limits::MAX_FILE_BYTES;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::node::Node;
use guard::Gate;
use turns::Turns;

pub use api_error::ApiErrorBody;
pub use approval::ApprovalReport;
pub use backups::BackupsReport;
pub(crate) use bundles::{ABOUT, BundleReport, CONTENTS, read_header};
pub use comparisons::{CatchingUp, ComparisonsReport, LastComparison, UnsettledDifference};
pub use coverage::Coverage;
pub(crate) use description::description;
pub use door::Door;
pub use evidence::EvidenceReport;
pub use files::Uploaded;
pub use groups::{GroupReport, InviteReport, InviteRevoked, JoinReport};
pub use guard::Token;
pub use line::LineReport;
pub use mail::{MailReport, MailRequest, TestRequest};
pub use members::{HeardBy, MemberHolding, MemberReport};
pub use next_keys::NextKeyReport;
pub(crate) use people::DEFAULT_PAGES;
pub use people::{AddRequest, DisabledRequest, LinkReport, PersonReport, RolesRequest};
pub use provider::{ProviderReport, ProviderRequest};
pub use records::{PublishRequest, RecordReport};
pub(crate) use saved_searches::news as saved_search_news;
pub use saved_searches::{FoundReport, SaveRequest, SavedSearchReport, SearchNews, SeenRequest};
pub(crate) use search::kind_label;
pub use search::{HitReport, LineageReport, SearchReport};
pub use server::{Server, Tls, TlsError};
pub use status::{GroupStatus, IndexStatus, NetworkStatus, StatusReport};
pub use storage::{StorageReport, StorageRequest};

/// A batch of records as JSON: five hundred rows of an import at several kilobytes each.
const MAX_JSON_BYTES: usize = 16 * 1024 * 1024;

/// What is shorter fits a packet or two as it is.
const LEAST_COMPRESSED_BYTES: u16 = 1024;

/// The longest form about people: a few names and passwords.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// All addresses that a node answers, as they are reached in one way.
pub fn router(node: Arc<Node>, token: Token, door: Door) -> Router {
    let gate = Gate { node: Arc::clone(&node), token, door: Arc::new(door) };
    Router::new()
        .merge(Router::from(api()))
        .merge(accounts())
        .merge(writing())
        .merge(resources())
        .merge(network())
        .merge(settings())
        .route("/metrics", get(status::metrics))
        .route("/", get(pages::home::home))
        .route("/search", get(pages::search::search))
        .route("/search/results.csv", get(pages::search_table::results))
        .route("/framework", get(pages::framework::show))
        .route("/framework/decisions.csv", get(pages::framework::decisions))
        .route("/development", get(pages::development::show))
        .route("/development/offers.csv", get(pages::development::offers))
        .route("/this-year", get(pages::this_year::show))
        .route("/records/{id}", get(pages::record::record))
        .route("/records/{id}/references.ris", get(pages::record::references))
        .route("/records/{id}/files/{hash}", get(pages::record::download))
        .route("/records/{id}/files/{hash}/preview", get(pages::record::preview))
        .route("/records/{id}/files/{hash}/here", post(pages::record::holding::bring))
        .route("/records/{id}/files/{hash}/pin", post(pages::record::holding::pin))
        .route("/records/{id}/files/{hash}/unpin", post(pages::record::holding::unpin))
        .route(
            "/records/{id}/versions/{number}/files/{hash}",
            get(pages::record::download_of_version),
        )
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
        .layer(Extension(Turns::default()))
        .layer(from_fn_with_state(gate.clone(), guard::admit))
        .layer(from_fn_with_state(gate.clone(), guard::own_pages))
        .layer(from_fn_with_state(gate.clone(), guard::host))
        .layer(from_fn(guard::in_time))
        .layer(compressed())
        .layer(from_fn_with_state(gate, guard::headers))
        .with_state(node)
}

/// Sends texts compressed to whoever takes them so: a page with fifty reports has 70 KB, and lines are slow
/// where schools are far from each other. Files are left alone, of which ranges can be asked for.
fn compressed() -> CompressionLayer<impl Predicate> {
    let is_text = |_, _, headers: &HeaderMap, _: &Extensions| {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let media_type = header(header::CONTENT_TYPE).unwrap_or_default();
        let is_text = media_type.starts_with("text/")
            || media_type.starts_with("application/json")
            || media_type.starts_with("image/svg+xml");
        is_text
            && header(header::CONTENT_DISPOSITION).is_none()
            && header(header::ACCEPT_RANGES).is_none()
    };
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(LEAST_COMPRESSED_BYTES).and(is_text))
}

/// The API, each route with its description.
fn api() -> OpenApiRouter<Arc<Node>> {
    let file_limit = usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX);
    let routes = OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::join))
        .routes(routes!(members::list))
        .routes(routes!(groups::remove))
        .routes(routes!(groups::name, groups::dismiss))
        .routes(routes!(groups::root, groups::succeed_root))
        .routes(routes!(next_keys::list))
        .routes(routes!(next_keys::bind))
        .routes(routes!(next_keys::object))
        .routes(routes!(groups::proposal))
        .routes(routes!(groups::invites, groups::invite))
        .routes(routes!(groups::revoke_invite))
        .routes(routes!(groups::requests))
        .routes(routes!(groups::admit, groups::decline))
        .routes(routes!(groups::leave))
        .routes(routes!(groups::move_to))
        .routes(routes!(groups::merge))
        .routes(routes!(groups::close))
        .routes(routes!(members::holdings))
        .routes(routes!(storage::show, storage::set))
        .routes(routes!(line::show, line::set, line::lift))
        .routes(routes!(approval::show, approval::set))
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::revoke))
        .routes(routes!(files::forget))
        .routes(routes!(own_resources::list))
        .routes(routes!(records::publish))
        .routes(routes!(records::show))
        .routes(routes!(records::withdraw))
        .routes(routes!(records::receipts))
        .routes(routes!(search::similar))
        .routes(routes!(references::download))
        .routes(routes!(json_ld::show))
        .routes(routes!(storage::copies))
        .routes(routes!(files::fetch))
        .routes(routes!(storage::pin, storage::unpin))
        .routes(routes!(previews::show))
        .routes(routes!(download::download))
        .routes(routes!(versions::list))
        .routes(routes!(versions::show))
        .routes(routes!(versions::remove_files))
        .routes(routes!(versions::download))
        .routes(routes!(search::search))
        .routes(routes!(search::suggest))
        .routes(routes!(saved_searches::list))
        .routes(routes!(saved_searches::show, saved_searches::save, saved_searches::remove))
        .routes(routes!(saved_searches::mark_seen))
        .routes(routes!(status::rebuild_index))
        .routes(routes!(people::list, people::add))
        .routes(routes!(people::first_link))
        .routes(routes!(people::set_roles))
        .routes(routes!(people::set_disabled))
        .routes(routes!(people::link))
        .routes(routes!(provider::show, provider::set, provider::forget))
        .routes(routes!(mail::show, mail::set, mail::forget))
        .routes(routes!(mail::test))
        .routes(routes!(backups::show, backups::set, backups::make, backups::forget))
        .routes(routes!(backups::resume))
        .routes(routes!(audit::list))
        .routes(routes!(description::show))
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .routes(routes!(files::upload).layer(DefaultBodyLimit::max(file_limit)))
        .routes(routes!(bundles::make))
        .routes(routes!(bundles::request))
        .routes(routes!(bundles::import))
        .fallback(api_error::no_such_address);
    OpenApiRouter::with_openapi(description::beginning()).nest("/api/v1", routes)
}

/// Signing in, and the pages about people.
fn accounts() -> Router<Arc<Node>> {
    use pages::{account, me, people, sign_in};
    Router::new()
        .route("/sign-in", get(sign_in::ask).post(sign_in::sign_in))
        .route("/sign-in/account", post(account::go))
        .route("/sign-in/return", get(account::come_back))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/link/{secret}", get(sign_in::welcome).post(sign_in::use_link))
        .route("/link/{secret}/account", post(account::use_link))
        .route("/me", get(me::show))
        .route("/me/name", post(me::rename))
        .route("/me/weekly", post(me::tell_weekly))
        .route("/me/weekly/stop", post(me::tell_no_longer))
        .route("/me/password", post(me::change_password))
        .route("/me/account", post(account::link))
        .route("/me/account/unlink", post(account::unlink))
        .route("/me/sessions/end", post(me::end_sessions))
        .route("/me/tokens", post(me::make_token))
        .route("/me/tokens/end", post(me::end_token))
        .route("/people", get(people::show).post(people::add))
        .route("/people/people.csv", get(people::table_of_people))
        .route("/people/roles", post(people::set_roles))
        .route("/people/disabled", post(people::set_disabled))
        .route("/people/link", post(people::link))
        .route("/audit", get(people::audit))
        .route("/audit/acts.csv", get(people::table_of_acts))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
}

/// Groups, and who belongs to them.
fn network() -> Router<Arc<Node>> {
    use pages::network::{self, admins, group, invites, joining, map, parting};
    Router::new()
        .route("/network", get(network::show).post(network::create))
        .route("/network/join", post(joining::join))
        .route("/network/{group}", get(group::show))
        .route("/network/{group}/map", get(map::show))
        .route("/network/{group}/holdings", get(group::holdings))
        .route("/network/{group}/feed", get(group::feed))
        .route("/network/{group}/schools.csv", get(group::schools))
        .route("/network/{group}/invites", post(invites::make))
        .route("/network/{group}/invites/revoke", post(invites::revoke))
        .route("/network/{group}/requests/{school}/admit", post(joining::admit))
        .route("/network/{group}/requests/{school}/decline", post(joining::decline))
        .route("/network/{group}/admins/{school}", post(admins::name))
        .route("/network/{group}/admins/{school}/dismiss", post(admins::dismiss))
        .route(
            "/network/{group}/members/{school}/remove",
            get(parting::ask_remove).post(parting::remove),
        )
        .route("/network/{group}/leave", get(parting::ask_leave).post(parting::leave))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
}

/// This server, for administrators; and taking back what was shared.
fn settings() -> Router<Arc<Node>> {
    use pages::{settings, withdrawal};
    Router::new()
        .route("/settings", get(settings::show))
        .route("/settings/line", post(settings::set_line))
        .route("/settings/line/lift", post(settings::lift_line))
        .route("/settings/storage", post(settings::set_storage))
        .route("/settings/approval", post(settings::set_approval))
        .route("/settings/backups", post(settings::back_up))
        .route("/settings/backups/resume", post(settings::resume))
        .route("/settings/servers/{node}/revoke", post(settings::revoke_server))
        .route("/records/{id}/withdraw", get(withdrawal::ask).post(withdrawal::withdraw))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
}

/// Writing what is shared.
fn writing() -> Router<Arc<Node>> {
    use pages::write;
    Router::new()
        .route("/write", get(write::list).post(write::start))
        .route("/write/several", get(write::several::show))
        .route("/write/several/publish", post(write::several::publish))
        .route("/write/several/ask", post(write::several::ask))
        .route("/write/{id}", get(write::draft::show).post(write::draft::save))
        .route("/write/{id}/autosave", post(write::draft::autosave))
        .route("/write/{id}/effect", post(write::draft::effect))
        .route("/write/{id}/discard", post(write::draft::discard))
        .route("/write/{id}/check", get(write::check::show).post(write::check::clear))
        .route("/write/{id}/publish", post(write::check::publish))
        .route("/write/{id}/ask", post(write::approval::ask))
        .route("/write/{id}/take-back", post(write::approval::take_back))
        .route("/write/{id}/approve", post(write::approval::approve))
        .route("/write/{id}/send-back", post(write::approval::send_back))
        .layer(DefaultBodyLimit::max(write::MAX_FORM_BYTES))
}

/// Resources, and the files of which they are made.
fn resources() -> Router<Arc<Node>> {
    use pages::resources;
    let limit = usize::try_from(resources::add::MOST_BYTES).unwrap_or(usize::MAX);
    Router::new()
        .route("/resources", get(resources::list))
        .route("/resources/resources.csv", get(resources::table_of_resources))
        .route("/resources/add", get(resources::add::show).post(resources::add::add))
        .route("/add-files.js", get(resources::add::script))
        .layer(DefaultBodyLimit::max(limit))
}
