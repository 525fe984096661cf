//! Two schools, of which one has shared records with all the files, and a third kind of run in which
//! three have one file.

use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use staffroom_tests::School;

use crate::{MEBIBYTE, Set, Taken, name_of, process, timed, write_files};

/// Files of one record.
const FILES_A_RECORD: u64 = 40;

/// Records whose files are fetched at once.
const AT_ONCE: usize = 4;

/// The address of a node's API and what opens it.
struct Api {
    agent: ureq::Agent,
    address: String,
    bearer: String,
}

impl Api {
    fn of(school: &School) -> Self {
        let token = std::fs::read_to_string(school.data().join("api-token")).expect("a token");
        Self {
            agent: ureq::Agent::new_with_defaults(),
            address: format!("{}api/v1", school.page()),
            bearer: format!("Bearer {}", token.trim()),
        }
    }

    fn upload(&self, path: &Path) -> Value {
        let name = path.file_name().expect("a name").to_string_lossy();
        let request = self.agent.post(format!("{}/files?name={name}", self.address));
        let file = File::open(path).expect("a file");
        let mut answer =
            request.header("Authorization", &self.bearer).send(file).expect("the node answers");
        answer.body_mut().read_json().expect("it is JSON")
    }

    fn publish(&self, title: &str, files: &[Value]) -> String {
        let record = json!({
            "kind": "resource", "type": "training", "title": title, "licence": "CC-BY-4.0",
            "files": files,
        });
        let names: Vec<&Value> = files.iter().map(|file| &file["name"]).collect();
        let request = json!({ "records": [record], "options": { "no_pupil_data": names } });
        let post = self.agent.post(format!("{}/records", self.address));
        let mut answer = post
            .header("Authorization", &self.bearer)
            .send_json(request)
            .expect("the node answers");
        let answer: Value = answer.body_mut().read_json().expect("it is JSON");
        answer[0]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    fn fetch(&self, id: &str) {
        let post = self.agent.post(format!("{}/records/{id}/files", self.address));
        post.header("Authorization", &self.bearer).send_empty().expect("the files are fetched");
    }
}

fn running(name: &str) -> School {
    let mut school = School::set_up(env!("CARGO_BIN_EXE_staffroom-under-test"), name);
    school.start();
    school
}

/// Shares all files, some in each record, and returns the records' ids.
fn share(by: &School, set: &Set, from: &Path) -> Vec<String> {
    let api = Api::of(by);
    let mut ids = Vec::new();
    for first in (0..set.count).step_by(FILES_A_RECORD as usize) {
        let numbers: Vec<u64> = (first..(first + FILES_A_RECORD).min(set.count)).collect();
        let files: Vec<Value> = std::thread::scope(|scope| {
            let upload = |number: &u64| {
                let path = name_of(from, *number);
                let api = &api;
                scope.spawn(move || api.upload(&path))
            };
            let uploads: Vec<_> = numbers.iter().map(upload).collect();
            uploads.into_iter().map(|one| one.join().expect("it is uploaded")).collect()
        });
        ids.push(api.publish(&format!("Filmed lessons {first}"), &files));
    }
    ids
}

pub(crate) fn send(set: &Set, from: &Path) -> Taken {
    let (mut ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    // Otherwise it would fetch by itself what is shared.
    beech.done(&["storage", "--capacity", "none"]);
    let ids = share(&ash, set, from);
    beech.waits_for("all records", || {
        beech.json(&["search", "filmed", "--limit", "1"])["total"] == ids.len()
    });
    // What publishing leaves to be done is not part of it.
    std::thread::sleep(Duration::from_secs(2));
    crate::settle();

    let pids = [ash.pid(), beech.pid()];
    let before: f64 = pids.iter().map(|pid| process::core_seconds(*pid)).sum();
    pids.iter().for_each(|pid| process::forget_peak(*pid));
    let (api, waiting) = (Api::of(&beech), Mutex::new(ids.iter()));
    let (seconds, first_byte) = timed(&beech.data().join("blobs"), || {
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let next = waiting.lock().expect("no thread fails").next();
                        let Some(id) = next else { return };
                        api.fetch(id);
                    }
                });
            }
        });
    });
    let after: f64 = pids.iter().map(|pid| process::core_seconds(*pid)).sum();
    let peak = Some(pids.map(process::peak));
    ash.stop();
    beech.stop();
    Taken { seconds, first_byte, core_seconds: after - before, peak }
}

/// Megabytes a second of one file from three schools that send 20 MB/s each.
pub(crate) fn from_three_senders() -> f64 {
    let set = Set { name: "", about: "", count: 1, size: 256 * MEBIBYTE };
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_files(&set, folder.path());
    let [ash, beech, cedar, dogwood] =
        ["Ash Primary", "Beech Primary", "Cedar Academy", "Dogwood School"].map(running);
    ash.found("Fenland Trust", "trust", &[&beech, &cedar, &dogwood]);
    dogwood.done(&["storage", "--capacity", "none"]);
    let ids = share(&ash, &set, folder.path());
    for school in [&beech, &cedar, &dogwood] {
        school.finds("filmed", 1);
    }
    for school in [&beech, &cedar] {
        Api::of(school).fetch(&ids[0]);
    }
    for school in [&ash, &beech, &cedar] {
        school.done(&[
            "line",
            "--within",
            "160 Mbit/s",
            "--outside",
            "160 Mbit/s",
            "--only",
            "sending",
        ]);
    }
    dogwood.waits_for("all", || dogwood.json(&["status"])["network"]["connected"] == 3);
    let started = Instant::now();
    Api::of(&dogwood).fetch(&ids[0]);
    set.size as f64 / 1e6 / started.elapsed().as_secs_f64()
}
