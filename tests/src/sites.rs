//! Two sites of schools with a line between them that can be cut: network namespaces of this
//! machine, with a bridge a site. Needs root and the `ip` program.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where a school's node runs: a namespace with an address of its own.
#[derive(Debug, Clone)]
pub struct Place {
    pub(crate) namespace: String,
    pub(crate) host: Ipv4Addr,
}

/// The sites; they go with this value.
#[derive(Debug)]
pub struct Sites {
    name: String,
    places: Vec<Place>,
}

impl Sites {
    /// Two sites without any school, and the line between them.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("staffroom-{}-{number}", std::process::id());
        ip(&["netns", "add", &name]);
        let sites = Self { name, places: Vec::new() };
        for bridge in ["site0", "site1"] {
            sites.inside(&["link", "add", bridge, "type", "bridge"]);
            sites.inside(&["link", "set", bridge, "up"]);
        }
        sites.inside(&["link", "add", "line0", "type", "veth", "peer", "name", "line1"]);
        for (line, bridge) in [("line0", "site0"), ("line1", "site1")] {
            sites.inside(&["link", "set", line, "master", bridge, "up"]);
        }
        sites
    }

    /// A place for a school at one of the sites, 0 or 1.
    pub fn place(&mut self, site: u8) -> Place {
        let number = u8::try_from(self.places.len() + 1).expect("a few schools");
        let place = Place {
            namespace: format!("{}-{number}", self.name),
            host: Ipv4Addr::new(10, 77, 0, number),
        };
        let (namespace, port) = (place.namespace.as_str(), format!("school{number}"));
        ip(&["netns", "add", namespace]);
        let far_end = ["type", "veth", "peer", "name", &port, "netns", &self.name];
        ip(&[&["link", "add", "eth0", "netns", namespace], &far_end[..]].concat());
        ip(&["-n", namespace, "addr", "add", &format!("{}/24", place.host), "dev", "eth0"]);
        ip(&["-n", namespace, "link", "set", "eth0", "up"]);
        ip(&["-n", namespace, "link", "set", "lo", "up"]);
        self.inside(&["link", "set", &port, "master", &format!("site{site}"), "up"]);
        self.places.push(place.clone());
        place
    }

    /// Cuts the line between the sites.
    pub fn cut(&self) {
        self.inside(&["link", "set", "line0", "down"]);
    }

    /// Mends it.
    pub fn mend(&self) {
        self.inside(&["link", "set", "line0", "up"]);
    }

    fn inside(&self, arguments: &[&str]) {
        ip(&[&["-n", &self.name], arguments].concat());
    }
}

impl Default for Sites {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sites {
    fn drop(&mut self) {
        let names = self.places.iter().map(|place| &place.namespace).chain([&self.name]);
        for name in names {
            drop(Command::new("ip").args(["netns", "delete", name]).status());
        }
    }
}

fn ip(arguments: &[&str]) {
    let ran = Command::new("ip").args(arguments).output();
    let ran = ran.expect("the program ip, of the package iproute2");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "ip {}: {said} (this needs root)", arguments.join(" "));
}
