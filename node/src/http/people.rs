//! The people who may sign in, over the API: for the command line, and for administrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Path};
use super::visitor::Visitor;
use crate::node::Node;
use crate::people::{PeopleError, Person, PersonNameError, Role, Roles, Secret, UserName, listed};

/// Where pages are found unless somebody said otherwise.
pub(crate) const DEFAULT_PAGES: &str = "http://127.0.0.1:4800/";

/// A person who may sign in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonReport {
    /// The name to sign in with.
    pub user_name: UserName,
    /// As colleagues read it.
    pub name: String,
    /// What the person may do.
    pub roles: Roles,
    /// Whether the account is switched off.
    pub disabled: bool,
    /// Whether the person has set a password.
    pub has_password: bool,
    /// Whether the person signs in with an account of another service.
    #[serde(default)]
    pub has_account: bool,
    /// When somebody last signed in with it.
    pub last_sign_in: Option<Timestamp>,
}

impl PersonReport {
    pub(super) fn of(user_name: UserName, person: Person) -> Self {
        let has_password = person.has_password();
        let Person { name, roles, disabled, last_sign_in, account, .. } = person;
        let has_account = account.is_some();
        Self { user_name, name, roles, disabled, has_password, has_account, last_sign_in }
    }

    /// As people read them.
    pub(crate) fn roles_listed(&self) -> String {
        listed(&self.roles)
    }

    /// Whether the person has a role.
    pub(crate) fn has(&self, role: &Role) -> bool {
        self.roles.contains(role)
    }
}

/// A link with which a person sets a password, once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LinkReport {
    /// The name to sign in with; none for the first administrator, who chooses it.
    pub user_name: Option<UserName>,
    /// To be opened in a browser.
    pub link: String,
}

/// A person to add.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddRequest {
    /// The name to sign in with.
    pub user_name: String,
    /// As colleagues read it.
    pub name: String,
    /// What the person may do.
    #[schema(value_type = Vec<Role>)]
    pub roles: Roles,
}

/// Roles in place of those before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesRequest {
    /// All that the person may do.
    #[schema(value_type = Vec<Role>)]
    pub roles: Roles,
}

/// Whether an account is to be switched off.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisabledRequest {
    /// Off, or on again.
    pub disabled: bool,
}

/// Everybody, by user name.
pub(super) fn reports(node: &Node) -> Vec<PersonReport> {
    let people = node.people().all().into_iter();
    people.map(|(name, person)| PersonReport::of(name, person)).collect()
}

/// The address that a link's secret makes.
pub(super) fn link_address(visitor: &Visitor, secret: &Secret) -> String {
    format!("{}link/{}", visitor.door.pages(), secret.as_str())
}

/// Lists the people who may sign in.
#[utoipa::path(
    get,
    path = "/people",
    responses((status = 200, body = Vec<PersonReport>)),
)]
pub(super) async fn list(State(node): State<Arc<Node>>) -> Json<Vec<PersonReport>> {
    Json(reports(&node))
}

/// Adds a person, with a link to set a password.
#[utoipa::path(
    post,
    path = "/people",
    responses((status = 200, body = LinkReport), (status = 409)),
)]
pub(super) async fn add(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Json(request): Json<AddRequest>,
) -> Result<Json<LinkReport>, ApiError> {
    let AddRequest { user_name, name, roles } = request;
    let user_name = checked(&user_name)?;
    Ok(Json(added(&node, &visitor, user_name, name, roles).await?))
}

/// Adds a person, with a link.
pub(super) async fn added(
    node: &Arc<Node>,
    visitor: &Visitor,
    user_name: UserName,
    name: String,
    roles: Roles,
) -> Result<LinkReport, ApiError> {
    let about = format!("{user_name}: {}", listed(&roles));
    let (adding, to_add) = (Arc::clone(node), user_name.clone());
    blocking(move || adding.people().add(&to_add, &name, roles)).await??;
    visitor.note(node, "added a person", &about).await;
    linked(node, visitor, user_name).await
}

/// Gives a person other roles.
#[utoipa::path(
    put,
    path = "/people/{user_name}/roles",
    responses((status = 200, body = PersonReport), (status = 404), (status = 409)),
)]
pub(super) async fn set_roles(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Json(RolesRequest { roles }): Json<RolesRequest>,
) -> Result<Json<PersonReport>, ApiError> {
    let name = checked(&name)?;
    roles_set(&node, &visitor, &name, roles).await?;
    Ok(Json(report(&node, &name)?))
}

/// Gives a person these roles in place of those before.
pub(super) async fn roles_set(
    node: &Arc<Node>,
    visitor: &Visitor,
    name: &UserName,
    roles: Roles,
) -> Result<(), ApiError> {
    let about = format!("{name}: {}", listed(&roles));
    let (setting, of) = (Arc::clone(node), name.clone());
    blocking(move || setting.people().set_roles(&of, roles)).await??;
    visitor.note(node, "changed the roles of a person", &about).await;
    Ok(())
}

/// Switches an account off, or on again.
#[utoipa::path(
    put,
    path = "/people/{user_name}/disabled",
    responses((status = 200, body = PersonReport), (status = 404), (status = 409)),
)]
pub(super) async fn set_disabled(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Json(DisabledRequest { disabled }): Json<DisabledRequest>,
) -> Result<Json<PersonReport>, ApiError> {
    let name = checked(&name)?;
    disabled_set(&node, &visitor, &name, disabled).await?;
    Ok(Json(report(&node, &name)?))
}

/// Switches an account off, or on again.
pub(super) async fn disabled_set(
    node: &Arc<Node>,
    visitor: &Visitor,
    name: &UserName,
    disabled: bool,
) -> Result<(), ApiError> {
    let (setting, of) = (Arc::clone(node), name.clone());
    blocking(move || setting.people().set_disabled(&of, disabled)).await??;
    let what = if disabled { "switched an account off" } else { "switched an account on" };
    visitor.note(node, what, name.as_str()).await;
    Ok(())
}

/// Makes a link with which a person sets a new password.
#[utoipa::path(
    post,
    path = "/people/{user_name}/link",
    responses((status = 200, body = LinkReport), (status = 404), (status = 409)),
)]
pub(super) async fn link(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Json<LinkReport>, ApiError> {
    Ok(Json(linked(&node, &visitor, checked(&name)?).await?))
}

/// Makes a link for a person, in place of one before.
pub(super) async fn linked(
    node: &Arc<Node>,
    visitor: &Visitor,
    name: UserName,
) -> Result<LinkReport, ApiError> {
    let (making, whom) = (Arc::clone(node), name.clone());
    let secret = blocking(move || making.people().link(&whom)).await??;
    visitor.note(node, "made a link to set a password", name.as_str()).await;
    Ok(LinkReport { user_name: Some(name), link: link_address(visitor, &secret) })
}

/// Makes a link for the first administrator of a school that has none.
#[utoipa::path(
    post,
    path = "/people/first-link",
    responses((status = 200, body = LinkReport), (status = 409)),
)]
pub(super) async fn first_link(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<LinkReport>, ApiError> {
    let making = Arc::clone(&node);
    let secret = blocking(move || making.people().first_link()).await??;
    visitor.note(&node, "made a link for the first administrator", "").await;
    Ok(Json(LinkReport { user_name: None, link: link_address(&visitor, &secret) }))
}

fn report(node: &Node, name: &UserName) -> Result<PersonReport, ApiError> {
    let person = node.people().get(name).ok_or_else(|| PeopleError::Unknown(name.to_string()))?;
    Ok(PersonReport::of(name.clone(), person))
}

fn checked(name: &str) -> Result<UserName, ApiError> {
    let parsed = name.parse().map_err(|error: PersonNameError| PeopleError::from(error));
    Ok(parsed?)
}
