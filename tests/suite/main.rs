//! Scenarios over real processes, in one program since each one links everything.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod accounts_elsewhere;
mod adaptations;
mod adding_resources;
mod api;
mod approval;
mod audit;
mod backups;
mod bad_input;
mod bundles;
mod changing_reports;
mod doctor;
mod door;
mod downloads;
mod files;
mod first_light;
mod floor_versions;
mod framework_pages;
mod healing;
mod home;
mod hostile;
mod hostile_text;
mod import;
mod inside_files;
mod invites;
mod keeping;
mod large_group;
mod life;
mod line;
mod map;
mod markup;
mod missing;
mod network_pages;
mod pages;
mod partition;
mod previews;
mod recovery;
mod removal;
mod resource_pages;
mod saved_searches;
mod several_drafts;
mod signing_in;
mod statistics;
mod succession;
mod this_year;
mod versions;
mod weekly;
mod what_worked;
mod wire;
mod withdrawal;

use std::path::PathBuf;

use staffroom_protocol::hash::Hash;
use staffroom_tests::School;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_staffroom-under-test");

/// A school that is set up and whose node does not run yet.
fn school(name: &str) -> School {
    School::set_up(PROGRAM, name)
}

/// A school whose node runs.
fn running(name: &str) -> School {
    let mut school = school(name);
    school.start();
    school
}

/// Starts all nodes again eight days from now.
fn eight_days_later(schools: &mut [&mut School]) {
    for school in schools.iter_mut() {
        school.stop();
        school.set_clock(Some("+8d"));
    }
    for school in schools {
        school.start();
    }
}

/// Lets a school fetch only what somebody opens.
fn keeps_nothing_for_others(school: &School) {
    school.done(&["storage", "--capacity", "none"]);
}

/// Shares a record with a file in which there is no text, and returns its id.
fn share_file(by: &School, title: &str, name: &str, content: &[u8]) -> String {
    by.write(name, content);
    let text = format!(
        "---\nkind: resource\ntype: training\ntitle: {title}\nlicence: CC-BY-4.0\n\
         files: [{name}]\n---\nA lesson, filmed.\n"
    );
    let file = by.write("record.md", text);
    let published = by.json(&["publish", file.to_str().unwrap(), "--no-pupil-data", name]);
    published[0]["id"].as_str().unwrap_or_else(|| panic!("{published}")).to_owned()
}

/// Where a school keeps a file, when it has all of it.
fn kept(by: &School, content: &[u8]) -> PathBuf {
    let name = Hash::of(content).to_string();
    by.data().join("blobs").join(&name[..2]).join(name)
}

/// Publishes a record and returns its id.
fn publish(school: &School, text: String) -> String {
    let file = school.write("record.md", text);
    let outcome = school.json(&["publish", file.to_str().unwrap()]);
    let text = outcome.to_string();
    let id = outcome[0]["id"].as_str();
    id.unwrap_or_else(|| panic!("no id in {text}")).to_owned()
}

/// A record as a teacher writes it.
fn intervention(title: &str, aim: &str) -> String {
    format!(
        "---\nkind: intervention\ntitle: {title}\nsubjects: [English]\nkey_stages: [KS2]\n---\n\
         ## Aim\n{aim}\n\n## What is different\nFour short groups a week in place of one long lesson.\n\n\
         ## Monitoring\nThe reading lead looks at the running records every half term.\n"
    )
}
