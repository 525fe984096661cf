//! A colleague looks at what is shared first, where the school wants that.

use serde_json::{Value, json};
use staffroom_tests::School;
use staffroom_tests::browser::{Browser, HEAD, value_of};
use ureq::http::StatusCode;

use crate::audit::acts;
use crate::signing_in::said;
use crate::{intervention, publish, running};

const TYPED: [(&str, &str); 5] = [
    ("title", "Echo reading"),
    ("aim", "Fluent readers by summer."),
    ("what_is_different", "Four short groups a week."),
    ("monitoring", "The reading lead listens to each group."),
    ("groups", "Fenland Trust"),
];

const OWN_PAGE: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

/// A draft that is filled in, by somebody who may write.
fn written(by: &Browser) -> String {
    let draft = by.goes_on("/write", &[("kind", "intervention")]);
    by.goes_on(&draft, &TYPED);
    draft
}

/// Asks for approval of what the check page shows.
fn asks(by: &Browser, draft: &str) {
    let check = by.page(&format!("{draft}/check"));
    assert!(check.contains("Ask for approval") && !check.contains(">Share<"), "{check}");
    let shown = [("shown", value_of(&check, "shown"))];
    assert_eq!(by.goes_on(&format!("{draft}/ask"), &shown), format!("{draft}/check"));
}

/// What was said to a form that was not done.
fn refused(by: &Browser, path: &str, form: &[(&str, &str)], status: StatusCode) -> String {
    said(by.send_with(path, form, &OWN_PAGE), status)
}

/// What the audit log has of an act, with who did it.
fn about(school: &School, act: &str) -> Vec<String> {
    let lines = school.json(&["audit"]);
    let lines = lines.as_array().unwrap().iter().filter(|line| line["what"] == act);
    lines.map(|line| format!("{} {}", line["who"]["person"], line["about"])).collect()
}

#[test]
fn what_is_shared_waits_for_a_colleague_who_did_not_write_it() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let head = ash.browser();
    let teacher = ash.colleague("teacher@ash.example", &["contributor"]);
    let lead = ash.colleague("lead@ash.example", &["contributor", "approver"]);
    let deputy = ash.colleague("deputy@ash.example", &["approver"]);

    // Until the school wants it, whoever may write shares.
    teacher.shares(&written(&teacher));
    beech.finds("echo", 1);
    assert!(!deputy.page("/").contains("Waits for your approval"));
    assert!(head.page("/settings").contains("3 people have the role approver"));
    assert_eq!(head.goes_on("/settings/approval", &[("needed", "on")]), "/settings");
    assert_eq!(ash.json(&["approval"]), json!({ "needed": true, "approvers": 3 }));

    let draft = teacher.goes_on("/write", &[("kind", "intervention")]);
    let typed = [&TYPED[1..], &[("title", "Paired maths talk")]].concat();
    teacher.goes_on(&draft, &typed);
    let check = teacher.page(&format!("{draft}/check"));
    let shown = value_of(&check, "shown").to_owned();
    let around = teacher.goes_on(&format!("{draft}/publish"), &[("shown", &shown)]);
    assert_eq!(around, format!("{draft}/check"), "nobody shares alone");
    // What waits for nobody is not for an approver to read.
    let early = said(deputy.open(&format!("{draft}/check")), StatusCode::CONFLICT);
    assert!(early.contains("this draft is not waiting for approval"), "{early}");
    asks(&teacher, &draft);
    assert!(teacher.page(&draft).contains("takes the request back by that"));
    assert!(!teacher.page("/").contains("Waits for your approval"));
    let forbidden = StatusCode::FORBIDDEN;
    let decided = [("shown", shown.as_str()), ("note", "For whom?")];
    for act in ["approve", "send-back"] {
        refused(&teacher, &format!("{draft}/{act}"), &decided, forbidden);
    }

    for page in ["/", "/write"] {
        let page = deputy.page(page);
        assert!(page.contains("Waits for your approval") && page.contains("Paired maths talk"));
        assert!(page.contains("Asked for by teacher@ash.example"), "{page}");
    }
    let check = deputy.page(&format!("{draft}/check"));
    assert!(check.contains("Exactly this leaves the school"), "{check}");
    assert!(
        check.contains("<li>Fenland Trust</li>") && check.contains("Fluent readers by summer.")
    );
    // An approver who may not write sees what leaves the school, and changes nothing of it.
    for path in [draft.clone(), format!("{draft}/autosave"), format!("{draft}/discard")] {
        refused(&deputy, &path, &typed, forbidden);
    }
    refused(
        &deputy,
        &format!("{draft}/approve"),
        &[("shown", "another page")],
        StatusCode::CONFLICT,
    );
    let shared = deputy.goes_on(&format!("{draft}/approve"), &[("shown", &shown)]);
    beech.finds("maths", 1);
    assert!(deputy.page(&shared).contains("Shared with Fenland Trust"));
    let id = &draft.trim_start_matches("/write/")[..8];
    let approved = about(&ash, "approved a draft and published it");
    let by = "\"deputy@ash.example\"";
    assert_eq!(approved, [format!("{by} \"{id}, asked for by teacher@ash.example\"")]);
    // Nobody's name leaves the school.
    let there = beech.json(&["show", id]).to_string();
    assert!(!there.contains("deputy") && !there.contains("teacher@"), "{there}");

    // One who may approve does not approve what is their own, nor what they changed.
    let own = written(&lead);
    let with_id = lead.goes_on(&own, &[&typed[..], &[("rationale", "Pairs.")]].concat());
    assert_eq!(with_id, own);
    asks(&lead, &own);
    let check = lead.page(&format!("{own}/check"));
    assert!(!check.contains("Approve and share") && check.contains("Take the request back"));
    let shown = value_of(&deputy.page(&format!("{own}/check")), "shown").to_owned();
    let refusal = refused(&lead, &format!("{own}/approve"), &[("shown", &shown)], forbidden);
    assert!(refusal.contains("you wrote some of this draft"), "{refusal}");
    assert!(!lead.page("/").contains("Waits for your approval"));

    // Where the school wants it no longer, nobody waits, and approvers read no drafts.
    assert_eq!(head.goes_on("/settings/approval", &[]), "/settings");
    let off = said(deputy.open(&format!("{own}/check")), StatusCode::CONFLICT);
    assert!(off.contains("this draft is not waiting for approval"), "{off}");
    assert!(!deputy.page("/write").contains("Waits for your approval"));
    lead.shares(&own);
}

#[test]
fn a_change_takes_the_request_back_and_an_approver_sends_back_with_a_note() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    ash.browser();
    ash.done(&["person", "roles", HEAD, "administrator"]);
    assert!(ash.done(&["approval", "--on"]).contains("Nobody has the role approver yet"));
    let teacher = ash.colleague("teacher@ash.example", &["contributor"]);
    let draft = written(&teacher);
    let check = teacher.page(&format!("{draft}/check"));
    assert!(check.contains("Nobody may approve it yet"), "{check}");
    let deputy = ash.colleague("deputy@ash.example", &["approver", "contributor"]);
    asks(&teacher, &draft);
    let check = deputy.page(&format!("{draft}/check"));
    let shown = value_of(&check, "shown").to_owned();

    // As the script saves it while it is typed.
    let autosave = format!("{draft}/autosave");
    assert_eq!(teacher.send_with(&autosave, &TYPED, &OWN_PAGE).status(), StatusCode::NO_CONTENT);
    assert!(deputy.page("/write").contains("Waits for your approval"), "nothing was changed");
    let other = [&TYPED[..1], &[("aim", "Something else.")], &TYPED[2..]].concat();
    teacher.send_with(&autosave, &other, &OWN_PAGE);
    assert!(!deputy.page("/write").contains("Waits for your approval"));
    let approve = format!("{draft}/approve");
    let late = refused(&deputy, &approve, &[("shown", &shown)], StatusCode::CONFLICT);
    assert!(late.contains("it was changed, taken back, sent back or shared"), "{late}");
    assert_eq!(ash.search("echo").len(), 0);

    asks(&teacher, &draft);
    assert_eq!(teacher.goes_on(&format!("{draft}/take-back"), &[]), draft);
    refused(&teacher, &format!("{draft}/take-back"), &[], StatusCode::CONFLICT);

    asks(&teacher, &draft);
    let shown = value_of(&deputy.page(&format!("{draft}/check")), "shown").to_owned();
    let back = format!("{draft}/send-back");
    let shown = ("shown", shown.as_str());
    refused(&deputy, &back, &[shown, ("note", " ")], StatusCode::BAD_REQUEST);
    let note = "Which classes?\r\n<b>And</b> since when?";
    assert_eq!(deputy.goes_on(&back, &[shown, ("note", note)]), "/write");
    assert!(teacher.page("/write").contains("Sent back"));
    let form = teacher.page(&draft);
    assert!(form.contains("Which classes?\n&#60;b&#62;And&#60;/b&#62; since when?"), "{form}");
    assert!(form.contains("deputy@ash.example · "), "{form}");
    refused(&deputy, &approve, &[shown], StatusCode::CONFLICT);
    for act in [
        "command_line changed whether what is shared needs approval",
        "teacher@ash.example asked for approval of a draft",
        "teacher@ash.example took back a request for approval",
        "deputy@ash.example sent back a draft",
    ] {
        assert!(acts(&ash).contains(&act.to_owned()), "{act}: {:?}", acts(&ash));
    }
    let asked = about(&ash, "asked for approval of a draft").len();
    assert_eq!(asked, 3);

    // Who wrote what waits is remembered when the node starts again; so is the setting.
    asks(&teacher, &draft);
    assert!(!teacher.page(&draft).contains("Which classes?"));
    let mut ash = ash;
    ash.kill();
    ash.start();
    let mut again = deputy.clone();
    again.origin = ash.page().trim_end_matches('/').to_owned();
    let check = again.page(&format!("{draft}/check"));
    let shown = [("shown", value_of(&check, "shown"))];
    assert!(again.goes_on(&approve.replace("approve", "publish"), &shown).ends_with("/check"));
    assert!(again.goes_on(&approve, &shown).starts_with("/records/"));
}

#[test]
fn no_token_of_a_person_goes_around_a_colleague_and_the_command_line_still_publishes() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    ash.browser();
    ash.done(&["approval", "--on"]);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let record = json!({
        "kind": "intervention", "title": "Echo reading", "aim": "Fluency", "groups": ["Fenland Trust"],
        "what_is_different": "Four groups", "monitoring": "The reading lead",
    });
    let sends = |bearer: &str, options: Value| {
        let address = format!("{}api/v1/records", ash.page());
        let request = agent.post(&address).header("Authorization", bearer);
        let body = json!({ "records": [record], "options": options });
        let mut answer = request.send_json(body).unwrap();
        (answer.status(), answer.body_mut().read_to_string().unwrap())
    };
    for roles in [&["contributor"][..], &["contributor", "approver"]] {
        let name = format!("{}@ash.example", roles.join("-and-"));
        let person = ash.colleague(&name, roles);
        let form = [("name", "a script"), ("scope", "write"), ("days", "30")];
        let made = said(person.send("/me/tokens", &form), StatusCode::OK);
        let token = made.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
        let bearer = format!("Bearer {token}");
        let (status, said) = sends(&bearer, json!({}));
        assert_eq!(status, StatusCode::FORBIDDEN, "{said}");
        assert!(said.contains("a colleague approves what is shared"), "{said}");
        let (status, said) = sends(&bearer, json!({ "check_only": true }));
        assert_eq!(status, StatusCode::OK, "{said}");
        // Nor does it approve, as a person does.
        let draft = written(&person);
        let approve = format!("{draft}/approve");
        let sent = person.send_with(&approve, &[], &[("Authorization", &bearer), OWN_PAGE[0]]);
        assert_eq!(sent.status(), StatusCode::FORBIDDEN);
        let publish = format!("{draft}/publish");
        let check = person.page(&format!("{draft}/check"));
        let shown = [("shown", value_of(&check, "shown"))];
        person.send_with(&publish, &shown, &[("Authorization", &bearer), OWN_PAGE[0]]);
        // A cookie counts for nothing beside it, and none of it was shared.
        assert_eq!(ash.search("echo").len(), 0);
    }
    let switched = ash.colleague("switch@ash.example", &["contributor"]);
    refused(&switched, "/settings/approval", &[], StatusCode::FORBIDDEN);
    publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    ash.finds("echo", 1);
    assert!(ash.done(&["approval", "--off"]).contains("needs nobody's approval"));
}
