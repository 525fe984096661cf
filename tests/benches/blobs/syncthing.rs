//! Syncthing: two of them that know only each other, of which one has scanned its folder before the
//! other begins to fetch.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Set, Taken, process, timed};

const KEY: &str = "benchmark";

/// How long it may take to start, to scan or to connect.
const PATIENCE: Duration = Duration::from_secs(300);

struct Node {
    home: PathBuf,
    folder: PathBuf,
    device: String,
    port: u16,
    gui: u16,
    child: Option<Child>,
}

pub(crate) fn send(set: &Set, from: &Path) -> Option<Taken> {
    Command::new("syncthing").arg("--version").stdout(Stdio::null()).status().ok()?;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let to = dir.path().join("to");
    fs::create_dir(&to).expect("a temporary folder takes files");
    let mut sender = Node::new(dir.path().join("sender"), from.to_owned());
    let mut receiver = Node::new(dir.path().join("receiver"), to.clone());
    sender.start(&receiver, "sendonly", false);
    sender.waits_until("/rest/db/status?folder=files", |status| {
        status["state"] == "idle" && status["localFiles"] == set.count
    });
    receiver.start(&sender, "receiveonly", true);
    sender.waits_until("/rest/system/connections", |status| {
        status["connections"][&receiver.device]["connected"] == true
    });
    let pids = [sender.pid(), receiver.pid()];
    let before: f64 = pids.iter().map(|pid| process::core_seconds(*pid)).sum();
    pids.iter().for_each(|pid| process::forget_peak(*pid));
    let (seconds, first_byte) = timed(&to, || {
        receiver.set("/rest/config/folders/files", r#"{"paused":false}"#);
        receiver.waits_until("/rest/db/status?folder=files", |status| {
            status["state"] == "idle"
                && status["localFiles"] == set.count
                && status["needBytes"] == 0
        });
    });
    let after: f64 = pids.iter().map(|pid| process::core_seconds(*pid)).sum();
    let peak = pids.map(process::peak);
    Some(Taken { seconds, first_byte, core_seconds: after - before, peak: Some(peak) })
}

impl Node {
    fn new(home: PathBuf, folder: PathBuf) -> Self {
        let free = || {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
            port.expect("a port").port()
        };
        let made = Command::new("syncthing")
            .args(["generate", "--no-default-folder", "--home"])
            .arg(&home)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("it runs").success());
        let device = Command::new("syncthing").arg("--device-id").arg("--home").arg(&home).output();
        let device = String::from_utf8(device.expect("it runs").stdout).expect("it is text");
        let device = device.trim().to_owned();
        Self { home, folder, device, port: free(), gui: free(), child: None }
    }

    /// Starts it, so that it speaks to the other one alone.
    fn start(&mut self, other: &Self, kind: &str, paused: bool) {
        let (own, folder) = (&self.device, self.folder.display());
        let config = format!(
            "<configuration version=\"35\">\
             <folder id=\"files\" path=\"{folder}\" type=\"{kind}\" rescanIntervalS=\"0\" \
             fsWatcherEnabled=\"false\"><device id=\"{own}\"/><device id=\"{}\"/>\
             <markerName>.</markerName><paused>{paused}</paused></folder>\
             <device id=\"{own}\"><address>dynamic</address></device>\
             <device id=\"{}\"><address>tcp://127.0.0.1:{}</address></device>\
             <gui enabled=\"true\"><address>127.0.0.1:{}</address><apikey>{KEY}</apikey></gui>\
             <options><listenAddress>tcp://127.0.0.1:{}</listenAddress>\
             <globalAnnounceEnabled>false</globalAnnounceEnabled>\
             <localAnnounceEnabled>false</localAnnounceEnabled>\
             <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled>\
             <startBrowser>false</startBrowser><urAccepted>-1</urAccepted>\
             <crashReportingEnabled>false</crashReportingEnabled>\
             <autoUpgradeIntervalH>0</autoUpgradeIntervalH>\
             <reconnectionIntervalS>1</reconnectionIntervalS></options></configuration>",
            other.device, other.device, other.port, self.gui, self.port
        );
        fs::write(self.home.join("config.xml"), config).expect("its home takes files");
        let child = Command::new("syncthing")
            .args(["serve", "--no-browser", "--no-restart", "--no-upgrade", "--home"])
            .arg(&self.home)
            .env("STNOUPGRADE", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("it runs"));
    }

    fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    fn ask(&self, path: &str) -> Option<Value> {
        let address = format!("http://127.0.0.1:{}{path}", self.gui);
        let mut answer = ureq::get(&address).header("X-API-Key", KEY).call().ok()?;
        answer.body_mut().read_json().ok()
    }

    fn set(&self, path: &str, body: &str) {
        let address = format!("http://127.0.0.1:{}{path}", self.gui);
        let request = ureq::patch(&address).header("X-API-Key", KEY);
        request.content_type("application/json").send(body).expect("it answers");
    }

    fn waits_until(&self, path: &str, holds: impl Fn(&Value) -> bool) {
        let started = Instant::now();
        while !self.ask(path).is_some_and(|answer| holds(&answer)) {
            assert!(started.elapsed() < PATIENCE, "Syncthing: {path}: {:?}", self.ask(path));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop((child.kill(), child.wait()));
        }
    }
}
