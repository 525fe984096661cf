//! The page of the people who may sign in, for administrators; and the page of the audit log.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::RawFormRejection;
use axum::extract::{RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;

use super::frame::Frame;
use super::me::said;
use super::{error_page, render};
use crate::audit::AuditLine;
use crate::http::api_error::ApiError;
use crate::http::audit::newest;
use crate::http::people::{
    LinkReport, PersonReport, added, disabled_set, linked, reports, roles_set,
};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::people::{LINK_HOURS, PeopleError, PersonNameError, Role, Roles, UserName};
use crate::question::parameters;

/// Acts on the page of the audit log; the command line shows more.
const SHOWN_ACTS: usize = 200;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    frame: Frame,
    people: Vec<PersonReport>,
    /// A link that was made just now, shown this once.
    made: Option<LinkReport>,
    problem: Option<String>,
}

impl PeoplePage {
    const HOURS: i64 = LINK_HOURS;

    fn roles(&self) -> [Role; 5] {
        Role::ALL
    }

    fn last(&self, when: &Option<Timestamp>) -> String {
        when.as_ref().map_or_else(|| self.frame.t("people-never"), said)
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

fn page(
    frame: Frame,
    node: &Node,
    made: Option<LinkReport>,
    problem: Option<&ApiError>,
) -> Response {
    let status = problem.map_or(StatusCode::OK, ApiError::status);
    let problem = problem.map(|error| error.message().to_owned());
    render(status, &PeoplePage { frame, people: reports(node), made, problem })
}

pub(crate) async fn show(frame: Frame, State(node): State<Arc<Node>>) -> Response {
    page(frame, &node, None, None)
}

pub(crate) async fn add(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<RawForm, RawFormRejection>,
) -> Response {
    let done = async {
        let given = Given::read(form)?;
        let name = given.text("name").to_owned();
        added(&node, &visitor, given.user_name()?, name, given.roles()?).await
    };
    with_link(frame, &node, done.await)
}

pub(crate) async fn link(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<RawForm, RawFormRejection>,
) -> Response {
    let done = async { linked(&node, &visitor, Given::read(form)?.user_name()?).await };
    with_link(frame, &node, done.await)
}

fn with_link(frame: Frame, node: &Node, done: Result<LinkReport, ApiError>) -> Response {
    match done {
        Ok(made) => page(frame, node, Some(made), None),
        Err(problem) => page(frame, node, None, Some(&problem)),
    }
}

pub(crate) async fn set_roles(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<RawForm, RawFormRejection>,
) -> Response {
    let done = async {
        let given = Given::read(form)?;
        roles_set(&node, &visitor, &given.user_name()?, given.roles()?).await
    };
    back(frame, &node, done.await)
}

pub(crate) async fn set_disabled(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<RawForm, RawFormRejection>,
) -> Response {
    let done = async {
        let given = Given::read(form)?;
        let disabled = given.text("disabled") == "true";
        disabled_set(&node, &visitor, &given.user_name()?, disabled).await
    };
    back(frame, &node, done.await)
}

fn back(frame: Frame, node: &Node, done: Result<(), ApiError>) -> Response {
    match done {
        Ok(()) => Redirect::to("/people").into_response(),
        Err(problem) => page(frame, node, None, Some(&problem)),
    }
}

pub(crate) async fn audit(frame: Frame, State(node): State<Arc<Node>>) -> Response {
    match newest(&node, SHOWN_ACTS).await {
        Ok(lines) => render(StatusCode::OK, &AuditPage { frame, lines }),
        Err(error) => error_page(&frame, &error),
    }
}
