//! A way in to the pages and the API: from this machine, over TLS, or through a proxy that ends TLS.

use crate::node::Node;

/// Names under which browsers and the command line reach this machine itself.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// How requests that come in one way are to be taken.
#[derive(Debug, Clone)]
pub struct Door {
    kind: Kind,
    /// The host names that are answered to, in lower case.
    names: Vec<String>,
    /// Where staff find the pages: `https://staffroom.alder.example/`.
    pages: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ThisMachine,
    Tls,
    BehindProxy,
}

impl Door {
    /// From this machine alone, without TLS.
    pub fn this_machine(pages: String) -> Self {
        let names = OWN_NAMES.map(str::to_owned).into();
        Self { kind: Kind::ThisMachine, names, pages }
    }

    /// Over TLS, under these names.
    pub fn tls(names: Vec<String>, pages: String) -> Self {
        Self::of(Kind::Tls, &names, pages)
    }

    /// Through a proxy that ends TLS, under these names.
    pub fn behind_proxy(names: Vec<String>, pages: String) -> Self {
        Self::of(Kind::BehindProxy, &names, pages)
    }

    fn of(kind: Kind, names: &[String], pages: String) -> Self {
        let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { kind, names, pages }
    }

    /// Whether only this machine can come in, so that the command line's token counts. From elsewhere
    /// everything comes encrypted.
    pub(crate) fn is_of_this_machine(&self) -> bool {
        self.kind == Kind::ThisMachine
    }

    pub(super) fn is_behind_proxy(&self) -> bool {
        self.kind == Kind::BehindProxy
    }

    /// Whether TLS ends here, so that browsers may be told never to come without it.
    pub(super) fn is_tls(&self) -> bool {
        self.kind == Kind::Tls
    }

    /// How browsers come in.
    pub(super) fn scheme(&self) -> &'static str {
        match self.kind {
            Kind::ThisMachine => "http",
            Kind::Tls | Kind::BehindProxy => "https",
        }
    }

    /// Whether a host name, without a port, is one of this door's.
    pub(super) fn answers_to(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// The names, for whoever came under another.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Where staff find the pages.
    pub fn pages(&self) -> &str {
        &self.pages
    }

    /// The name of the cookie of a session. Nodes of several schools may share a host name, of which
    /// browsers take no account of the port. `__Host-` binds a cookie to the very host that set it
    /// (RFC 6265bis, section 4.1.3).
    pub(super) fn cookie_name(&self, node: &Node) -> String {
        let school = node.identity().school().short();
        if self.is_of_this_machine() {
            format!("staffroom-{school}")
        } else {
            format!("__Host-staffroom-{school}")
        }
    }
}
