//! The API as programs meet it: what it says of itself, and what it says to what it does not take.

use serde_json::Value;
use staffroom_tests::School;
use staffroom_tests::browser::Browser;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::running;

/// The status and the JSON of an answer.
fn read(mut answer: Response<Body>) -> (u16, Value) {
    let sort = answer.headers().get("content-type").map(|sort| sort.to_str().unwrap().to_owned());
    assert_eq!(sort.as_deref(), Some("application/json"), "{answer:?}");
    (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
}

/// Sends a body of some sort to an address of the API.
fn put(school: &School, path: &str, sort: &str, body: &str) -> (u16, Value) {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.put(format!("{}api/v1{path}", school.page()));
    let request = request.header("Authorization", school.bearer()).header("Content-Type", sort);
    read(request.send(body).unwrap())
}

#[test]
fn the_description_is_the_same_from_a_node_and_without_one() {
    let ash = running("Ash Primary");
    let nobody = Browser::at(ash.page());
    let unknown = nobody.open("/api/v1/openapi.json");
    assert_eq!(unknown.headers()["www-authenticate"], "Bearer");
    let (status, refused) = read(unknown);
    assert_eq!(status, 401, "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("show a token"), "{refused}");
    let (status, described) = read(ash.browser().open("/api/v1/openapi.json"));
    assert_eq!(status, 200);
    let printed: Value = serde_json::from_str(&ash.done(&["api"])).unwrap();
    assert_eq!(described, printed);
    assert_eq!(printed["openapi"], "3.1.0");
    assert_eq!(printed["paths"]["/api/v1/status"]["get"]["tags"][0], "This server");
}

#[test]
fn whatever_is_refused_is_refused_in_the_same_form() {
    let ash = running("Ash Primary");
    let saved = "/saved-searches/Reading";
    let good = r#"{"query":"q=reading"}"#;
    assert_eq!(put(&ash, saved, "application/json", good).0, 200);
    for (path, sort, body, expected) in [
        (saved, "text/plain", good, 415),
        (saved, "application/json", "{", 400),
        (saved, "application/json", r#"{"query":7}"#, 422),
        (saved, "application/json", r#"{"query":"q=reading","more":1}"#, 422),
        ("/storage", "application/json", r#"{"settings":{},"capacity":null,"more":1}"#, 422),
        ("/files/short", "application/json", "{}", 405),
        ("/nothing/here", "application/json", "{}", 404),
    ] {
        let (status, refused) = put(&ash, path, sort, body);
        assert_eq!(status, expected, "{path} {body}: {refused}");
        assert!(!refused["error"].as_str().unwrap().is_empty());
    }
    let bearer = ash.bearer();
    let shown = [("authorization", bearer.as_str())];
    let browser = Browser::at(ash.page());
    let wrong = browser.open_with("/api/v1/records/abcdef/files/short", &shown);
    assert_eq!(read(wrong).0, 400);
    assert_eq!(read(browser.open_with("/api/v1/audit?limit=-1", &shown)).0, 400);
    let other = [shown[0], ("host", "elsewhere.example")];
    assert_eq!(read(browser.open_with("/api/v1/status", &other)).0, 421);
    let unsupported = browser.open_with("/api/v1/memberships", &shown);
    assert_eq!(unsupported.headers()["allow"], "DELETE");
    assert_eq!(read(unsupported).0, 405);
}

#[test]
fn what_cannot_be_begun_is_refused_and_not_broken_off() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let invite = ash.invite("Fenland Trust");
    let asked = format!("{}api/v1/bundles/requests", ash.page());
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.post(asked).query("invite", &invite);
    let (status, refused) =
        read(request.header("Authorization", ash.bearer()).send_empty().unwrap());
    assert_eq!(status, 409, "{refused}");
    assert!(
        refused["error"].as_str().unwrap().contains("belongs to the group already"),
        "{refused}"
    );
}
