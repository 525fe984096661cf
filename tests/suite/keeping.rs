//! Files outlive the servers of the schools that shared them.

use std::collections::BTreeSet;

use staffroom_tests::{School, noise};

use crate::{kept, running, share_file};

const NAMES: [&str; 8] = [
    "Ash Primary",
    "Beech Primary",
    "Cedar Academy",
    "Dogwood School",
    "Elm Primary",
    "Fir Academy",
    "Gorse School",
    "Hazel Primary",
];

/// A trust of eight schools, of which the first one founded it.
fn trust() -> Vec<School> {
    let schools: Vec<School> = NAMES.into_iter().map(running).collect();
    let (ash, others) = schools.split_first().unwrap();
    ash.found("Fenland Trust", "trust", &others.iter().collect::<Vec<_>>());
    schools
}

fn content(number: u8) -> Vec<u8> {
    noise(number.into(), 200_000)
}

fn share(by: &School, number: u8) -> String {
    let (title, name) = (format!("Lesson {number}, filmed"), format!("film-{number}.bin"));
    share_file(by, &title, &name, &content(number))
}

/// The schools beside the author that have a file.
fn keepers(schools: &[School], number: u8) -> BTreeSet<String> {
    let has = schools[1..].iter().filter(|school| kept(school, &content(number)).exists());
    has.map(|school| school.name().to_owned()).collect()
}

fn is_had(by: &School, id: &str, number: u8) {
    by.done(&["get", id, "--out", "had"]);
    let had = std::fs::read(by.folder().join("had").join(format!("film-{number}.bin"))).unwrap();
    assert!(had == content(number));
}

#[test]
fn every_file_is_there_when_its_authors_server_is_destroyed_and_a_keeper_is_removed() {
    let mut schools = trust();
    let ids: Vec<String> = (0..4).map(|number| share(&schools[0], number)).collect();
    for number in 0..4 {
        schools[7].waits_for("three keepers", || keepers(&schools, number).len() == 3);
    }
    let told = schools[0].done(&["resource", &ids[0]]);
    assert!(told.contains("film-0.bin") && told.contains("here"), "{told}");

    // One that keeps a file is removed: what it kept is kept by another one.
    let removed = keepers(&schools, 0).first().unwrap().clone();
    schools[0].done(&["group", "remove", "Fenland Trust", &removed]);
    schools[7].waits_for("another keeper", || {
        let mut left = keepers(&schools, 0);
        left.remove(&removed);
        left.len() >= 3
    });
    for number in 1..4 {
        schools[7].waits_for("three that are left", || {
            let mut left = keepers(&schools, number);
            left.remove(&removed);
            left.len() >= 3
        });
    }

    // The author's server is destroyed.
    let mut ash = schools.remove(0);
    ash.kill();
    std::fs::remove_dir_all(ash.data()).unwrap();
    for school in schools.iter().filter(|school| school.name() != removed) {
        for (number, id) in ids.iter().enumerate() {
            is_had(school, id, u8::try_from(number).unwrap());
        }
    }
    let shown = schools.iter().find(|school| school.name() != removed).unwrap();
    let files = shown.json(&["resource", &ids[0]]);
    assert_eq!((&files[0]["here"], &files[0]["name"]), (&true.into(), &"film-0.bin".into()));
    let page = shown.browser().page(&format!("/records/{}", ids[0]));
    // Nobody is asked within the first hours.
    let said = ["available from", "who else holds it is not known yet"];
    assert!(said.iter().any(|said| page.contains(said)), "{page}");
}

#[test]
fn others_step_in_for_a_school_that_has_no_room() {
    let mut schools = trust();
    // A byte is no room at all.
    let full = 3;
    schools[full].done(&["storage", "--total", "1B"]);
    let refused = || schools[full].json(&["storage"])["refused"].as_u64().unwrap();
    let mut ids = Vec::new();
    // Until there is one that it is to keep by its rank: three in seven are.
    while refused() == 0 {
        let number = u8::try_from(ids.len()).unwrap();
        ids.push(share(&schools[0], number));
        schools[7].waits_for("those who have room", || {
            keepers(&schools, number).len() == 3 - usize::try_from(refused()).unwrap()
        });
    }
    let files = u8::try_from(ids.len()).unwrap();
    let lacking = |schools: &[School]| {
        (0..files).filter(|number| keepers(schools, *number).len() < 3).count()
    };
    let told = schools[full].done(&["storage"]);
    assert!(told.contains("found no room here"), "{told}");

    // Days pass, in which others are asked to prove what they hold.
    for day in 1..=9 {
        for school in &mut schools {
            school.stop();
            school.set_clock(Some(&format!("+{day}d")));
        }
        schools.iter_mut().for_each(School::start);
        std::thread::sleep(std::time::Duration::from_secs(6));
        if lacking(&schools) == 0 {
            break;
        }
    }
    assert_eq!(lacking(&schools), 0, "three others keep each file");
    assert!(!kept(&schools[full], &content(0)).exists() || keepers(&schools, 0).len() > 3);
    let ash = schools[0].json(&["resource", &ids[0]]);
    let proved = ash[0]["others"].as_array().unwrap();
    assert!(proved.iter().any(|copy| copy["proved"].is_u64()), "{ash}");
}

#[test]
fn what_is_pinned_or_opened_is_here_and_who_holds_it_is_said() {
    let schools: Vec<School> = NAMES.into_iter().take(2).map(running).collect();
    schools[0].found("Fenland Trust", "trust", &[&schools[1]]);
    schools[1].done(&["storage", "--capacity", "none"]);
    let id = share(&schools[0], 9);
    schools[1].finds("filmed", 1);
    let before = schools[1].json(&["resource", &id]);
    assert_eq!(before[0]["here"], false, "a school that keeps nothing does not fetch: {before}");
    assert_eq!(before[0]["others"][0]["name"], "Ash Primary");
    let unknown = schools[1].run(&["resource", &id, "--pin", "other.bin"]).error();
    assert!(
        unknown.contains("the record has no file \"other.bin\"; it has: film-9.bin"),
        "{unknown}"
    );
    let pinned = schools[1].done(&["resource", &id, "--pin", "film-9.bin"]);
    assert!(pinned.contains("here, pinned"), "{pinned}");
    assert!(std::fs::read(kept(&schools[1], &content(9))).unwrap() == content(9));
    let unpinned = schools[1].json(&["resource", &id, "--unpin", "film-9.bin"]);
    assert_eq!((&unpinned[0]["here"], &unpinned[0]["pinned"]), (&true.into(), &false.into()));
    let settings = schools[1].json(&["storage", "--total", "20 GiB", "--unfinished", "remove"]);
    assert_eq!(settings["settings"]["total"], 20_u64 << 30);
    assert_eq!(settings["settings"]["keep_unfinished"], false);
    assert_eq!(settings["capacity"], "none");
    let wrong = schools[1].run(&["storage", "--total", "much"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}
