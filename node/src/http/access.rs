//! Which role each address asks for, and what the audit log calls what was done there. This is the one
//! place that decides it: an address that it does not name is refused.

use axum::http::Method;

use crate::people::{Role, Roles, Scope};

use super::pages::write::approval::ASKED;
use super::visitor::Who;

/// What an address asks of whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: signing in itself, and what pages are made of.
    Nothing,
    /// An account, whatever its roles, and its person: no token does.
    Oneself,
    /// One of these roles.
    OneOf(&'static [Role]),
    /// One of these roles, and its person: a token that got lost is to make no accounts.
    InPerson(&'static [Role]),
    /// To read, or a token for feeds.
    Feed,
}

/// Why somebody may not have what an address has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not known who asks.
    NotSignedIn,
    /// The person has none of these roles.
    Role(&'static [Role]),
    /// The token is for something else.
    Token,
}

/// A line of the table.
pub(super) struct Access {
    methods: &'static [Method],
    path: &'static str,
    pub(super) need: Need,
    /// What the audit log calls it once it was done; empty for what is only looked at.
    pub(super) done: &'static str,
}

const READ: Need = Need::OneOf(&Role::ALL);
const CONTRIBUTE: Need = Need::OneOf(&[Role::Contributor]);
const APPROVE: Need = Need::InPerson(&[Role::Approver]);
const CHECK: Need = Need::OneOf(&[Role::Contributor, Role::Approver]);
const WITHDRAW: Need = Need::OneOf(&[Role::Contributor, Role::DataProtection]);
const RECEIPTS: Need = WITHDRAW;
const AUDIT: Need = Need::OneOf(&[Role::Administrator, Role::DataProtection]);
const ADMINISTER: Need = Need::OneOf(&[Role::Administrator]);
const PEOPLE: Need = Need::InPerson(&[Role::Administrator]);

const RESUMED: &str = "let a restored server go on without having heard from other schools";

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const PUT: &[Method] = &[Method::PUT];
const DELETE: &[Method] = &[Method::DELETE];

const fn look(path: &'static str, need: Need) -> Access {
    quiet(GET, path, need)
}

const fn act(
    methods: &'static [Method],
    path: &'static str,
    need: Need,
    done: &'static str,
) -> Access {
    Access { methods, path, need, done }
}

/// What is done without a trace in the audit log: it is noted where it happens, or concerns no more than
/// what somebody reads.
const fn quiet(methods: &'static [Method], path: &'static str, need: Need) -> Access {
    Access { methods, path, need, done: "" }
}

/// Every address. Pages come first, then the API.
const TABLE: &[Access] = &[
    look("/sign-in", Need::Nothing),
    quiet(POST, "/sign-in", Need::Nothing),
    quiet(POST, "/sign-in/account", Need::Nothing),
    look("/sign-in/return", Need::Nothing),
    quiet(POST, "/sign-out", Need::Nothing),
    look("/link/{secret}", Need::Nothing),
    quiet(POST, "/link/{secret}", Need::Nothing),
    quiet(POST, "/link/{secret}/account", Need::Nothing),
    look("/language", Need::Nothing),
    look("/icon.svg", Need::Nothing),
    look("/style.css", Need::Nothing),
    look("/suggestions.js", Need::Nothing),
    look("/draft.js", Need::Nothing),
    look("/add-files.js", Need::Nothing),
    look("/me", Need::Oneself),
    act(POST, "/me/name", Need::Oneself, "changed the name that colleagues read"),
    act(POST, "/me/weekly", Need::Oneself, "asked for the weekly e-mail"),
    act(POST, "/me/weekly/stop", Need::Oneself, "stopped the weekly e-mail"),
    quiet(POST, "/me/password", Need::Oneself),
    quiet(POST, "/me/account", Need::Oneself),
    act(POST, "/me/account/unlink", Need::Oneself, "unlinked an account of another service"),
    act(POST, "/me/sessions/end", Need::Oneself, "ended sessions"),
    quiet(POST, "/me/tokens", Need::Oneself),
    quiet(POST, "/me/tokens/end", Need::Oneself),
    look("/people", PEOPLE),
    look("/people/people.csv", PEOPLE),
    quiet(POST, "/people", PEOPLE),
    quiet(POST, "/people/roles", PEOPLE),
    quiet(POST, "/people/disabled", PEOPLE),
    quiet(POST, "/people/link", PEOPLE),
    look("/audit", AUDIT),
    look("/audit/acts.csv", AUDIT),
    look("/", READ),
    look("/search", READ),
    look("/search/results.csv", READ),
    look("/framework", READ),
    look("/framework/decisions.csv", READ),
    look("/development", READ),
    look("/development/offers.csv", READ),
    look("/this-year", READ),
    look("/records/{id}", READ),
    look("/records/{id}/references.ris", READ),
    look("/records/{id}/files/{hash}", READ),
    look("/records/{id}/files/{hash}/preview", READ),
    quiet(POST, "/records/{id}/files/{hash}/here", READ),
    act(POST, "/records/{id}/files/{hash}/pin", CONTRIBUTE, "pinned a file"),
    act(POST, "/records/{id}/files/{hash}/unpin", CONTRIBUTE, "unpinned a file"),
    look("/records/{id}/versions/{number}/files/{hash}", READ),
    look("/resources", READ),
    look("/resources/resources.csv", READ),
    look("/resources/add", CONTRIBUTE),
    quiet(POST, "/resources/add", CONTRIBUTE),
    look("/records/{id}/withdraw", WITHDRAW),
    act(POST, "/records/{id}/withdraw", WITHDRAW, "withdrew a record"),
    look("/write", CHECK),
    quiet(POST, "/write", CONTRIBUTE),
    look("/write/{id}", CONTRIBUTE),
    quiet(POST, "/write/{id}", CONTRIBUTE),
    quiet(POST, "/write/{id}/autosave", CONTRIBUTE),
    quiet(POST, "/write/{id}/effect", CONTRIBUTE),
    quiet(POST, "/write/{id}/discard", CONTRIBUTE),
    look("/write/{id}/check", CHECK),
    quiet(POST, "/write/{id}/check", CONTRIBUTE),
    quiet(POST, "/write/{id}/publish", CONTRIBUTE),
    look("/write/several", CONTRIBUTE),
    quiet(POST, "/write/several/publish", CONTRIBUTE),
    quiet(POST, "/write/several/ask", CONTRIBUTE),
    act(POST, "/write/{id}/ask", CONTRIBUTE, ASKED),
    act(POST, "/write/{id}/take-back", CONTRIBUTE, "took back a request for approval"),
    act(POST, "/write/{id}/approve", APPROVE, "approved a draft and published it"),
    act(POST, "/write/{id}/send-back", APPROVE, "sent back a draft"),
    look("/saved-searches", READ),
    quiet(POST, "/saved-searches", READ),
    quiet(POST, "/saved-searches/seen", READ),
    quiet(POST, "/saved-searches/remove", READ),
    look("/saved-searches/feed", Need::Feed),
    look("/network", READ),
    act(POST, "/network", ADMINISTER, "created a group"),
    act(POST, "/network/join", ADMINISTER, "joined a group"),
    look("/network/{group}", READ),
    look("/network/{group}/map", READ),
    look("/network/{group}/holdings", READ),
    look("/network/{group}/feed", Need::Feed),
    look("/network/{group}/schools.csv", READ),
    act(POST, "/network/{group}/invites", ADMINISTER, "made an invite"),
    act(POST, "/network/{group}/invites/revoke", ADMINISTER, "revoked an invite"),
    act(POST, "/network/{group}/requests/{school}/admit", ADMINISTER, "let a school in"),
    act(POST, "/network/{group}/requests/{school}/decline", ADMINISTER, "turned a school away"),
    act(POST, "/network/{group}/admins/{school}", ADMINISTER, "named an admin of a group"),
    act(
        POST,
        "/network/{group}/admins/{school}/dismiss",
        ADMINISTER,
        "dismissed an admin of a group",
    ),
    look("/network/{group}/members/{school}/remove", ADMINISTER),
    act(POST, "/network/{group}/members/{school}/remove", ADMINISTER, "removed a school"),
    look("/network/{group}/leave", ADMINISTER),
    act(POST, "/network/{group}/leave", ADMINISTER, "left a group"),
    look("/settings", ADMINISTER),
    act(POST, "/settings/line", ADMINISTER, "changed how much may pass on the line"),
    act(POST, "/settings/line/lift", ADMINISTER, "lifted the ceilings of the line"),
    act(POST, "/settings/storage", ADMINISTER, "changed the room for other schools’ files"),
    act(POST, "/settings/approval", ADMINISTER, "changed whether what is shared needs approval"),
    act(POST, "/settings/backups", ADMINISTER, "made a backup"),
    act(POST, "/settings/backups/resume", PEOPLE, RESUMED),
    act(POST, "/settings/servers/{node}/revoke", ADMINISTER, "revoked a server"),
    look("/suggestions", READ),
    look("/metrics", ADMINISTER),
    // No secret, yet of no use to whoever has no token.
    look("/api/v1/openapi.json", READ),
    look("/api/v1/status", READ),
    look("/api/v1/groups", READ),
    act(POST, "/api/v1/groups", ADMINISTER, "created a group"),
    act(POST, "/api/v1/groups/join", ADMINISTER, "joined a group"),
    look("/api/v1/groups/{group}/members", READ),
    act(DELETE, "/api/v1/groups/{group}/members/{school}", ADMINISTER, "removed a school"),
    act(PUT, "/api/v1/groups/{group}/admins/{school}", ADMINISTER, "named an admin of a group"),
    act(
        DELETE,
        "/api/v1/groups/{group}/admins/{school}",
        ADMINISTER,
        "dismissed an admin of a group",
    ),
    look("/api/v1/groups/{group}/root", READ),
    act(PUT, "/api/v1/groups/{group}/root", ADMINISTER, "changed the root of a group"),
    look("/api/v1/groups/{group}/next-keys", READ),
    act(
        PUT,
        "/api/v1/groups/{group}/next-keys/{school}/{next}",
        ADMINISTER,
        "said that a school goes on with another key",
    ),
    act(
        PUT,
        "/api/v1/groups/{group}/objections",
        ADMINISTER,
        "objected to another key of this school",
    ),
    act(PUT, "/api/v1/proposals", ADMINISTER, "signed a proposal"),
    look("/api/v1/groups/{group}/invites", ADMINISTER),
    act(POST, "/api/v1/groups/{group}/invites", ADMINISTER, "made an invite"),
    act(DELETE, "/api/v1/groups/{group}/invites/{invite}", ADMINISTER, "revoked an invite"),
    look("/api/v1/groups/{group}/requests", ADMINISTER),
    act(PUT, "/api/v1/groups/{group}/requests/{school}", ADMINISTER, "let a school in"),
    act(DELETE, "/api/v1/groups/{group}/requests/{school}", ADMINISTER, "turned a school away"),
    act(DELETE, "/api/v1/groups/{group}/membership", ADMINISTER, "left a group"),
    act(POST, "/api/v1/groups/{group}/move", ADMINISTER, "moved to another group"),
    act(PUT, "/api/v1/groups/{group}/merger/{into}", ADMINISTER, "merged a group into another"),
    act(DELETE, "/api/v1/memberships", ADMINISTER, "left all groups, since the school closes"),
    look("/api/v1/groups/{group}/holdings", READ),
    look("/api/v1/storage", READ),
    act(PUT, "/api/v1/storage", ADMINISTER, "changed the room for other schools’ files"),
    look("/api/v1/line", READ),
    act(PUT, "/api/v1/line", ADMINISTER, "changed how much may pass on the line"),
    act(DELETE, "/api/v1/line", ADMINISTER, "lifted the ceilings of the line"),
    look("/api/v1/approval", READ),
    act(PUT, "/api/v1/approval", ADMINISTER, "changed whether what is shared needs approval"),
    look("/api/v1/nodes", ADMINISTER),
    act(PUT, "/api/v1/nodes/{node}/revocation", ADMINISTER, "revoked a server"),
    act(DELETE, "/api/v1/files/{hash}", ADMINISTER, "removed the beginning of a file"),
    quiet(POST, "/api/v1/files", CONTRIBUTE),
    look("/api/v1/resources", CONTRIBUTE),
    act(POST, "/api/v1/records", CONTRIBUTE, "published"),
    look("/api/v1/records/{id}", READ),
    act(PUT, "/api/v1/records/{id}/withdrawal", WITHDRAW, "withdrew a record"),
    look("/api/v1/records/{id}/receipts", RECEIPTS),
    look("/api/v1/records/{id}/similar", READ),
    look("/api/v1/records/{id}/references", READ),
    look("/api/v1/records/{id}/json-ld", READ),
    look("/api/v1/records/{id}/copies", READ),
    quiet(POST, "/api/v1/records/{id}/files", READ),
    act(PUT, "/api/v1/records/{id}/files/{hash}/pin", CONTRIBUTE, "pinned a file"),
    act(DELETE, "/api/v1/records/{id}/files/{hash}/pin", CONTRIBUTE, "unpinned a file"),
    look("/api/v1/records/{id}/files/{hash}", READ),
    look("/api/v1/records/{id}/files/{hash}/preview", READ),
    look("/api/v1/records/{id}/versions", READ),
    look("/api/v1/records/{id}/versions/{number}", READ),
    act(
        DELETE,
        "/api/v1/records/{id}/versions/{number}/files",
        CONTRIBUTE,
        "removed files of an older version",
    ),
    look("/api/v1/records/{id}/versions/{number}/files/{hash}", READ),
    look("/api/v1/search", READ),
    look("/api/v1/suggestions", READ),
    look("/api/v1/saved-searches", READ),
    look("/api/v1/saved-searches/{name}", READ),
    quiet(PUT, "/api/v1/saved-searches/{name}", READ),
    quiet(DELETE, "/api/v1/saved-searches/{name}", READ),
    quiet(PUT, "/api/v1/saved-searches/{name}/seen", READ),
    act(POST, "/api/v1/index/rebuild", ADMINISTER, "had the search index made again"),
    act(POST, "/api/v1/bundles", ADMINISTER, "wrote a bundle"),
    act(POST, "/api/v1/bundles/requests", ADMINISTER, "wrote a request for a bundle"),
    act(POST, "/api/v1/bundles/imports", ADMINISTER, "took in a bundle"),
    look("/api/v1/people", PEOPLE),
    quiet(POST, "/api/v1/people", PEOPLE),
    quiet(POST, "/api/v1/people/first-link", PEOPLE),
    quiet(PUT, "/api/v1/people/{user_name}/roles", PEOPLE),
    quiet(PUT, "/api/v1/people/{user_name}/disabled", PEOPLE),
    quiet(POST, "/api/v1/people/{user_name}/link", PEOPLE),
    look("/api/v1/sign-in-with", PEOPLE),
    quiet(PUT, "/api/v1/sign-in-with", PEOPLE),
    quiet(DELETE, "/api/v1/sign-in-with", PEOPLE),
    look("/api/v1/backups", ADMINISTER),
    act(POST, "/api/v1/backups", ADMINISTER, "made a backup"),
    act(PUT, "/api/v1/backups", PEOPLE, "set where backups go"),
    act(DELETE, "/api/v1/backups", PEOPLE, "had no more backups made"),
    act(POST, "/api/v1/backups/resumption", PEOPLE, RESUMED),
    look("/api/v1/mail", PEOPLE),
    quiet(PUT, "/api/v1/mail", PEOPLE),
    quiet(DELETE, "/api/v1/mail", PEOPLE),
    quiet(POST, "/api/v1/mail/test", PEOPLE),
    look("/api/v1/audit", AUDIT),
];

/// What an address asks for, as the router names it.
pub(super) fn to(method: &Method, path: &str) -> Option<&'static Access> {
    // A router answers HEAD as it answers GET.
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    TABLE.iter().find(|line| line.path == path && line.methods.contains(method))
}

/// What staff may look at of a server that was restored, and waits: how it is, and who is in its groups.
const WHILE_WAITING: [&str; 15] = [
    "/network",
    "/network/{group}",
    "/network/{group}/map",
    "/network/{group}/holdings",
    "/network/{group}/schools.csv",
    "/api/v1/openapi.json",
    "/api/v1/status",
    "/api/v1/groups",
    "/api/v1/groups/{group}/members",
    "/api/v1/groups/{group}/root",
    "/api/v1/groups/{group}/next-keys",
    "/api/v1/groups/{group}/holdings",
    "/api/v1/storage",
    "/api/v1/line",
    "/api/v1/approval",
];

/// What administrators do by which records go to others.
const PASSES_ON: [&str; 3] =
    ["/api/v1/bundles", "/api/v1/groups/{group}/move", "/api/v1/groups/{group}/merger/{into}"];

/// Whether an address shows, changes or passes on what schools shared, for which a restored server waits
/// until it has heard from them: what other roles than administrators have, and little that these do.
pub(super) fn is_about_records(line: &Access) -> bool {
    let is_for_staff = match line.need {
        Need::OneOf(roles) | Need::InPerson(roles) => roles.iter().any(|role| match role {
            Role::Reader | Role::Contributor | Role::Approver => true,
            Role::DataProtection | Role::Administrator => false,
        }),
        Need::Feed => true,
        Need::Nothing | Need::Oneself => false,
    };
    is_for_staff && !WHILE_WAITING.contains(&line.path) || PASSES_ON.contains(&line.path)
}

/// Whether an address is a feed, which news readers ask for.
pub(super) fn is_feed(path: &str) -> bool {
    TABLE.iter().any(|line| line.path == path && line.need == Need::Feed)
}

/// The methods with which an address may be asked.
pub(super) fn methods(path: &str) -> String {
    let lines = TABLE.iter().filter(|line| line.path == path);
    let methods = lines.flat_map(|line| line.methods).map(Method::as_str);
    methods.collect::<Vec<_>>().join(", ")
}

/// Whether somebody may have what an address has. `reads` says that nothing is changed by it.
pub(super) fn decide(who: &Who, need: Need, reads: bool) -> Result<(), Refusal> {
    if need == Need::Nothing {
        return Ok(());
    }
    match who {
        Who::Nobody => Err(Refusal::NotSignedIn),
        Who::CommandLine => Ok(()),
        Who::Person { roles, .. } => match need {
            Need::Nothing | Need::Oneself => Ok(()),
            Need::OneOf(wanted) | Need::InPerson(wanted) => one_of(roles, wanted),
            Need::Feed => one_of(roles, &Role::ALL),
        },
        Who::Token { roles, scope, .. } => match (need, scope) {
            (Need::Nothing, _) => Ok(()),
            (Need::Feed, _) => one_of(roles, &Role::ALL),
            (Need::OneOf(wanted), Scope::Write) => one_of(roles, wanted),
            (Need::OneOf(wanted), Scope::Read) if reads => one_of(roles, wanted),
            (Need::OneOf(_) | Need::Oneself | Need::InPerson(_), _) => Err(Refusal::Token),
        },
    }
}

fn one_of(roles: &Roles, wanted: &'static [Role]) -> Result<(), Refusal> {
    if wanted.iter().any(|role| roles.contains(role)) { Ok(()) } else { Err(Refusal::Role(wanted)) }
}

#[cfg(test)]
mod tests {
    use super::super::description::{description, operations};
    use super::super::visitor::for_tests::{person, token};
    use super::*;

    /// The methods and paths of the router: of pages as its source has them, of the API as it is described.
    fn routes() -> Vec<(Method, String)> {
        let source = include_str!("../http.rs");
        let pages = source.split_once("pub fn router").unwrap().1;
        let mut routes = Vec::new();
        for route in pages.split(".route(").skip(1) {
            let path = route.split('"').nth(1).unwrap();
            let (_, handlers) = route.split_once(',').unwrap();
            let handlers = handlers.split(".layer(").next().unwrap();
            for (call, method) in [("get(", Method::GET), ("post(", Method::POST)] {
                let begins = |at: usize| {
                    !handlers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                };
                if handlers.match_indices(call).any(|(at, _)| begins(at)) {
                    routes.push((method, path.to_owned()));
                }
            }
        }
        for (path, item) in &mut description().clone().paths.paths {
            for (method, _) in operations(item) {
                let method = method.to_uppercase().parse().unwrap();
                routes.push((method, path.clone()));
            }
        }
        routes
    }

    #[test]
    fn the_table_names_every_address_of_the_router_and_no_other() {
        let routes = routes();
        assert!(routes.len() > 80, "{}", routes.len());
        for (method, path) in &routes {
            assert!(to(method, path).is_some(), "{method} {path} asks for nothing");
        }
        for line in TABLE {
            for method in line.methods {
                let named =
                    routes.iter().any(|route| *route == (method.clone(), line.path.to_owned()));
                assert!(named, "there is no {method} {}", line.path);
                let same = TABLE
                    .iter()
                    .filter(|one| one.path == line.path && one.methods.contains(method));
                assert_eq!(same.count(), 1, "{method} {}", line.path);
            }
        }
    }

    #[test]
    fn only_signing_in_and_what_pages_are_made_of_are_open() {
        for line in TABLE {
            let open = decide(&Who::Nobody, line.need, true).is_ok();
            let expected =
                ["/sign-in", "/sign-out", "/link/", "/language", "/icon.svg", "/style.css"];
            let expected = expected.iter().any(|begin| line.path.starts_with(begin))
                || line.path.ends_with(".js");
            assert_eq!(open, expected, "{}", line.path);
        }
    }

    #[test]
    fn each_role_may_do_its_part() {
        let may = |roles: &[Role], method: &Method, path: &str| {
            let need = to(method, path).unwrap().need;
            decide(&person(roles), need, method.is_safe()).is_ok()
        };
        let search = (Method::GET, "/api/v1/search");
        let publish = (Method::POST, "/api/v1/records");
        let receipts = (Method::GET, "/api/v1/records/{id}/receipts");
        let audit = (Method::GET, "/audit");
        let people = (Method::POST, "/people/roles");
        let me = (Method::GET, "/me");
        for (role, allowed) in [
            (Role::Reader, [true, false, false, false, false]),
            (Role::Contributor, [true, true, true, false, false]),
            (Role::Approver, [true, false, false, false, false]),
            (Role::DataProtection, [true, false, true, true, false]),
            (Role::Administrator, [true, false, false, true, true]),
        ] {
            let asked = [&search, &publish, &receipts, &audit, &people];
            let found = asked.map(|(method, path)| may(&[role], method, path));
            assert_eq!(found, allowed, "{role}");
        }
        assert!(may(&[], &me.0, me.1) && !may(&[], &search.0, search.1));
        assert!(may(&[Role::Contributor, Role::Administrator], &people.0, people.1));
    }

    #[test]
    fn a_server_that_waits_is_looked_after_and_shows_nothing_of_what_schools_shared() {
        let waits = |method: &Method, path: &str| is_about_records(to(method, path).unwrap());
        for path in
            ["/", "/search", "/records/{id}", "/write", "/network/{group}/feed", "/this-year"]
        {
            assert!(waits(&Method::GET, path), "{path}");
        }
        for path in PASSES_ON {
            let method =
                TABLE.iter().find(|line| line.path == path).unwrap().methods.first().unwrap();
            assert!(waits(method, path), "{path}");
        }
        for path in WHILE_WAITING {
            assert!(!waits(&Method::GET, path), "{path}");
        }
        for path in ["/sign-in", "/me", "/people", "/audit", "/settings", "/api/v1/backups"] {
            assert!(!waits(&Method::GET, path), "{path}");
        }
        assert!(!waits(&Method::POST, "/settings/backups/resume"));
        assert!(
            !waits(&Method::POST, "/api/v1/bundles/imports"),
            "it may bring what was taken back"
        );
    }

    #[test]
    fn a_token_does_what_it_is_for_and_what_its_person_may() {
        let may = |scope, roles: &[Role], method: &Method, path: &str| {
            let need = to(method, path).unwrap().need;
            decide(&token(scope, roles), need, method.is_safe()).is_ok()
        };
        let all = &Role::ALL;
        let feed = "/saved-searches/feed";
        let (search, records) = ("/api/v1/search", "/api/v1/records");
        for (scope, allowed) in [
            (Scope::Feed, [true, false, false]),
            (Scope::Read, [true, true, false]),
            (Scope::Write, [true, true, true]),
        ] {
            let found = [(Method::GET, feed), (Method::GET, search), (Method::POST, records)]
                .map(|(method, path)| may(scope, all, &method, path));
            assert_eq!(found, allowed, "{scope}");
        }
        let feeds: Vec<&str> =
            TABLE.iter().map(|line| line.path).filter(|path| is_feed(path)).collect();
        assert_eq!(
            feeds,
            [feed, "/network/{group}/feed"],
            "where a token may stand in the address"
        );
        assert!(!may(Scope::Write, &[Role::Reader], &Method::POST, records));
        assert!(!may(Scope::Feed, &[], &Method::GET, feed));
        for (method, path) in [(Method::GET, "/me"), (Method::POST, "/api/v1/people")] {
            assert!(!may(Scope::Write, all, &method, path), "{path}");
        }
    }
}
