//! What stands only inside a file: found by other schools, looked through before it leaves its own.

#[path = "../../node/tests/reading_files/documents.rs"]
#[expect(dead_code, reason = "not every sort of document is needed in this program")]
pub(crate) mod documents;

use std::fs;

use serde_json::json;
use staffroom_tests::{School, on_one_line};

use crate::{publish, running, school};
use documents::{docx, drawn, pdf, pptx, table, xlsx};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";

fn resource(title: &str, files: &[&str]) -> String {
    format!(
        "---\nkind: resource\ntype: lesson plan\ntitle: {title}\nlicence: CC-BY-4.0\nfiles: {files:?}\n---\n\
         For a week of lessons.\n"
    )
}

fn passage(school: &School, query: &str) -> String {
    school.json(&["search", query])["hits"][0]["passage"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_phrase_inside_a_pdf_or_a_slide_of_another_school_is_found_without_the_file() {
    let (mut ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    crate::keeps_nothing_for_others(&ash);
    let page = drawn(&[(72, 700, "The heron stands among the bulrushes (Phragmites) at dusk.")]);
    beech.write("fen.pdf", pdf(&[page], "", &[]));
    let slides = ["What we know", "A windpump lifts the water to the lode"];
    beech.write("water.pptx", pptx(&slides));
    beech.write("words.csv", "Word,Meaning\nlode,a channel cut for water\n");
    let id = publish(&beech, resource("Fen week", &["fen.pdf", "water.pptx", "words.csv"]));

    for (phrase, shown) in [
        ("heron bulrushes", "bulrushes"),
        ("\"windpump lifts the water\"", "lode"),
        ("channel cut", "channel"),
    ] {
        assert_eq!(ash.finds(phrase, 1), [(id.clone(), "Fen week".to_owned())], "{phrase}");
        assert!(passage(&ash, phrase).contains(shown), "{}", passage(&ash, phrase));
    }
    // The texts came, and the files did not: nobody has asked for them.
    let held = ash.json(&["show", &id]);
    let files = held["summary"]["files"].as_array().unwrap().clone();
    let blob = |hash: &serde_json::Value| {
        let hash = hash.as_str().unwrap();
        ash.data().join("blobs").join(&hash[..2]).join(hash).exists()
    };
    assert!(files.iter().all(|file| file["text"]["size"].as_u64() > Some(0)), "{files:?}");
    assert!(!files.iter().any(|file| blob(&file["hash"])), "{files:?}");
    assert!(!ash.done(&["show", &id]).contains("not checked"));
    let missing = |school: &School| school.json(&["status"])["groups"][0]["bodies_missing"].clone();
    assert_eq!(missing(&ash), json!(0));

    // The text of a file is one more thing that a withdrawal leaves nothing of.
    beech.done(&["withdraw", &id, "--reason", "A mistake in it"]);
    ash.finds("bulrushes", 0);
    let confirmed = || {
        let receipts = beech.json(&["receipts", &id]);
        receipts["members"][0]["erased"].is_string()
    };
    beech.waits_for("the receipt", confirmed);
    beech.stop();
    ash.stop();
    for school in [&ash, &beech] {
        let left = on_disk(&school.data(), b"hragmit");
        let left: Vec<_> = left.into_iter().filter(|path| !path.contains("/records/")).collect();
        assert!(left.is_empty(), "{}: {left:?}", school.name());
    }
    // What was read before is gone as well, so the files are read again.
    publish(&beech, resource("Fen week again", &["fen.pdf", "water.pptx"]));
    beech.start();
    beech.finds("heron bulrushes", 1);
}

#[test]
fn texts_that_do_not_fit_one_answer_all_come() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let words = ["samphire", "sphagnum", "marram"];
    let names = ["first.txt", "second.txt", "third.txt"];
    for (name, word) in names.iter().zip(words) {
        let long = "The water stands in the ditches until the wind turns.\n".repeat(12_000);
        beech.write(name, long + word);
    }
    publish(&beech, resource("Three long readers", &names));
    for word in words {
        ash.finds(word, 1);
    }
}

fn on_disk(folder: &std::path::Path, words: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(on_disk(&entry.path(), words));
        } else if fs::read(entry.path()).unwrap().windows(words.len()).any(|part| part == words) {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

#[test]
fn a_file_with_a_table_of_pupils_is_refused_whatever_its_sort() {
    let ash = school("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let cell = |column: char, row: usize, words: &str| {
        format!("<c r=\"{column}{row}\" t=\"inlineStr\"><is><t>{words}</t></is></c>")
    };
    let rows = [["Pupil", "Reading"], ["Amy Hill", "34"], ["Ben Moss", "28"], ["Cara Webb", "31"]];
    let row = |(place, [name, mark]): (usize, &[&str; 2])| {
        let number = place + 1;
        format!("<row r=\"{number}\">{}{}</row>", cell('A', number, name), cell('B', number, mark))
    };
    ash.write("marks.xlsx", xlsx(&rows.iter().enumerate().map(row).collect::<String>()));
    let rows_of_words: Vec<&[&str]> = rows.iter().map(|row| row.as_slice()).collect();
    ash.write("marks.docx", docx(&table(&rows_of_words), ""));
    let places: Vec<(u32, u32, &str)> = (700..)
        .step_by(20)
        .zip(rows)
        .flat_map(|(y, [name, mark])| [(72, 1400 - y, name), (240, 1400 - y, mark)])
        .collect();
    ash.write("marks.pdf", pdf(&[drawn(&places)], "", &[]));
    for file in ["marks.xlsx", "marks.docx", "marks.pdf"] {
        let record = ash.write("record.md", resource("Reading week", &[file]));
        let record = record.to_str().unwrap();
        for arguments in [&["publish", record][..], &["publish", record, "--no-pupil-data", file]] {
            let refused = ash.run(arguments);
            assert_eq!(refused.code, Some(1), "{refused:?}");
            let said = on_one_line(&refused.output);
            assert!(
                said.contains(file) && said.contains("a table of names beside marks"),
                "{said}"
            );
            assert!(!said.contains("Amy"), "{said}");
        }
    }
    assert!(ash.search("reading week").is_empty());
}

#[test]
fn a_file_that_cannot_be_looked_through_waits_for_its_authors_word_and_is_shown_as_not_checked() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    ash.write("room.png", PICTURE);
    ash.write("plan.txt", "Put the books where they are seen.");
    let record = ash.write("record.md", resource("Reading corner", &["room.png", "plan.txt"]));
    let record = record.to_str().unwrap();
    for arguments in [&["publish", record][..], &["publish", record, "--no-pupil-data", "hall.png"]]
    {
        let refused = ash.run(arguments);
        let said = on_one_line(&refused.output);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(
            said.contains("room.png: a file that could not be looked through (it is a picture"),
            "{said}"
        );
        assert!(!said.contains("plan.txt"), "{said}");
    }
    let said = ash.done(&["publish", record, "--no-pupil-data", "room.png"]);
    assert!(said.contains("not checked"), "{said}");
    let (id, _) = beech.finds("\"where they are seen\"", 1).remove(0);
    let shown = beech.done(&["show", &id]);
    assert!(shown.contains("room.png (20 B, not checked"), "{shown}");
    assert!(shown.contains("plan.txt (34 B)"), "{shown}");
    let page = beech.browser().page(&format!("/records/{id}"));
    assert_eq!(page.matches(">not checked<").count(), 1, "{page}");
    beech.done(&["get", &id, "--out", "saved"]);
    assert_eq!(fs::read(beech.folder().join("saved/room.png")).unwrap(), PICTURE);
}
