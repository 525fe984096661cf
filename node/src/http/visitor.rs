//! Who asks, as far as it is known: by a session's cookie, a token, or the command line's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;

use super::Token;
use super::access;
use super::api_error::blocking;
use super::door::Door;
use crate::audit::Actor;
use crate::node::Node;
use crate::people::{Role, Roles, Scope, SecretHash, UserName};
use crate::question::parameters;

/// Whoever sent a request; among its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) who: Who,
    pub(crate) address: IpAddr,
    pub(crate) door: Arc<Door>,
}

/// Who somebody is.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    /// It is not known.
    Nobody,
    /// Whoever can read the data directory.
    CommandLine,
    /// Somebody who signed in.
    Person { name: UserName, display: String, roles: Roles, session: SecretHash },
    /// A program of somebody.
    Token { name: UserName, roles: Roles, scope: Scope },
}

impl Visitor {
    /// For the audit log.
    pub(crate) fn actor(&self) -> Actor {
        match &self.who {
            Who::Nobody => Actor::Nobody,
            Who::CommandLine => Actor::CommandLine,
            Who::Person { name, .. } | Who::Token { name, .. } => Actor::Person(name.clone()),
        }
    }

    /// Who it is, signed in or by a token; none for the command line, which is nobody in particular.
    pub(crate) fn person(&self) -> Option<&UserName> {
        match &self.who {
            Who::Nobody | Who::CommandLine => None,
            Who::Person { name, .. } | Who::Token { name, .. } => Some(name),
        }
    }

    /// Whether the visitor may do what a role may.
    pub(crate) fn has(&self, role: Role) -> bool {
        match &self.who {
            Who::Nobody => false,
            Who::CommandLine => true,
            Who::Person { roles, .. } | Who::Token { roles, .. } => roles.contains(&role),
        }
    }

    /// Whether the visitor asks a colleague before anything is shared. Whoever can read the data directory
    /// could set it otherwise, and asks nobody.
    pub(crate) fn asks_a_colleague(&self, node: &Node) -> bool {
        node.approval().is_needed() && !matches!(self.who, Who::CommandLine)
    }

    /// Notes in the audit log what the visitor did.
    pub(crate) async fn note(&self, node: &Arc<Node>, what: &'static str, about: &str) {
        note(node, self.actor(), what, about, self.address).await;
    }
}

/// Notes in the audit log what somebody did.
pub(crate) async fn note(
    node: &Arc<Node>,
    who: Actor,
    what: &'static str,
    about: &str,
    from: IpAddr,
) {
    let (node, about) = (Arc::clone(node), about.to_owned());
    // An error means that the node is stopping.
    drop(blocking(move || node.audit_log().note(who, what, &about, Some(from))).await);
}

/// Finds out who sent a request.
pub(super) async fn of(
    request: &Parts,
    node: &Arc<Node>,
    token: &Token,
    door: &Arc<Door>,
) -> Visitor {
    let address = address(request, door);
    let who = match shown(request, node, door) {
        None => Who::Nobody,
        Some(Shown::Bearer(given)) if door.is_of_this_machine() && token.matches(&given) => {
            Who::CommandLine
        }
        Some(shown) => {
            let node = Arc::clone(node);
            blocking(move || known(&node, &shown, address)).await.unwrap_or(Who::Nobody)
        }
    };
    Visitor { who, address, door: Arc::clone(door) }
}

/// What a request shows to say who sent it.
enum Shown {
    /// The value of the `Authorization` header.
    Bearer(String),
    /// A token in the address of a feed.
    InAddress(String),
    /// The secret of a session.
    Cookie(String),
}

fn shown(request: &Parts, node: &Node, door: &Door) -> Option<Shown> {
    // Whoever shows a token is not taken for somebody else by a cookie that came along.
    if let Some(given) = request.headers.get(header::AUTHORIZATION) {
        return given.to_str().ok().map(|given| Shown::Bearer(given.to_owned()));
    }
    // News readers can send a token no other way.
    if is_for_feeds(request) {
        let asked = parameters(request.uri.query().unwrap_or_default());
        if let Some((_, token)) = asked.into_iter().find(|(name, _)| name == "token") {
            return Some(Shown::InAddress(token));
        }
    }
    cookie(&request.headers, &door.cookie_name(node)).map(Shown::Cookie)
}

/// Whether a feed is asked for: there alone a token may stand in the address.
pub(super) fn is_for_feeds(request: &Parts) -> bool {
    let matched = request.extensions.get::<MatchedPath>();
    matched.is_some_and(|matched| access::is_feed(matched.as_str()))
}

fn known(node: &Node, shown: &Shown, address: IpAddr) -> Who {
    let (people, now) = (node.people(), Timestamp::now());
    let token = |secret: &str| people.use_token(secret, now);
    let found = match shown {
        Shown::Bearer(given) => given.strip_prefix("Bearer ").and_then(token),
        // One that does more is not to stand in addresses, which get written down.
        Shown::InAddress(secret) => token(secret).filter(|(.., scope)| *scope == Scope::Feed),
        Shown::Cookie(secret) => {
            let Some((hash, session)) = people.sessions().use_one(secret, address, now) else {
                return Who::Nobody;
            };
            let person = people.get(&session.person).filter(|person| !person.disabled);
            return person.map_or(Who::Nobody, |person| Who::Person {
                name: session.person,
                display: person.name,
                roles: person.roles,
                session: hash,
            });
        }
    };
    found.map_or(Who::Nobody, |(name, person, scope)| Who::Token {
        name,
        roles: person.roles,
        scope,
    })
}

/// The value of a cookie.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let values =
        headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(cookie::Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

/// From where a request came. A proxy adds to the end of `X-Forwarded-For` whom it saw; what stands before
/// that anybody may have written.
fn address(request: &Parts, door: &Door) -> IpAddr {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    // Without a connection it is a command that opened the node itself.
    let peer = peer.map_or(Ipv4Addr::LOCALHOST.into(), |ConnectInfo(peer)| peer.ip());
    let seen = || {
        let hops = request.headers.get_all("x-forwarded-for").into_iter().next_back()?;
        let last = hops.to_str().ok()?.rsplit(',').next()?.trim();
        let with_port = || last.parse::<SocketAddr>().ok().map(|address| address.ip());
        last.parse().ok().or_else(with_port)
    };
    if door.is_behind_proxy() { seen().unwrap_or(peer) } else { peer }.to_canonical()
}

#[cfg(test)]
pub(super) mod for_tests {
    use super::*;

    pub(in super::super) fn person(roles: &[Role]) -> Who {
        Who::Person {
            name: "head".parse().unwrap(),
            display: "The headteacher".to_owned(),
            roles: roles.iter().copied().collect(),
            session: serde_json::from_str("\"00\"").unwrap(),
        }
    }

    pub(in super::super) fn token(scope: Scope, roles: &[Role]) -> Who {
        let roles = roles.iter().copied().collect();
        Who::Token { name: "head".parse().unwrap(), roles, scope }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn the_address_is_the_one_that_the_proxy_saw_and_only_behind_one() {
        let request = |forwarded: &[&str]| {
            let mut request = Request::builder()
                .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 50_000))));
            for value in forwarded {
                request = request.header("x-forwarded-for", *value);
            }
            request.body(()).unwrap().into_parts().0
        };
        let proxy = Door::behind_proxy(vec!["staffroom.alder.example".to_owned()], String::new());
        for (forwarded, expected) in [
            (&["203.0.113.7"][..], "203.0.113.7"),
            (&["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
            (&["127.0.0.1", "10.0.0.1,203.0.113.7:443"], "203.0.113.7"),
            (&["[2001:db8::1]:443"], "2001:db8::1"),
            (&["203.0.113.7, nonsense"], "192.0.2.1"),
            (&[], "192.0.2.1"),
        ] {
            let found = address(&request(forwarded), &proxy);
            assert_eq!(found.to_string(), expected, "{forwarded:?}");
        }
        let direct = Door::this_machine(String::new());
        assert_eq!(address(&request(&["203.0.113.7"]), &direct).to_string(), "192.0.2.1");
    }
}
