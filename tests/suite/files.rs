//! Files on their way between schools: nodes that are killed, members that lie, several that send.

use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use staffroom_node::blobs::Blobs;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::hash::Hash;
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use staffroom_protocol::wire;
use staffroom_tests::mallory::Mallory;
use staffroom_tests::raw::{Answer, Raw};
use staffroom_tests::{School, noise, on_one_line};

use crate::{keeps_nothing_for_others, kept, running, school, share_file};

const MEBIBYTE: usize = 1024 * 1024;

/// Rounds of the test that kills nodes; `ROUNDS` sets another number.
const ROUNDS: usize = 8;

/// Shares a record with a file, and returns its id.
fn share(by: &School, title: &str, content: &[u8]) -> String {
    share_file(by, title, "film.bin", content)
}

fn is_fetched(by: &School, id: &str, content: &[u8]) {
    by.done(&["get", id, "--out", "fetched"]);
    let fetched = std::fs::read(by.folder().join("fetched").join("film.bin")).unwrap();
    assert!(fetched == content, "the file is the original");
    assert!(std::fs::read(kept(by, content)).unwrap() == content);
}

fn sent(by: &School) -> u64 {
    by.json(&["status"])["network"]["traffic"]["sent"].as_u64().unwrap()
}

#[test]
fn a_file_arrives_though_either_node_is_killed_again_and_again() {
    let rounds = std::env::var("ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let (mut ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    keeps_nothing_for_others(&beech);
    // More than passes in all rounds, so that none of them finds it fetched.
    let content = noise(1, (rounds + 4) * 6 * MEBIBYTE);
    let id = share(&ash, "Phonics, filmed", &content);
    beech.finds("phonics", 1);
    let rate = "20 Mbit/s";
    ash.done(&["line", "--within", rate, "--outside", rate]);

    let mut all_sent = 0;
    for round in 0..rounds {
        begin_to_fetch(&beech, &id);
        // At a moment that is another in each round.
        std::thread::sleep(Duration::from_millis(150 + (round as u64 * 137) % 450));
        assert!(!kept(&beech, &content).exists(), "round {round} came too late");
        let killed = if round % 2 == 0 {
            &mut beech
        } else {
            // It counts from its start.
            all_sent += sent(&ash);
            &mut ash
        };
        killed.kill();
        killed.start();
        beech.waits_for("the sender", || beech.json(&["status"])["network"]["connected"] == 1);
    }
    ash.done(&["line", "--off"]);
    is_fetched(&beech, &id, &content);
    all_sent += sent(&ash);
    let again = all_sent.saturating_sub(content.len() as u64);
    println!("{rounds} rounds: {all_sent} bytes were sent of a file of {}", content.len());
    // Headers and what else nodes say are a few hundredths.
    let most = (rounds * MEBIBYTE + content.len() / 20) as u64;
    assert!(again <= most, "{again} bytes were sent again in {rounds} rounds");
}

/// Has a node fetch the files of a record, and does not wait for it.
fn begin_to_fetch(by: &School, id: &str) {
    let (address, bearer) = (format!("{}api/v1/records/{id}/files", by.page()), by.bearer());
    std::thread::spawn(move || {
        // It ends when either node does, or when all of it is there.
        drop(ureq::post(&address).header("Authorization", bearer).send_empty());
    });
}

/// A member of the group that answers what it is asked about files as `lie` says.
fn liar(
    host: &School,
    lie: impl Fn(&Blobs, Hash, u64, u64) -> Option<Vec<u8>> + Send + 'static,
) -> Raw {
    let invite = host.invite("Fenland Trust").parse().unwrap();
    let mallory = Mallory::start();
    mallory.join(&invite);
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    let answer: Answer = Box::new(move |question| {
        let _ = &dir;
        let question: Result<Option<Request>, _> = wire::decode(question, 128 * 1024);
        let Ok(Some(Request::BlobRange { hash, offset, length, .. })) = question else {
            return wire::encode(&Response::Refused(Refusal::NotHeld));
        };
        lie(&blobs, hash, offset, length).unwrap_or_else(|| {
            loop {
                std::thread::sleep(Duration::from_secs(60));
            }
        })
    });
    mallory.becomes_raw(&invite, answer)
}

fn slice(length: u64, slice: Vec<u8>) -> Vec<u8> {
    wire::encode(&Response::BlobRange { length, slice: slice.into() })
}

#[test]
fn whatever_liars_send_the_file_comes_from_those_who_do_not() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    beech.found("Fenland Trust", "trust", &[&ash]);
    keeps_nothing_for_others(&beech);
    let content = noise(2, 6 * MEBIBYTE);
    let id = share(&ash, "Fractions, filmed", &content);
    beech.finds("fractions", 1);
    // The honest one is slow, so that the others are asked as well.
    ash.done(&["line", "--within", "16 Mbit/s", "--outside", "16 Mbit/s"]);

    let (one, other) = (content.clone(), content.clone());
    let liars = [
        // One byte of the range is another.
        liar(&beech, move |blobs, _, offset, length| {
            let hash = blobs.put(&one).unwrap();
            let mut honest = blobs.slice(&hash, offset, length).unwrap().unwrap();
            *honest.bytes.last_mut().unwrap() ^= 1;
            Some(slice(honest.length, honest.bytes))
        }),
        // Another range of the file than was asked for.
        liar(&beech, move |blobs, _, _, length| {
            let hash = blobs.put(&other).unwrap();
            let honest = blobs.slice(&hash, 1_048_576, length).unwrap().unwrap();
            Some(slice(honest.length, honest.bytes))
        }),
        // More than was asked for, without an end.
        liar(&beech, |_, _, _, length| Some(slice(length * 1_000, vec![7; 40 * MEBIBYTE]))),
        // Nothing at all.
        liar(&beech, |_, _, _, _| None),
    ];
    beech.waits_for("all members", || beech.json(&["status"])["network"]["connected"] == 5);

    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| is_fetched(&beech, &id, &content));
        while !fetching.is_finished() {
            // Under its name there is all of it or nothing.
            if let Ok(there) = std::fs::read(kept(&beech, &content)) {
                assert!(there == content, "what is kept is the original");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        fetching.join().unwrap();
    });
    assert!(beech.refused("wrong_content") >= 2, "{}", beech.metrics());
    drop(liars);
}

#[test]
fn a_file_is_shown_as_it_comes() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    keeps_nothing_for_others(&beech);
    let content = noise(4, 4 * MEBIBYTE);
    let id = share(&ash, "Poetry, filmed", &content);
    beech.finds("poetry", 1);
    ash.done(&["line", "--within", "8 Mbit/s", "--outside", "8 Mbit/s"]);
    let (browser, path) = (beech.browser(), format!("/records/{id}/files/{}", Hash::of(&content)));
    let mut shown = browser.open(&path).into_body().into_reader();
    let mut first = vec![0; MEBIBYTE / 4];
    shown.read_exact(&mut first).unwrap();
    assert!(first == content[..first.len()]);
    assert!(!kept(&beech, &content).exists(), "there is more to come");
    // Whoever comes later gets it from the start as well.
    let again = std::thread::spawn(move || {
        let mut all = Vec::new();
        browser.open(&path).into_body().into_reader().read_to_end(&mut all).unwrap();
        all
    });
    let mut rest = Vec::new();
    shown.read_to_end(&mut rest).unwrap();
    assert!(rest == content[first.len()..]);
    assert!(again.join().unwrap() == content);
    beech.waits_for("the whole file", || kept(&beech, &content).exists());
    // Whoever wanted it, it counts among what is held of other schools.
    let used = || beech.json(&["storage"])["used"].as_u64();
    beech.waits_for("the count of it", || used() == Some(content.len() as u64));
    assert!(std::fs::read(kept(&beech, &content)).unwrap() == content);
}

#[test]
fn what_is_withdrawn_while_it_comes_leaves_nothing() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    keeps_nothing_for_others(&beech);
    let content = noise(8, 4 * MEBIBYTE);
    let id = share(&ash, "Drama, filmed", &content);
    beech.finds("drama", 1);
    ash.done(&["line", "--within", "8 Mbit/s", "--outside", "8 Mbit/s"]);
    begin_to_fetch(&beech, &id);
    let came = || {
        let groups = std::fs::read_dir(beech.data().join("blobs").join("unfinished")).unwrap();
        groups.map(|group| std::fs::read_dir(group.unwrap().path()).unwrap().count()).sum::<usize>()
    };
    beech.waits_for("the first of it", || came() == 2);
    ash.done(&["withdraw", &id, "--reason", "published by mistake"]);
    beech.finds("drama", 0);
    ash.done(&["line", "--off"]);
    beech.waits_for("the end of it", || came() == 0);
    let gone = beech.run(&["get", &id, "--out", "never"]).error();
    assert!(gone.contains("the record was withdrawn"), "{gone}");
    assert_eq!((came(), kept(&beech, &content).exists()), (0, false));
}

#[test]
fn whoever_may_not_have_a_file_cannot_tell_whether_it_exists() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    ash.found("Fenland Heads", "cluster", &[]);
    let content = noise(5, MEBIBYTE);
    ash.write("film.bin", &content);
    let text = "---\nkind: resource\ntype: training\ntitle: Heads only\nlicence: CC-BY-4.0\n\
                files: [film.bin]\n---\nFor the heads.\n";
    let file = ash.write("record.md", text);
    let publish = [
        "publish",
        file.to_str().unwrap(),
        "--group",
        "Fenland Heads",
        "--no-pupil-data",
        "film.bin",
    ];
    ash.done(&publish);
    let [of_heads, of_trust]: [Invite; 2] =
        ["Fenland Heads", "Fenland Trust"].map(|group| ash.invite(group).parse().unwrap());

    let secret = Hash::of(&content);
    // Whoever is no member may ask once in two seconds.
    let ask = |who: &Mallory, invite: &Invite, request: Request| {
        let mut answer = who.ask(invite, request.clone());
        while answer == Response::Refused(Refusal::Busy) {
            std::thread::sleep(Duration::from_secs(3));
            answer = who.ask(invite, request.clone());
        }
        answer
    };
    // What a node is told of the secret file is what it is told of one that nobody has.
    let asks = |who: &Mallory, invite: &Invite| -> Response {
        let group = invite.group;
        let range = |hash, offset| {
            ask(who, invite, Request::BlobRange { group, hash, offset, length: 16_384 })
        };
        let nobody = Hash::of(b"nobody has this");
        let told = range(secret, 0);
        for (hash, offset) in [(nobody, 0), (secret, 65_536)] {
            assert_eq!(range(hash, offset), told);
        }
        let blobs = |hash| ask(who, invite, Request::Blobs { group, hashes: vec![hash] });
        assert_eq!(blobs(secret), blobs(nobody));
        told
    };
    let not_shared = Response::Refused(Refusal::NotShared);
    let mallory = Mallory::start();
    assert_eq!(asks(&mallory, &of_heads), not_shared, "a stranger");
    mallory.join(&of_trust);
    assert_eq!(asks(&mallory, &of_heads), not_shared, "a member of another group");
    assert_eq!(asks(&mallory, &of_trust), Response::Refused(Refusal::NotHeld), "through its own");
    mallory.join(&ash.invite("Fenland Heads").parse().unwrap());
    let first =
        Request::BlobRange { group: of_heads.group, hash: secret, offset: 0, length: 16_384 };
    let given = mallory.ask(&of_heads, first);
    assert!(matches!(given, Response::BlobRange { length: 16_384, .. }), "a member");
    ash.done(&["group", "remove", "Fenland Heads", "Mallory Grange"]);
    let told = asks(&mallory, &of_heads);
    assert!(matches!(told, Response::Removed { .. }), "a removed member: {told:?}");
}

/// A small disk, for as long as it lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(folder: PathBuf, mebibytes: usize) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let disk = Self(folder);
        disk.mount(&["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"]);
        disk
    }

    fn grows_to(&self, mebibytes: usize) {
        self.mount(&["-o", &format!("remount,size={mebibytes}m")]);
    }

    fn mount(&self, arguments: &[&str]) {
        let mounted = Command::new("mount").args(arguments).arg(&self.0).status().unwrap();
        assert!(mounted.success(), "{mounted}");
    }

    fn files(&self) -> usize {
        let unfinished = self.0.join("unfinished");
        let groups = std::fs::read_dir(unfinished).unwrap().map(|group| group.unwrap().path());
        groups.map(|group| std::fs::read_dir(group).unwrap().count()).sum()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

#[test]
fn a_disk_that_fills_up_stops_one_file_and_nothing_else() {
    let (ash, mut beech) = (running("Ash Primary"), school("Beech Primary"));
    let disk = SmallDisk::at(beech.data().join("blobs"), 12);
    beech.start();
    ash.found("Fenland Trust", "trust", &[&beech]);
    let content = noise(6, 20 * MEBIBYTE);
    let id = share(&ash, "Poetry, filmed", &content);
    beech.finds("poetry", 1);

    // What has come is kept, or not, as was set.
    for (kept_after, files) in [("remove", 0), ("keep", 2)] {
        beech.done(&["storage", "--unfinished", kept_after]);
        let full = beech.run(&["get", &id, "--out", "fetched"]).error();
        assert!(full.contains("is full; free space on it and try again"), "{full}");
        assert_eq!(disk.files(), files, "{kept_after}");
        assert!(!kept(&beech, &content).exists());
    }
    beech.write("film.bin", noise(7, 20 * MEBIBYTE));
    let text = "---\nkind: resource\ntype: training\ntitle: Prose, filmed\nlicence: CC-BY-4.0\n\
                files: [film.bin]\n---\nA lesson.\n";
    let record = beech.write("record.md", text);
    let publish = ["publish", record.to_str().unwrap(), "--no-pupil-data", "film.bin"];
    let full = beech.run(&publish);
    let said = on_one_line(&full.output);
    assert_eq!(full.code, Some(1), "{full:?}");
    assert!(said.contains("is full; free space on it and try again"), "{said}");
    // All else works.
    assert_eq!(beech.search("poetry").len(), 1);
    crate::publish(&beech, crate::intervention("Echo reading", "Fluent readers."));
    ash.finds("echo", 1);

    disk.grows_to(80);
    let before = sent(&ash);
    is_fetched(&beech, &id, &content);
    let again = sent(&ash) - before;
    assert!(again < 14 * MEBIBYTE as u64, "what had come came again: {again} bytes");
    drop(beech);
}

#[test]
fn several_schools_send_one_file_at_once() {
    let [mut ash, mut beech, mut cedar, dogwood] =
        ["Ash Primary", "Beech Primary", "Cedar Academy", "Dogwood School"].map(|name| {
            let mut school = school(name);
            school.set_environment("STAFFROOM_LOG", "warn,staffroom_node=debug");
            school.start();
            school
        });
    ash.found("Fenland Trust", "trust", &[&beech, &cedar, &dogwood]);
    keeps_nothing_for_others(&dogwood);
    let content = noise(3, 24 * MEBIBYTE);
    let id = share(&ash, "Grammar, filmed", &content);
    for school in [&beech, &cedar] {
        school.finds("grammar", 1);
        is_fetched(school, &id, &content);
    }
    dogwood.finds("grammar", 1);
    for school in [&ash, &beech, &cedar] {
        school.done(&["line", "--within", "16 Mbit/s", "--outside", "16 Mbit/s"]);
    }
    dogwood.waits_for("all", || dogwood.json(&["status"])["network"]["connected"] == 3);
    let before = [&ash, &beech, &cedar].map(sent);
    is_fetched(&dogwood, &id, &content);
    for (school, before) in [&ash, &beech, &cedar].into_iter().zip(before) {
        let part = sent(school) - before;
        assert!(part > 3 * MEBIBYTE as u64, "{} sent {part} bytes of it", school.name());
    }
    // Where each range has a stream of its own it only takes longer.
    let answers = |school: &School| school.log().contains("answers on a stream of ranges");
    assert!(answers(&ash), "the exchange was asked");
    for school in [&mut ash, &mut beech, &mut cedar] {
        school.stop();
    }
}
