//! What a technician needs to know when something does not work: looked at one after the other, each
//! said in plain words.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use bytesize::ByteSize;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde::{Deserialize, Serialize};

use crate::backup::{self, Backups};
use crate::child::ended_within;
use crate::extract::Extractor;
use crate::home::Home;
use crate::preview::helper::Helpers;

/// Free room under which a node soon stops to take anything: what a node leaves free of other schools'
/// files, halved.
const LEAST_FREE: ByteSize = ByteSize::gib(1);

/// A moment that has passed, at the start of 2026: a clock before it was never set.
const LONG_PAST: Duration = Duration::from_secs(1_767_225_600);

/// How much a file of this node may be from the future, since clocks are set back by seconds.
const FUTURE: Duration = Duration::from_secs(60);

/// How long a program may take to say its version.
const SAYS_VERSION_WITHIN: Duration = Duration::from_secs(20);

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    /// As it should be.
    Good,
    /// It could be better, and nobody has to do anything.
    CouldBeBetter,
    /// Something needs doing.
    ToDo,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// What was looked at.
    pub(crate) what: String,
    /// How it is.
    pub(crate) health: Health,
    /// What was found, and what to do.
    pub(crate) said: String,
}

impl Found {
    fn new(what: &str, health: Health, said: impl Into<String>) -> Self {
        Self { what: what.to_owned(), health, said: said.into() }
    }

    fn good(what: &str, said: impl Into<String>) -> Self {
        Self::new(what, Health::Good, said)
    }

    fn to_do(what: &str, said: impl Into<String>) -> Self {
        Self::new(what, Health::ToDo, said)
    }
}

/// The ports of a node.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) http: SocketAddr,
    pub(crate) listen: Vec<Multiaddr>,
}

/// Looks at everything that can be looked at from this machine. `ports` is none where the node runs,
/// which has them.
pub(crate) fn examine(home: &Home, ports: Option<&Ports>) -> Vec<Found> {
    let mut found = vec![data_directory(home), room(home.dir())];
    match ports {
        Some(ports) => found.extend(free_ports(ports)),
        None => found.push(Found::good("ports", "the node runs and has its ports")),
    }
    found.push(clock(home));
    found.push(backups(home));
    found.push(sandbox());
    found.extend(helpers());
    found
}

fn data_directory(home: &Home) -> Found {
    const WHAT: &str = "data directory";
    let dir = home.dir();
    if !home.is_set_up() {
        let said = format!(
            "{} holds no school yet; set it up with: staffroom init --name NAME --data {}",
            dir.display(),
            dir.display()
        );
        return Found::to_do(WHAT, said);
    }
    let write = || {
        let mut file = tempfile::Builder::new().prefix("doctor").tempfile_in(dir)?;
        file.write_all(b"written")?;
        file.as_file().sync_all()
    };
    match write() {
        Ok(()) => Found::good(WHAT, format!("{} can be written to", dir.display())),
        Err(error) => Found::to_do(
            WHAT,
            format!(
                "{} cannot be written to ({error}); give the user that runs Staffroom the right to, \
                 or free space",
                dir.display()
            ),
        ),
    }
}

fn room(dir: &Path) -> Found {
    const WHAT: &str = "disk";
    match fs4::available_space(dir) {
        Ok(free) if free >= LEAST_FREE.as_u64() => {
            Found::good(WHAT, format!("{} free", ByteSize(free)))
        }
        Ok(free) => Found::to_do(
            WHAT,
            format!(
                "only {} free, and a node needs {LEAST_FREE}; free space, or give other schools' files \
                 less room with: staffroom storage --total",
                ByteSize(free)
            ),
        ),
        Err(error) => Found::to_do(WHAT, format!("the system does not say what is free: {error}")),
    }
}

fn free_ports(ports: &Ports) -> Vec<Found> {
    let taken = |protocol: &str, address: SocketAddr, error: io::Error, option: &str| {
        format!(
            "{protocol} port {} at {} cannot be opened ({error}); stop the program that uses it, or \
             choose another with: staffroom serve {option}",
            address.port(),
            address.ip()
        )
    };
    let mut found = Vec::new();
    let page = TcpListener::bind(ports.http).map(drop);
    found.push(match page {
        Ok(()) => Found::good("page", format!("{} is free for the search page", ports.http)),
        Err(error) => Found::to_do("page", taken("TCP", ports.http, error, "--http")),
    });
    for address in &ports.listen {
        let (protocol, at, tried) = match socket(address) {
            Some((at, true)) => ("UDP", at, UdpSocket::bind(at).map(drop)),
            Some((at, false)) => ("TCP", at, TcpListener::bind(at).map(drop)),
            None => {
                let said = format!("{address} is no address that this looks at");
                found.push(Found::new("ports", Health::CouldBeBetter, said));
                continue;
            }
        };
        found.push(match tried {
            Ok(()) => Found::good(
                "ports",
                format!(
                    "{protocol} port {} is free; whether a firewall lets others in cannot be seen \
                     from here, and a node needs no inbound rule where another member has one",
                    at.port()
                ),
            ),
            Err(error) => Found::to_do("ports", taken(protocol, at, error, "--listen")),
        });
    }
    found
}

/// Where an address listens, and whether by UDP.
fn socket(address: &Multiaddr) -> Option<(SocketAddr, bool)> {
    let mut parts = address.iter();
    let (host, transport) = (parts.next()?, parts.next()?);
    let ip: Option<IpAddr> = if let Protocol::Ip4(ip) = host {
        Some(ip.into())
    } else if let Protocol::Ip6(ip) = host {
        Some(ip.into())
    } else {
        None
    };
    if let Protocol::Udp(port) = transport {
        Some((SocketAddr::new(ip?, port), true))
    } else if let Protocol::Tcp(port) = transport {
        Some((SocketAddr::new(ip?, port), false))
    } else {
        None
    }
}

fn clock(home: &Home) -> Found {
    let now = SystemTime::now();
    let newest = ["journal", "keys"].into_iter().filter_map(|part| {
        std::fs::metadata(home.dir().join(part)).and_then(|about| about.modified()).ok()
    });
    told_of_clock(now, newest.max())
}

/// `newest` is when this node last wrote something.
fn told_of_clock(now: SystemTime, newest: Option<SystemTime>) -> Found {
    const WHAT: &str = "clock";
    let said = |time: SystemTime| {
        jiff::Timestamp::try_from(time).map_or_else(
            |_| "no date".to_owned(),
            |time| time.strftime("%A %-d %B %Y, %H:%M UTC").to_string(),
        )
    };
    let advice = "turn on the system's time synchronisation";
    if now < SystemTime::UNIX_EPOCH + LONG_PAST {
        return Found::to_do(
            WHAT,
            format!("it says {}, which has long passed; {advice}", said(now)),
        );
    }
    if let Some(newest) = newest.filter(|newest| *newest > now + FUTURE) {
        let said = format!(
            "it says {}, and this node wrote something on {}: it was set back, or was ahead; {advice}",
            said(now),
            said(newest)
        );
        return Found::to_do(WHAT, said);
    }
    Found::good(
        WHAT,
        format!("it says {}; what other schools' say of it: staffroom status", said(now)),
    )
}

/// How old the newest backup may be: one night's may have failed, and was said so.
const OLDEST_BACKUP: Duration = Duration::from_secs(60 * 60 * 60);

fn backups(home: &Home) -> Found {
    const WHAT: &str = "backups";
    let Some(settings) = Backups::open(home).settings() else {
        let said = "none are made; set where they go with: staffroom backup set --to FOLDER";
        return Found::new(WHAT, Health::CouldBeBetter, said);
    };
    let newest = home
        .identity()
        .map_err(Into::into)
        .and_then(|identity| backup::newest(&settings, &identity.school(), home));
    let to = settings.to.display();
    match newest {
        Ok(Some(newest)) => {
            let said =
                format!("the newest in {to} is of {}", newest.strftime("%-d %B %Y, %H:%M UTC"));
            let age = jiff::Timestamp::now().duration_since(newest).unsigned_abs();
            if age <= OLDEST_BACKUP {
                return Found::good(WHAT, said);
            }
            Found::to_do(WHAT, format!("{said}; make one with: staffroom backup now"))
        }
        Ok(None) => Found::to_do(
            WHAT,
            format!("there is none in {to} yet; make one with: staffroom backup now"),
        ),
        Err(error) => Found::to_do(WHAT, error.to_string()),
    }
}

fn sandbox() -> Found {
    const WHAT: &str = "reading files";
    match Extractor::this_program().guards() {
        Ok((held, missing)) if missing.is_empty() => Found::good(
            WHAT,
            format!(
                "each file is read by a process that is kept from all else ({})",
                held.join(", ")
            ),
        ),
        Ok((_, missing)) => Found::to_do(
            WHAT,
            format!(
                "this system lacks {}, which keep a file that was made to do harm from doing it; use \
                 Linux 5.13 or newer, and allow them in the container if Staffroom runs in one",
                missing.join(" and ")
            ),
        ),
        Err(error) => Found::to_do(
            WHAT,
            format!("the process that reads files does not run ({error}); install Staffroom anew"),
        ),
    }
}

fn helpers() -> [Found; 2] {
    let Helpers { pages, office } = Helpers::find();
    let missing = |what, said: &str| Found::new(what, Health::CouldBeBetter, said);
    let found =
        |what: &'static str, program: PathBuf, argument: &str| match version(&program, argument) {
            Some(version) => Found::good(what, format!("{version} at {}", program.display())),
            None => missing(what, &format!("{} does not say its version", program.display())),
        };
    [
        pages.map_or_else(
            || missing("pages of PDF", "poppler is not installed, so that PDFs have no preview; it is optional: apt install poppler-utils"),
            |program| found("pages of PDF", program, "-v"),
        ),
        office.map_or_else(
            || missing("documents", "LibreOffice is not installed, so that documents and slides have no preview; it is optional"),
            |program| found("documents", program, "--version"),
        ),
    ]
}

/// The first line that a program says of itself.
fn version(program: &Path, argument: &str) -> Option<String> {
    let home = tempfile::tempdir().ok()?;
    let mut child = Command::new(program)
        .arg(argument)
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    ended_within(&mut child, SAYS_VERSION_WITHIN, |_| ()).ok()??;
    let said = child.wait_with_output().ok()?;
    let lines = [said.stdout, said.stderr].concat();
    let lines = String::from_utf8_lossy(&lines).into_owned();
    lines.lines().map(str::trim).find(|line| line.contains(char::is_numeric)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_or_was_set_back_is_told_of() {
        let day = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400);
        assert_eq!(told_of_clock(day(20_000), None).health, Health::ToDo);
        let now = day(20_800);
        assert_eq!(told_of_clock(now, Some(now + Duration::from_secs(5))).health, Health::Good);
        let back = told_of_clock(now, Some(day(20_801)));
        assert_eq!(back.health, Health::ToDo);
        assert!(back.said.contains("it was set back"), "{}", back.said);
    }

    #[test]
    fn addresses_of_a_node_are_looked_at_by_their_protocol() {
        let at = |text: &str| socket(&text.parse().unwrap());
        let any = |port| SocketAddr::from(([0, 0, 0, 0], port));
        assert_eq!(at("/ip4/0.0.0.0/udp/4801/quic-v1"), Some((any(4801), true)));
        assert_eq!(at("/ip4/0.0.0.0/tcp/4801"), Some((any(4801), false)));
        assert_eq!(at("/dns4/ash.example/tcp/4801"), None);
    }
}
