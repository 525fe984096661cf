//! The page of the people who may sign in, for administrators; and the page of the audit log.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::{ExtensionRejection, RawFormRejection};
use axum::extract::{FromRequestParts, RawForm, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;

use super::frame::Frame;
use super::table::{Cell, download, table};
use super::{error_page, in_the_way, render};
use crate::ago::since;
use crate::audit::AuditLine;
use crate::http::api_error::ApiError;
use crate::http::audit::{MOST as MOST_ACTS, newest};
use crate::http::people::{
    LinkReport, PersonReport, added, disabled_set, linked, reports, roles_set,
};
use crate::http::provider::{ProviderReport, report};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::people::{LINK_HOURS, PeopleError, PersonNameError, Role, Roles, UserName, listed};
use crate::question::parameters;

/// Acts on the page of the audit log; its table and the command line show more.
const SHOWN_ACTS: usize = 200;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    frame: Frame,
    people: Vec<PersonReport>,
    /// A link that was made just now, shown this once.
    made: Option<LinkReport>,
    provider: ProviderReport,
    problem: Option<String>,
}

impl PeoplePage {
    const HOURS: i64 = LINK_HOURS;

    fn roles(&self) -> [Role; 5] {
        Role::ALL
    }

    fn listed(&self, roles: &Roles) -> String {
        listed(roles)
    }

    fn last(&self, when: &Option<Timestamp>) -> String {
        when.as_ref().map_or_else(|| self.frame.t("people-never"), since)
    }
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    lines: Vec<AuditLine>,
}

impl AuditPage {
    fn when(&self, when: &Timestamp) -> String {
        when.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }
}

/// A form, whose boxes for roles may be ticked or not.
struct Given(Vec<(String, String)>);

impl Given {
    fn read(form: Result<RawForm, RawFormRejection>) -> Result<Self, ApiError> {
        let RawForm(bytes) =
            form.map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
        Ok(Self(parameters(&String::from_utf8_lossy(&bytes))))
    }

    fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }

    fn user_name(&self) -> Result<UserName, ApiError> {
        let parsed = self.text("user_name").parse();
        Ok(parsed.map_err(|error: PersonNameError| PeopleError::from(error))?)
    }

    fn roles(&self) -> Result<Roles, ApiError> {
        let roles = self.0.iter().filter(|(name, _)| name == "role");
        let roles = roles.map(|(_, role)| role.parse::<Role>());
        roles.collect::<Result<_, _>>().map_err(|error| ApiError::bad_request(error.to_string()))
    }
}

/// An administrator at the page of people.
pub(crate) struct Desk {
    frame: Frame,
    node: Arc<Node>,
    visitor: Visitor,
}

impl FromRequestParts<Arc<Node>> for Desk {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        node: &Arc<Node>,
    ) -> Result<Self, ExtensionRejection> {
        let Ok(frame) = Frame::from_request_parts(parts, node).await;
        let Extension(visitor) = Extension::from_request_parts(parts, node).await?;
        Ok(Self { frame, node: Arc::clone(node), visitor })
    }
}

impl Desk {
    fn page(self, made: Option<LinkReport>, problem: Option<&ApiError>) -> Response {
        let (status, problem) = in_the_way(problem);
        let people = reports(&self.node);
        let provider = report(&self.node, &self.visitor);
        render(status, &PeoplePage { frame: self.frame, people, made, provider, problem })
    }

    fn with_link(self, done: Result<LinkReport, ApiError>) -> Response {
        match done {
            Ok(made) => self.page(Some(made), None),
            Err(problem) => self.page(None, Some(&problem)),
        }
    }

    fn back(self, done: Result<(), ApiError>) -> Response {
        match done {
            Ok(()) => Redirect::to("/people").into_response(),
            Err(problem) => self.page(None, Some(&problem)),
        }
    }
}

pub(crate) async fn show(desk: Desk) -> Response {
    desk.page(None, None)
}

pub(crate) async fn add(desk: Desk, form: Result<RawForm, RawFormRejection>) -> Response {
    let done = async {
        let given = Given::read(form)?;
        let name = given.text("name").to_owned();
        added(&desk.node, &desk.visitor, given.user_name()?, name, given.roles()?).await
    };
    let done = done.await;
    desk.with_link(done)
}

pub(crate) async fn link(desk: Desk, form: Result<RawForm, RawFormRejection>) -> Response {
    let done = async { linked(&desk.node, &desk.visitor, Given::read(form)?.user_name()?).await };
    let done = done.await;
    desk.with_link(done)
}

pub(crate) async fn set_roles(desk: Desk, form: Result<RawForm, RawFormRejection>) -> Response {
    let done = async {
        let given = Given::read(form)?;
        roles_set(&desk.node, &desk.visitor, &given.user_name()?, given.roles()?).await
    };
    let done = done.await;
    desk.back(done)
}

pub(crate) async fn set_disabled(desk: Desk, form: Result<RawForm, RawFormRejection>) -> Response {
    let done = async {
        let given = Given::read(form)?;
        let disabled = given.text("disabled") == "true";
        disabled_set(&desk.node, &desk.visitor, &given.user_name()?, disabled).await
    };
    let done = done.await;
    desk.back(done)
}

pub(crate) async fn audit(frame: Frame, State(node): State<Arc<Node>>) -> Response {
    match newest(&node, SHOWN_ACTS).await {
        Ok(lines) => render(StatusCode::OK, &AuditPage { frame, lines }),
        Err(error) => error_page(&frame, &error),
    }
}

/// The people who may sign in as a table.
pub(crate) async fn table_of_people(desk: Desk) -> Result<Response, Response> {
    const COLUMNS: [&str; 7] =
        ["user name", "name", "roles", "switched off", "password", "other account", "last sign-in"];
    let rows = reports(&desk.node).into_iter().map(|person| {
        [
            Cell::text(person.user_name.as_str()),
            Cell::text(&person.name),
            Cell::text(&person.roles_listed()),
            Cell::yes_no(person.disabled),
            Cell::yes_no(person.has_password),
            Cell::yes_no(person.has_account),
            Cell::value(person.last_sign_in),
        ]
    });
    let written = table(COLUMNS, rows).map_err(|error| error_page(&desk.frame, &error))?;
    Ok(download("people", written))
}

/// The newest acts as a table.
pub(crate) async fn table_of_acts(
    frame: Frame,
    State(node): State<Arc<Node>>,
) -> Result<Response, Response> {
    const COLUMNS: [&str; 5] = ["when", "who", "what", "about", "from"];
    let written = async {
        let rows = newest(&node, MOST_ACTS).await?.into_iter().map(|line| {
            [
                Cell::value(Some(line.when)),
                Cell::text(&line.who.to_string()),
                Cell::text(&line.what),
                Cell::text(&line.about),
                Cell::value(line.from),
            ]
        });
        table(COLUMNS, rows)
    };
    let written = written.await.map_err(|error| error_page(&frame, &error))?;
    Ok(download("acts", written))
}
