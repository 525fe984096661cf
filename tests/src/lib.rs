//! Real Staffroom processes for scenarios and benchmarks: schools, each with its own data directory
//! and node, on loopback.
//!
//! Everything here panics when something is not as expected: it is only for tests.

#![expect(clippy::expect_used, reason = "a test ends where it cannot go on")]

pub mod browser;
pub mod documents;
pub mod mallory;
pub mod raw;
pub mod sites;

use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sites::Place;
use tempfile::TempDir;

/// How long a school waits for what it expects before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long one command may take, the import of a large file among them.
const COMMAND_PATIENCE: Duration = Duration::from_secs(300);

/// A school with a data directory, and its node while it runs.
#[derive(Debug)]
pub struct School {
    program: PathBuf,
    name: String,
    dir: TempDir,
    node: Option<Running>,
    environment: Vec<(String, String)>,
    /// An address of its own on this machine, which it keeps as a server keeps its name.
    host: Ipv4Addr,
    /// The network namespace in which everything of it runs; none for this machine's own.
    namespace: Option<String>,
}

/// An address of the loopback network that no other school of this test program has, nor one of
/// another that runs beside it.
fn own_host() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = u32::from_be_bytes([127, 1, 0, 0]);
    const SCHOOLS: u32 = 256;
    const PROGRAMS: u32 = 65_000;
    let number = NEXT.fetch_add(1, Ordering::Relaxed) % SCHOOLS;
    Ipv4Addr::from(FIRST + std::process::id() % PROGRAMS * SCHOOLS + number)
}

#[derive(Debug)]
struct Running {
    child: Child,
    page: String,
    /// What the process wrote to standard error.
    log: Arc<Mutex<String>>,
}

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error.
    pub errors: String,
}

impl Outcome {
    /// The words of an error that ended the command with 1, without line breaks.
    pub fn error(&self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        on_one_line(&self.errors)
    }
}

/// What the program said, without the line breaks that fit it to a terminal.
pub fn on_one_line(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl School {
    /// Sets up a school. `program` is the built binary.
    pub fn set_up(program: &str, name: &str) -> Self {
        Self::set_up_at(program, name, None)
    }

    /// Sets up a school at a place of its own.
    pub fn set_up_at(program: &str, name: &str, place: Option<Place>) -> Self {
        let mut school = Self::without_data(program, name);
        if let Some(Place { namespace, host }) = place {
            (school.namespace, school.host) = (Some(namespace), host);
        }
        school.done(&["init", "--name", name]);
        school
    }

    /// A school of which this machine has nothing yet.
    pub fn without_data(program: &str, name: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self {
            program: program.into(),
            name: name.into(),
            dir,
            node: None,
            environment: Vec::new(),
            host: own_host(),
            namespace: None,
        }
    }

    /// Sets an environment variable for everything this school runs from now on.
    pub fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.into(), value.into()));
    }

    /// Lets everything this school runs from now on see a clock that is off by so much, such as
    /// `+8d`; none for this machine's own clock.
    pub fn set_clock(&mut self, off_by: Option<&str>) {
        const CLOCK: [&str; 3] = ["LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"];
        self.environment.retain(|(name, _)| !CLOCK.contains(&name.as_str()));
        let Some(off_by) = off_by else { return };
        let library = ["x86_64", "aarch64"]
            .map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1"))
            .into_iter()
            .find(|path| Path::new(path).exists())
            .expect("libfaketime, of the package faketime");
        for (name, value) in CLOCK.into_iter().zip([library.as_str(), off_by, "1"]) {
            self.set_environment(name, value);
        }
    }

    /// The school's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A folder for its own files.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file into its folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("a file in a temporary folder");
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(arguments).arg("--data").arg(self.data()).current_dir(self.dir.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command and waits for it; fails if it takes longer than anything should.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let output = kept(child.stdout.take().expect("it is piped"));
        let errors = kept(child.stderr.take().expect("it is piped"));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("it is this process's child") {
                break status;
            }
            if started.elapsed() > COMMAND_PATIENCE {
                drop(child.kill());
                panic!("{} {arguments:?} did not end", self.name);
            }
            thread::sleep(Duration::from_millis(2));
        };
        let text =
            |thread: thread::JoinHandle<String>| thread.join().expect("reading does not fail");
        Outcome { code: status.code(), output: text(output), errors: text(errors) }
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{} {arguments:?}: {ran:?}", self.name);
        ran.output
    }

    /// Runs a command that must succeed, and reads the JSON that it printed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.done(&[arguments, &["--json"]].concat());
        serde_json::from_str(&printed).expect("the program prints JSON")
    }

    /// Starts the node and waits until it is ready.
    pub fn start(&mut self) {
        let host = self.host;
        self.start_with(&[
            "--http",
            "127.0.0.1:0",
            "--listen",
            &format!("/ip4/{host}/udp/4801/quic-v1"),
            &format!("/ip4/{host}/tcp/4801"),
        ]);
    }

    /// Starts the node with these arguments of `serve` and waits until it is ready.
    pub fn start_with(&mut self, arguments: &[&str]) {
        let arguments = [&["serve", "--json", "--until-input-ends"], arguments].concat();
        let mut child = self
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stderr.take().expect("it is piped"), Arc::clone(&log));
        let mut ready = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut ready).expect("the node says that it is ready");
        let ready: Value = serde_json::from_str(&ready).unwrap_or_else(|_| {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            panic!("{} did not start: {ready} {log}", self.name)
        });
        let page = ready["page"].as_str().unwrap_or_default().to_owned();
        self.node = Some(Running { child, page, log });
    }

    /// Stops the node as its end of input does, and checks that it ended well.
    pub fn stop(&mut self) {
        let mut node = self.node.take().expect("the node runs");
        drop(node.child.stdin.take());
        let status = node.child.wait().expect("the node is this process's child");
        let log = node.log.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(status.success(), "{}: {status} {log}", self.name);
    }

    /// Kills the node, as a power cut would.
    pub fn kill(&mut self) {
        let mut node = self.node.take().expect("the node runs");
        node.child.kill().expect("the node is this process's child");
        node.child.wait().expect("the node is this process's child");
    }

    /// Whether the node still runs.
    pub fn is_running(&mut self) -> bool {
        let node = self.node.as_mut().expect("the node was started");
        node.child.try_wait().expect("the node is this process's child").is_none()
    }

    /// The process id of the node.
    pub fn pid(&self) -> u32 {
        self.node.as_ref().expect("the node runs").child.id()
    }

    /// The address of the search page.
    pub fn page(&self) -> &str {
        &self.node.as_ref().expect("the node runs").page
    }

    /// What the node wrote to its log.
    pub fn log(&self) -> String {
        let node = self.node.as_ref().expect("the node runs");
        node.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the API of the running node, as the command line does.
    pub fn api(&self, agent: &ureq::Agent, path: &str) -> Value {
        let address = format!("{}api/v1{path}", self.page());
        let request = agent.get(&address).header("Authorization", self.bearer());
        let mut answer = request.call().expect("the node answers");
        answer.body_mut().read_json().expect("the answer is JSON")
    }

    /// Shares a record through the API of the running node.
    pub fn share(&self, agent: &ureq::Agent, record: &Value) {
        let address = format!("{}api/v1/records", self.page());
        let request = agent.post(&address).header("Authorization", self.bearer());
        let body = serde_json::json!({ "records": [record] });
        let mut answer = request.send_json(body).expect("the node answers");
        let answer: Value = answer.body_mut().read_json().expect("the answer is JSON");
        assert_eq!(answer[0]["outcome"], "published", "{answer}");
    }

    /// What the running node counts.
    pub fn metrics(&self) -> String {
        let agent = ureq::Agent::new_with_defaults();
        let request = agent.get(&format!("{}metrics", self.page()));
        let request = request.header("Authorization", self.bearer());
        let mut answer = request.call().expect("the node answers");
        answer.body_mut().read_to_string().expect("the metrics are text")
    }

    /// How often the running node refused what others sent or asked, for one reason.
    pub fn refused(&self, reason: &str) -> u64 {
        let metrics = self.metrics();
        let name = format!("staffroom_refused_total{{reason=\"{reason}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name));
        count.map_or(0, |count| count.parse().expect("a count"))
    }

    /// Bytes of memory that the running node holds.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the node runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
        let kibibytes = line.split_whitespace().nth(1).and_then(|count| count.parse::<u64>().ok());
        kibibytes.expect("Linux says how much memory a process has") * 1024
    }

    /// Seconds of a core that its node has used since it was started.
    pub fn core_seconds(&self) -> f64 {
        /// What Linux counts in, on every machine that it runs on today.
        const TICKS_A_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        let stat = stat.expect("the node runs");
        // Behind the name, which may have spaces in it.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2);
        ticks.map(|count| count.parse::<f64>().expect("a number")).sum::<f64>() / TICKS_A_SECOND
    }

    /// Bytes on the disk in a part of its data directory, or in all of it.
    pub fn disk_bytes(&self, part: &str) -> u64 {
        bytes_under(&self.data().join(part))
    }

    /// Founds a group and lets the others in, all of whose nodes run.
    pub fn found(&self, group: &str, kind: &str, others: &[&School]) {
        self.done(&["group", "create", group, "--kind", kind]);
        for other in others {
            let invite = self.invite(group);
            other.done(&["group", "join", &invite]);
        }
    }

    /// An invite to a group.
    pub fn invite(&self, group: &str) -> String {
        self.done(&["group", "invite", group]).trim().to_owned()
    }

    /// The ids and titles that a search finds, best first.
    pub fn search(&self, query: &str) -> Vec<(String, String)> {
        let found = self.json(&["search", query, "--limit", "100"]);
        let text = |hit: &Value, field: &str| hit[field].as_str().unwrap_or_default().to_owned();
        let hits = found["hits"].as_array().expect("a search has hits");
        hits.iter().map(|hit| (text(hit, "id"), text(hit, "title"))).collect()
    }

    /// Waits until a search finds exactly this many records.
    pub fn finds(&self, query: &str, count: usize) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.waits_for(&format!("{count} results for {query:?}"), || {
            found = self.search(query);
            found.len() == count
        });
        found
    }

    /// Waits until `holds` does, or fails with what was waited for.
    pub fn waits_for(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let started = Instant::now();
        while !holds() {
            assert!(started.elapsed() < PATIENCE, "{} waited in vain for {what}", self.name);
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for School {
    fn drop(&mut self) {
        if let Some(mut node) = self.node.take() {
            // It may have ended already, which is as good.
            drop(node.child.kill());
            drop(node.child.wait());
            if thread::panicking() {
                let log = node.log.lock().unwrap_or_else(PoisonError::into_inner);
                eprintln!("--- the log of {}:\n{log}", self.name);
            }
        }
    }
}

/// Bytes that nothing can compress, and no two pieces of which are alike; the same for the same seed. They
/// are no text, and begin as no sort of file does.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = b"filmed\0\0".to_vec();
    bytes.reserve(size);
    while bytes.len() < size {
        // The splitmix64 generator.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn bytes_under(path: &Path) -> u64 {
    let Ok(about) = std::fs::symlink_metadata(path) else { return 0 };
    if !about.is_dir() {
        return about.len();
    }
    let Ok(items) = std::fs::read_dir(path) else { return 0 };
    items.flatten().map(|item| bytes_under(&item.path())).sum()
}

fn kept(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until then is shown with what failed.
        drop(from.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn keep(mut from: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    });
}
