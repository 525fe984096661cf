//! The pages of resources: files added in a browser, looked through, shared, found and downloaded.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use staffroom_protocol::hash::Hash;
use staffroom_tests::browser::Browser;
use staffroom_tests::{PATIENCE, School};
use ureq::Body;
use ureq::http::{Response, StatusCode};

use crate::inside_files::documents::{docx, drawn, pdf, table};
use crate::{keeps_nothing_for_others, kept, running};

const ADD: &str = "/resources/add";

fn text(answer: Response<Body>) -> String {
    answer.into_body().read_to_string().unwrap()
}

fn goes_to(answer: &Response<Body>) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// The paths of the drafts that a page leads to.
fn drafts(page: &str) -> Vec<String> {
    let links = page.split("href=\"/write/").skip(1).map(|link| link.split('"').next().unwrap());
    // Another leads to all of them together.
    links.filter(|link| !link.contains('?')).map(|link| format!("/write/{link}")).collect()
}

/// Shares a draft whose check finds nothing; returns the path of its record.
fn share(browser: &Browser, draft: &str) -> String {
    let shared = browser.shares(draft);
    shared.split('?').next().unwrap().to_owned()
}

fn blobs(school: &School) -> usize {
    let folders = fs::read_dir(school.data().join("blobs")).unwrap().flatten();
    let folders = folders.filter(|folder| folder.file_name().len() == 2);
    folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap()).count()
}

#[test]
fn a_pdf_added_on_the_page_is_found_by_a_phrase_in_it_and_downloaded_at_another_school() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    keeps_nothing_for_others(&beech);
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    assert!(at_ash.page("/resources").contains("shares no resources yet"));
    let fen = pdf(&[drawn(&[(72, 700, "The heron stands among the bulrushes at dusk.")])], "", &[]);

    let form = [("how", "one"), ("licence", "CC-BY-4.0"), ("remove_names", "yes")];
    let draft = goes_to(&at_ash.send_files(ADD, &form, &[("fen_week-worksheet.pdf", &fen)]));
    let page = at_ash.page(&draft);
    assert!(page.contains("value=\"fen week worksheet\""), "{page}");
    assert!(page.contains("value=\"CC-BY-4.0\" selected"), "{page}");
    assert!(page.contains("value=\"worksheet\" selected"), "{page}");
    assert!(page.contains("Looked through for pupil data."), "{page}");
    let record = share(&at_ash, &draft);
    ash.waits_for("it to be listed", || at_ash.page("/resources").contains("fen week worksheet"));
    let list = at_ash.page("/resources");
    assert!(list.contains("1 file,"), "{list}");

    beech.finds("\"heron stands among\"", 1);
    assert!(
        at_beech.page("/search?q=heron+bulrushes&kind=resource").contains("fen week worksheet")
    );
    let page = at_beech.page(&record);
    assert!(page.contains("Bring it here") && page.contains(">Pin<"), "{page}");
    let file = format!("{record}/files/{}", Hash::of(&fen));
    assert_eq!(goes_to(&at_beech.send(&format!("{file}/pin"), &[])), record);
    let page = at_beech.page(&record);
    assert!(page.contains(">Unpin<") && !page.contains("Bring it here"), "{page}");
    assert_eq!(fs::read(kept(&beech, &fen)).unwrap(), fen);
    let mut answer = at_beech.open(&file);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-disposition").starts_with("attachment;"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(answer.body_mut().read_to_vec().unwrap(), fen);
    assert_eq!(goes_to(&at_beech.send(&format!("{file}/unpin"), &[])), record);
    assert!(at_beech.page(&record).contains(">Pin<"));
}

#[test]
fn one_refused_file_of_three_keeps_the_others_and_each_may_be_a_resource() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let browser = ash.browser();
    let files: [(&str, &[u8]); 3] = [
        ("Week 1/plan.txt", b"Halves and quarters."),
        ("Week 1/setup.exe", b"MZ\x90\0\x03"),
        ("Week 1/words.csv", b"Word,Meaning\nlode,a channel\n"),
    ];
    let answer = browser.send_files(ADD, &[("how", "one")], &files);
    assert_eq!(answer.status(), StatusCode::OK);
    let page = text(answer);
    assert!(page.contains("1 file was not added") && page.contains("setup.exe: by its"), "{page}");
    let [draft] = &drafts(&page)[..] else { panic!("{page}") };
    let one = browser.page(draft);
    assert!(one.contains("plan.txt") && one.contains("words.csv") && !one.contains("setup.exe"));

    // Thrown away, it leaves nothing.
    assert!(blobs(&ash) > 0);
    goes_to(&browser.send(&format!("{draft}/discard"), &[]));
    assert_eq!(blobs(&ash), 0);

    let page = text(browser.send_files(ADD, &[("how", "each")], &files));
    let each = drafts(&page);
    assert_eq!(each.len(), 2, "{page}");
    let shared = [share(&browser, &each[0]), share(&browser, &each[1])];
    ash.waits_for("both to be listed", || browser.page("/resources").contains("2 resources"));
    let list = browser.page("/resources");
    assert!(list.contains(">plan<") && list.contains(">words<"), "{list}");

    // A file stays for the sake of a draft when the record that has it goes.
    let plan = goes_to(&browser.send_files(ADD, &[], &files[..1]));
    for record in &shared {
        let id = record.trim_start_matches("/records/");
        ash.done(&["withdraw", id, "--reason", "A mistake in it"]);
    }
    assert!(!kept(&ash, files[2].1).exists() && kept(&ash, files[0].1).exists());
    share(&browser, &plan);

    // More files go into a draft, and out of it again.
    let draft = goes_to(&browser.send_files(ADD, &[("how", "one")], &[("a.txt", b"Thirds.")]));
    let id = draft.rsplit('/').next().unwrap();
    let more = browser.send_files(ADD, &[("draft", id)], &[("b.txt", b"Fifths.")]);
    assert_eq!(goes_to(&more), draft);
    let same = browser.send_files(ADD, &[("draft", id)], &[("B.TXT", b"Sixths.")]);
    assert_eq!(same.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(same).contains("another file of this resource has this name too"));
    let out = Hash::of(b"b.txt").to_string();
    goes_to(&browser.send(&draft, &[("title", "Thirds"), ("take-out", &out)]));
    assert!(browser.page(&draft).contains("b.txt"), "a file that it has not is not taken out");
    let out = Hash::of(b"Fifths.").to_string();
    goes_to(&browser.send(&draft, &[("title", "Thirds"), ("take-out", &out)]));
    let page = browser.page(&draft);
    assert!(!page.contains("b.txt") && page.contains("value=\"Thirds\""), "{page}");
    assert!(!kept(&ash, b"Fifths.").exists());
}

#[test]
fn names_of_files_do_no_harm() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let browser = ash.browser();
    let files: [(&str, &[u8]); 3] = [
        ("../../../<script>alert(1)</script>.txt", b"Halves."),
        ("..", b"Thirds."),
        ("<img src=x onerror=alert(1)>.html", b"<script>alert(2)</script> Fifths."),
    ];
    let answer = browser.send_files(ADD, &[("how", "one")], &files);
    let page = text(answer);
    assert!(page.contains(".. has no name") || page.contains("has no name; give it one"), "{page}");
    let [draft] = &drafts(&page)[..] else { panic!("{page}") };
    let shown = browser.page(draft);
    let record = share(&browser, draft);
    let shared = browser.page(&record);
    let listed = |page: &str| page.contains("1 resource");
    ash.waits_for("it to be listed", || listed(&browser.page("/resources")));
    for page in [&page, &shown, &shared, &browser.page("/resources")] {
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    }
    assert!(shared.contains("script&#62;.txt"), "{shared}");
    for content in [b"Halves.".as_slice(), b"<script>alert(2)</script> Fifths."] {
        let answer = browser.open(&format!("{record}/files/{}", Hash::of(content)));
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-disposition").starts_with("attachment;"));
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
    let long = format!("{}.txt", "x".repeat(300));
    let refused = text(browser.send_files(ADD, &[], &[(&long, b"Sixths.")]));
    assert!(refused.contains("has a name of 304 bytes, and a name may have 255"), "{refused}");
    let empty = text(browser.send_files(ADD, &[], &[("empty.txt", b"")]));
    assert!(empty.contains("empty.txt is empty: it has 0 bytes"), "{empty}");
    let none = browser.send_files(ADD, &[], &[("", b"")]);
    assert_eq!(none.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(none).contains("Choose at least one file."));
}

#[test]
fn a_table_of_pupils_is_refused_and_what_nobody_can_look_through_waits_for_its_author() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let browser = ash.browser();
    let rows: [&[&str]; 4] =
        [&["Pupil", "Reading"], &["Amy Hill", "34"], &["Ben Moss", "28"], &["Cara Webb", "31"]];
    let marks = docx(&table(&rows), "");
    let draft = goes_to(&browser.send_files(ADD, &[], &[("marks.docx", &marks)]));
    let refused = browser.open(&format!("{draft}/check"));
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = text(refused);
    assert!(page.contains("marks.docx holds a table of names beside marks"), "{page}");
    assert!(!page.contains("Amy"), "{page}");
    let published = browser.send(&format!("{draft}/publish"), &[("shown", "")]);
    assert_eq!(goes_to(&published), format!("{draft}/check"));

    let film = staffroom_tests::noise(7, 50_000);
    let draft = goes_to(&browser.send_files(ADD, &[], &[("film.mp4", &film)]));
    let check = format!("{draft}/check");
    let page = browser.page(&check);
    assert!(page.contains("film.mp4 could not be looked through"), "{page}");
    assert!(page.contains("it holds no pupil data") && !page.contains("/publish"), "{page}");
    let hash = Hash::of(&film).to_string();
    goes_to(&browser.send(&check, &[("clear.unchecked_file", "I say so")]));
    assert!(!browser.page(&check).contains("/publish"), "each file is confirmed by itself");
    goes_to(&browser.send(&check, &[("no_pupil_data", &hash)]));
    let record = share(&browser, &draft);
    assert!(browser.page(&record).contains("not checked"));

    beech.finds("film", 1);
    assert!(beech.search("marks").is_empty() && beech.search("reading").is_empty());
    assert!(!kept(&beech, &marks).exists());
}

/// What is answered to a form that says it has 5 GiB, of which nothing is sent.
fn refusal_of_a_large_form(browser: &Browser) -> String {
    let host = browser.origin.trim_start_matches("http://");
    let mut line = TcpStream::connect(host).unwrap();
    line.set_read_timeout(Some(PATIENCE)).unwrap();
    let cookie = browser.cookie.as_deref().unwrap();
    let head = format!(
        "POST {ADD} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Length: 5368709120\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nSec-Fetch-Site: same-origin\r\n\r\n"
    );
    line.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(line).read_line(&mut answer).unwrap();
    answer
}

#[test]
fn a_reader_adds_nothing_and_another_site_neither() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    drop(ash.browser());
    let reader = ash.colleague("reader@ash.example", &["reader"]);
    let files: [(&str, &[u8]); 1] = [("plan.txt", b"Halves.")];
    assert_eq!(reader.open(ADD).status(), StatusCode::FORBIDDEN);
    assert_eq!(reader.send_files(ADD, &[], &files).status(), StatusCode::FORBIDDEN);
    assert_eq!(reader.open("/resources").status(), StatusCode::OK);
    let nobody = Browser::at(ash.page());
    assert_eq!(nobody.send_files(ADD, &[], &files).status(), StatusCode::UNAUTHORIZED);
    assert_eq!(blobs(&ash), 0);

    let contributor = ash.colleague("writer@ash.example", &["contributor"]);
    let header = [("sec-fetch-site", "cross-site")];
    let other_site = contributor.send_with(ADD, &[("how", "one")], &header);
    assert_eq!(other_site.status(), StatusCode::FORBIDDEN);
    assert!(refusal_of_a_large_form(&contributor).starts_with("HTTP/1.1 413 "));
    assert_eq!(blobs(&ash), 0);
    let draft = goes_to(&contributor.send_files(ADD, &[], &files));
    let record = share(&contributor, &draft);
    let page = reader.page(&record);
    assert!(!page.contains(">Pin<"), "{page}");
    let pin = format!("{record}/files/{}/pin", Hash::of(b"Halves."));
    assert_eq!(reader.send(&pin, &[]).status(), StatusCode::FORBIDDEN);
}
