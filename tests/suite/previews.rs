//! Pictures of files on the pages, and what becomes of files that were made to break whatever draws them.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat};
use staffroom_protocol::hash::Hash;
use staffroom_tests::{PATIENCE, School};

use crate::inside_files::documents::{drawn, pdf};
use crate::{keeps_nothing_for_others, kept, running, school};

/// Shares files, and returns the record's id.
fn share(by: &School, files: &[(&str, &[u8])]) -> String {
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    for (name, bytes) in files {
        by.write(name, bytes);
    }
    let record = by.write(
        "record.md",
        format!(
            "---\nkind: resource\ntitle: Fen week\nfiles: {names:?}\n---\nA week of lessons.\n"
        ),
    );
    let mut arguments = vec!["publish", record.to_str().unwrap()];
    arguments.extend(names.iter().flat_map(|name| ["--no-pupil-data", name]));
    by.json(&arguments)[0]["id"].as_str().unwrap().to_owned()
}

/// The status, the media type and the content of a preview.
fn preview(by: &School, id: &str, content: &[u8], query: &str) -> (u16, String, Vec<u8>) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let address = format!("{}records/{id}/files/{}/preview{query}", by.page(), Hash::of(content));
    let request = ureq::Agent::new_with_config(config).get(&address);
    let mut answer = request.header("Authorization", by.bearer()).call().unwrap();
    let sort = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), sort, answer.body_mut().read_to_vec().unwrap())
}

fn sides(picture: &[u8]) -> (u32, u32) {
    let picture = image::load_from_memory_with_format(picture, ImageFormat::Png).unwrap();
    (picture.width(), picture.height())
}

fn photograph() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(1_800, 900).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn previews(by: &School) -> usize {
    fs::read_dir(by.data().join("previews")).map_or(0, Iterator::count)
}

#[test]
fn pictures_stay_for_the_sake_of_a_draft_and_go_with_it() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let photograph = photograph();
    let id = share(&ash, &[("fen.jpg", &photograph)]);
    assert_eq!(preview(&ash, &id, &photograph, "").0, 200);
    let browser = ash.browser();
    let begun = browser.send("/write", &[("kind", "change"), ("of", &id)]);
    let draft = begun.headers()["location"].to_str().unwrap();
    ash.done(&["withdraw", &id, "--reason", "Somebody is in the picture"]);
    assert_eq!((previews(&ash), kept(&ash, &photograph).exists()), (1, true));
    browser.send(&format!("{draft}/discard"), &[]);
    assert_eq!((previews(&ash), kept(&ash, &photograph).exists()), (0, false));
}

/// Whether a program is installed; says what is skipped where it is not.
fn is_installed(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        eprintln!("skipped, {package} is not installed");
    }
    found
}

#[test]
fn a_picture_is_shown_small_and_a_text_as_it_begins_where_they_are_held() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    keeps_nothing_for_others(&beech);
    let (photograph, words, noise) =
        (photograph(), b"lode: a channel cut for water".as_slice(), b"\xff\xd8\xff\0 no picture");
    let id = share(
        &ash,
        &[("fen.jpg", &photograph), ("words.txt", words), ("broken.jpg", noise.as_slice())],
    );

    let (status, sort, picture) = preview(&ash, &id, &photograph, "");
    assert_eq!((status, sort.as_str(), sides(&picture)), (200, "image/png", (900, 450)));
    assert_eq!(preview(&ash, &id, &photograph, "").2, picture, "it is kept");
    assert_eq!(preview(&ash, &id, &photograph, "?page=2").0, 404);
    assert_eq!(preview(&ash, &id, &photograph, "?page=21").0, 400);
    let (status, sort, text) = preview(&ash, &id, words, "");
    assert_eq!((status, sort.as_str(), &*text), (200, "text/plain; charset=utf-8", words));
    assert_eq!(preview(&ash, &id, noise, "").0, 404);
    assert_eq!(preview(&ash, &id, b"nobody has this", "").0, 404);
    let page = ash.browser().page(&format!("/records/{id}"));
    assert!(page.contains(&format!("files/{}/preview\"", Hash::of(&photograph))), "{page}");

    // Another school sees a picture of what it holds, and of nothing else.
    beech.finds("fen week", 1);
    assert_eq!(preview(&beech, &id, &photograph, "").0, 404);
    beech.done(&["get", &id, "--out", "got"]);
    assert_eq!(preview(&beech, &id, &photograph, "").2, picture);

    // They go with the file.
    assert!(previews(&ash) > 0 && previews(&beech) > 0);
    ash.done(&["withdraw", &id, "--reason", "Somebody is in the picture"]);
    assert_eq!(previews(&ash), 0);
    beech.waits_for("the withdrawal", || previews(&beech) == 0);
}

#[test]
fn the_pages_of_a_pdf_and_of_a_document_are_shown_where_programs_for_it_are_installed() {
    if !is_installed("pdftoppm", "poppler-utils") {
        return;
    }
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let page = |words| drawn(&[(72, 700, words)]);
    let fen = pdf(&[page("A heron waits."), page("It has flown.")], "", &[]);
    let broken = [b"%PDF-1.7\n".as_slice(), &[7; 2_000]].concat();
    let plan = br"{\rtf1\ansi A plan for the fen.}".as_slice();
    let id = share(&ash, &[("fen.pdf", &fen), ("broken.pdf", &broken), ("plan.rtf", plan)]);
    let (status, sort, first) = preview(&ash, &id, &fen, "");
    assert_eq!((status, sort.as_str(), sides(&first).1), (200, "image/png", 900));
    let (status, _, second) = preview(&ash, &id, &fen, "?page=2");
    assert!(status == 200 && second != first);
    assert_eq!(preview(&ash, &id, &fen, "?page=3").0, 404);
    assert_eq!(preview(&ash, &id, &broken, "").0, 404);
    if !is_installed("soffice", "LibreOffice") {
        return;
    }
    let (status, sort, page) = preview(&ash, &id, plan, "");
    let said = String::from_utf8_lossy(&page);
    assert_eq!((status, sort.as_str()), (200, "image/png"), "{said}");
    assert_eq!(sides(&page).1, 900);
    assert_eq!(preview(&ash, &id, plan, "?page=2").0, 404);
}

/// A school whose program for the pages of PDFs is this script.
fn drawing_with(script: &str) -> School {
    let mut ash = school("Ash Primary");
    let folder = ash.folder().join("programs");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("pdftoppm");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    ash.set_environment("PATH", &format!("{}:{path}", folder.display()));
    ash.start();
    ash.found("Fenland Trust", "trust", &[]);
    ash
}

/// How many processes have this among their arguments.
fn count(argument: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let has_it = |path: &PathBuf| {
        let line = fs::read(path).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|one| one == argument.as_bytes())
    };
    processes.map(|one| one.path().join("cmdline")).filter(has_it).count()
}

fn runs(argument: &str) -> bool {
    count(argument) > 0
}

#[test]
fn a_program_that_never_ends_is_stopped_with_all_that_it_started_and_the_node_lives() {
    // As if a document had made it do so.
    let ash = drawing_with("sleep 98761 &\nsleep 98762");
    let fen = pdf(&[drawn(&[(72, 700, "A heron waits.")])], "", &[]);
    let id = share(&ash, &[("fen.pdf", &fen)]);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| preview(&ash, &id, &fen, ""));
        ash.waits_for("the program", || runs("98761") && runs("98762"));
        assert_eq!(ash.json(&["status"])["groups"][0]["name"], "Fenland Trust");
        // What is no picture is shown as the text that is in it.
        let (status, sort, _) = asked.join().unwrap();
        assert_eq!((status, sort.as_str()), (200, "text/plain; charset=utf-8"));
    });
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    ash.waits_for("its end", || !runs("98761") && !runs("98762"));
    let again = Instant::now();
    assert_eq!(preview(&ash, &id, &fen, "").0, 200);
    assert!(again.elapsed() < Duration::from_secs(5), "it is not tried again: {again:?}");
}

#[test]
fn programs_go_on_in_their_places_when_whoever_asked_has_gone() {
    const AT_ONCE: usize = 2;
    // Longer than a page may take.
    const SLEEP: &str = "23.98763";
    let ash = drawing_with(&format!("sleep {SLEEP}"));
    let names = ["1.pdf", "2.pdf", "3.pdf", "4.pdf", "5.pdf"];
    let pdfs = names.map(|name| pdf(&[drawn(&[(72, 700, name)])], "", &[]));
    let photograph = photograph();
    let mut files: Vec<(&str, &[u8])> = vec![("fen.jpg", &photograph)];
    files.extend(names.into_iter().zip(pdfs.iter().map(Vec::as_slice)));
    let id = share(&ash, &files);
    assert_eq!(preview(&ash, &id, &photograph, "").0, 200);
    let hasty = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(1))).build();
    let hasty = ureq::Agent::new_with_config(hasty);
    for bytes in &pdfs {
        let address = format!("{}records/{id}/files/{}/preview", ash.page(), Hash::of(bytes));
        let asked = hasty.get(&address).header("Authorization", ash.bearer()).call();
        assert!(matches!(asked, Err(ureq::Error::Timeout(_))), "{asked:?}");
        assert!(count(SLEEP) <= AT_ONCE);
    }
    ash.waits_for("the programs", || count(SLEEP) == AT_ONCE);

    // What is kept needs no place.
    let again = Instant::now();
    assert_eq!(preview(&ash, &id, &photograph, "").0, 200);
    assert!(again.elapsed() < Duration::from_secs(5), "{:?}", again.elapsed());
}

#[test]
fn a_program_that_draws_reads_nothing_of_the_school_and_writes_nowhere() {
    let ash = drawing_with(
        "printf '\\211PNG'\ncat \"$(dirname \"$0\")/../data/api-token\" || printf ' no token'\n\
         touch \"$(dirname \"$0\")/../written\" || printf ' not written'\n\
         head -c 100 /dev/zero > \"$HOME/file\" || true\n\
         [ -s \"$HOME/file\" ] || printf ' no file'\ncat > /dev/null\nexit 0",
    );
    let fen = pdf(&[drawn(&[(72, 700, "A heron waits.")])], "", &[]);
    let id = share(&ash, &[("fen.pdf", &fen)]);
    let (status, _, said) = preview(&ash, &id, &fen, "");
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(status, 200);
    assert!(said.contains("PNG no token not written"), "{said}");
    assert!(!ash.folder().join("written").exists());
}
