//! A folder of files becomes resources: once, however often it is added.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use staffroom_tests::{Outcome, School, on_one_line};

use crate::inside_files::documents::{archive, docx, paragraph};
use crate::{publish, running, school};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const CORE: &[u8] = b"<cp:coreProperties xmlns:cp=\"c\" xmlns:dc=\"d\"><dc:creator>Amy Hill</dc:creator></cp:coreProperties>";

fn document(words: &str) -> Vec<u8> {
    docx(&paragraph(words), "")
}

/// A document that names its author, and perhaps has macros.
fn authored(words: &str, macros: bool) -> Vec<u8> {
    let body =
        format!("<w:document xmlns:w=\"w\"><w:body>{}</w:body></w:document>", paragraph(words));
    let mut parts = vec![("docProps/core.xml", CORE), ("word/document.xml", body.as_bytes())];
    if macros {
        parts.push(("word/vbaProject.bin", b"Sub AutoOpen()"));
    }
    archive(&parts)
}

fn put(school: &School, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let file = school.folder().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, content).unwrap();
    file
}

fn words(outcome: &Outcome) -> String {
    on_one_line(&format!("{} {}", outcome.output, outcome.errors))
}

/// Adds a folder and returns what became of it, and whether anything was refused.
fn added(school: &School, arguments: &[&str]) -> (Value, Option<i32>) {
    let arguments = [&["add-resources"], arguments, &["--json"]].concat();
    let outcome = school.run(&arguments);
    let report = serde_json::Deserializer::from_str(&outcome.output).into_iter().next();
    (report.unwrap().unwrap_or_else(|_| panic!("{outcome:?}")), outcome.code)
}

/// The sizes of the files that a school's node keeps.
fn files_held(school: &School) -> Vec<u64> {
    let folders = fs::read_dir(school.data().join("blobs")).unwrap().map(|entry| entry.unwrap());
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap());
    files.map(|file| file.unwrap().metadata().unwrap().len()).collect()
}

fn counts(report: &Value) -> [u64; 5] {
    ["shared", "new_versions", "unchanged", "copies", "refused"]
        .map(|name| report[name].as_u64().unwrap())
}

fn file<'a>(report: &'a Value, path: &str) -> &'a Value {
    let files = report["files"].as_array().unwrap();
    files.iter().find(|file| file["file"] == path).unwrap_or_else(|| panic!("{path} in {report}"))
}

#[test]
fn a_folder_is_added_once_and_found_by_another_school() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let map = put(
        &beech,
        "Reading/map.csv",
        "file,title,type,subjects,year groups,licence\n\
         Week 1/plan.docx,Herons and bitterns,scheme of work,English,Year 4,CC BY\n\
         Week 1\\Words.csv,,,English,,\n\
         Week 9/lost.docx,Lost,,,,\n",
    );
    put(&beech, "Reading/Week 1/plan.docx", document("The heron stands among the bulrushes."));
    put(&beech, "Reading/Week 2/plan.docx", document("A windpump lifts the water to the lode."));
    put(&beech, "Reading/Week 1/Words.csv", "Word,Meaning\nlode,a channel\n");
    put(&beech, "Reading/copy of plan.docx", document("The heron stands among the bulrushes."));
    put(&beech, "Reading/sedge worksheet.txt", "Draw the sedge by the ditch.");
    put(&beech, "Reading/Thumbs.db", "x");
    put(&beech, "Reading/~$plan.docx", "x");
    put(&beech, "Reading/.hidden/secret.txt", "x");
    put(&beech, "Reading/empty.docx", "");
    put(&beech, "Reading/setup.pdf", b"MZ\x90\0\x03\0\0\0");
    put(&beech, "Reading/start.bat", "echo");
    put(&beech, "Reading/corner.png", PICTURE);
    let map = map.to_str().unwrap();

    let (check, code) = added(&beech, &["Reading", "--map", map, "--check"]);
    assert_eq!((counts(&check), code), ([4, 0, 0, 1, 4], Some(1)), "{check}");
    assert!(beech.search("heron").is_empty(), "only checked");
    assert_eq!(files_held(&beech), [0; 0], "nothing stays of what was only checked");

    let said = beech.run(&["add-resources", "Reading", "--map", map]);
    let all = words(&said);
    assert_eq!(said.code, Some(1), "{all}");
    for part in [
        "Week 1/plan.docx: \"Herons and bitterns\" shared with Fenland Trust (id ",
        "Week 2/plan.docx: \"plan (Week 2)\" shared with Fenland Trust",
        "copy of plan.docx: the same as Week 1/plan.docx, not shared twice",
        "sedge worksheet.txt: \"sedge worksheet\" shared",
        "empty.docx is empty: it has 0 bytes",
        "setup.pdf: by its content it is a program for Windows, although its name ends in .pdf",
        "start.bat: by its name it is a script for Windows",
        "corner.png: a file that could not be looked through (it is a picture",
        "row 4 of the map: there is no file \"Week 9/lost.docx\" to add",
        "7 files without a row in the map: Week 2/plan.docx, copy of plan.docx,",
        "Left out: 1 hidden, 1 of open documents, 1 of the system, 1 the map",
        "No licence was given, so it is \"this group only\"",
        "4 shared, 0 new versions, 0 shared before and unchanged, 1 copy, 4 left out, 4 refused",
        "error: 4 files were not shared",
    ] {
        assert!(all.contains(part), "{part}\nin: {all}");
    }
    assert_eq!(all.matches("bought schemes usually may not be shared").count(), 1, "{all}");

    let (id, _) = ash.finds("heron bulrushes", 1).remove(0);
    ash.finds("windpump", 1);
    let shown = ash.json(&["show", &id]);
    let summary = &shown["summary"];
    assert_eq!(summary["licence"], "CC-BY-4.0");
    assert_eq!(summary["year_groups"], json!(["year 4"]));
    let (sedge, _) = ash.finds("sedge", 1).remove(0);
    let shown = ash.json(&["show", &sedge]);
    assert_eq!(shown["summary"]["type"], "worksheet");
    assert_eq!(shown["summary"]["licence"], "this group only");
    ash.done(&["get", &id, "--out", "saved"]);
    assert_eq!(
        fs::read(ash.folder().join("saved/plan.docx")).unwrap(),
        document("The heron stands among the bulrushes.")
    );

    // Once more, and from inside the folder that holds it: nothing is done.
    let (again, _) = added(&beech, &["Reading", "--map", map]);
    assert_eq!(counts(&again), [0, 0, 4, 1, 4], "{again}");
    assert_eq!(file(&again, "Week 1/plan.docx")["id"], json!(id));
    let (part, code) = added(&beech, &["Reading/Week 2"]);
    assert_eq!((counts(&part), code), ([0, 0, 1, 0, 0], Some(0)), "{part}");

    // The picture, once its author has looked at it.
    let (picture, _) = added(&beech, &["Reading", "--map", map, "--no-pupil-data", "corner.png"]);
    assert_eq!(counts(&picture), [1, 0, 4, 1, 3], "{picture}");
    assert!(file(&picture, "corner.png")["warnings"].to_string().contains("not checked"));
}

#[test]
fn a_file_that_has_changed_is_a_new_version_and_what_was_written_of_it_stays() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let map = put(&beech, "map.csv", "file,title,subjects\nplan.docx,Herons,English\n");
    let map = map.to_str().unwrap();
    put(&beech, "one/plan.docx", document("The heron stands."));
    let (first, code) = added(&beech, &["one", "--map", map]);
    assert_eq!((counts(&first), code), ([1, 0, 0, 0, 0], Some(0)), "{first}");
    let id = first["files"][0]["id"].as_str().unwrap().to_owned();
    // Another file of the same name elsewhere is another resource.
    put(&beech, "two/plan.docx", document("The bittern booms."));
    let (other, _) = added(&beech, &["two"]);
    assert_eq!(counts(&other), [1, 0, 0, 0, 0], "{other}");

    put(&beech, "one/plan.docx", document("The egret stands."));
    let (changed, _) = added(&beech, &["one"]);
    assert_eq!(counts(&changed), [0, 1, 0, 0, 0], "{changed}");
    assert_eq!(changed["files"][0]["id"], json!(id));
    assert_eq!(ash.finds("egret", 1), [(id.clone(), "Herons".to_owned())]);
    ash.finds("heron stands", 1);
    assert_eq!(ash.json(&["show", &id])["summary"]["subjects"], json!(["English"]));
    // Back to what it was, and what the map says of it is news as well.
    put(&beech, "one/plan.docx", document("The heron stands."));
    assert_eq!(counts(&added(&beech, &["one"]).0), [0, 1, 0, 0, 0]);
    assert_eq!(counts(&added(&beech, &["one"]).0), [0, 0, 1, 0, 0]);
    let better = put(&beech, "map.csv", "file,title\nplan.docx,Wading birds\n");
    let (corrected, _) = added(&beech, &["one", "--map", better.to_str().unwrap()]);
    assert_eq!(counts(&corrected), [0, 1, 0, 0, 0], "{corrected}");
    assert_eq!(ash.finds("wading", 1)[0].0, id);
    // In one more group, it is the same resource.
    beech.done(&["group", "create", "Bird network"]);
    let (also, _) = added(&beech, &["one", "--group", "bird network"]);
    assert_eq!((counts(&also), &also["files"][0]["id"]), ([0, 1, 0, 0, 0], &json!(id)), "{also}");
    let (both, _) = added(&beech, &["one", "--group", "bird network", "--group", "Fenland Trust"]);
    assert_eq!(counts(&both), [0, 0, 1, 0, 0], "{both}");
    let wrong = beech.run(&["add-resources", "one", "--group", "Birds"]).error();
    assert!(wrong.contains("\"Birds\""), "{wrong}");

    // One that was published in another way is known by its title and its file's name.
    beech.write("poems.txt", "Four poems of the fen.");
    let record = "---\nkind: resource\ntitle: poems\nfiles: [poems.txt]\ngroups: [Fenland Trust]\n---\nFor a week.\n";
    let poems = publish(&beech, record.to_owned());
    put(&beech, "three/poems.txt", "Five poems of the fen.");
    let (taken_up, _) = added(&beech, &["three", "--group", "Fenland Trust"]);
    assert_eq!(taken_up["files"][0]["outcome"], "new_version", "{taken_up}");
    assert_eq!(taken_up["files"][0]["id"], json!(poems));
}

#[test]
fn macros_wait_to_be_allowed_and_no_way_of_publishing_goes_round_that() {
    let ash = school("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    put(&ash, "tools/markbook.docx", authored("A book of marks.", true));
    let refused = ash.run(&["add-resources", "tools"]);
    assert_eq!(refused.code, Some(1));
    assert!(words(&refused).contains("markbook.docx: it has macros"), "{refused:?}");
    let record =
        "---\nkind: resource\ntitle: Markbook\nfiles: [tools/markbook.docx]\n---\nA book.\n";
    let record = ash.write("record.md", record);
    let refused = ash.run(&["publish", record.to_str().unwrap()]);
    assert_eq!(refused.code, Some(1));
    assert!(words(&refused).contains("--allow-macros"), "{refused:?}");
    put(&ash, "tools/run.txt", b"\x7fELF\x02\x01\x01\0\0");
    let program = "---\nkind: resource\ntitle: Runs\nfiles: [tools/run.txt]\n---\nA tool.\n";
    let program = ash.write("program.md", program);
    let refused = ash.run(&["publish", program.to_str().unwrap(), "--allow-macros"]);
    assert!(words(&refused).contains("a program for Linux"), "{refused:?}");
    fs::remove_file(ash.folder().join("tools/run.txt")).unwrap();
    let (allowed, code) = added(&ash, &["tools", "--allow-macros"]);
    assert_eq!((counts(&allowed), code), ([1, 0, 0, 0, 0], Some(0)), "{allowed}");
}

/// Asks the API of a running node as any program on its machine may; the status and the answer.
fn asked(school: &School, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder().http_status_as_error(false).build(),
    );
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}api/v1{path}", school.page()))
        .header("Authorization", school.bearer())
        .header("Content-Type", "application/json")
        .body(body.to_vec())
        .unwrap();
    let mut answer = agent.run(request).unwrap();
    (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
}

#[test]
fn the_api_has_the_same_rules_as_the_command_line() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    // Longer than what is looked at, so that it is refused before it has come.
    let program = [b"\x7fELF\x02\x01\x01\0".as_slice(), &vec![0; 3 << 20]].concat();
    let (status, said) = asked(&ash, "POST", "/files?name=notes.txt", &program);
    assert_eq!(status, 415);
    assert!(said["error"].as_str().unwrap().contains("a program for Linux"), "{said}");
    assert_eq!(files_held(&ash), [0; 0], "nothing is kept of it");

    // The name may be another in the record than it was when the file came.
    let (status, mut file) =
        asked(&ash, "POST", "/files?name=notes.txt", b"echo The heron stands.");
    assert_eq!(status, 200, "{file}");
    let share = |file: &Value| {
        let record = json!({ "kind": "resource", "title": "Notes", "files": [file] });
        let request = json!({ "records": [record] }).to_string();
        asked(&ash, "POST", "/records", request.as_bytes()).1[0].clone()
    };
    file["name"] = "notes.bat".into();
    let outcome = share(&file);
    assert_eq!(outcome["outcome"], "refused", "{outcome}");
    assert!(outcome["reasons"][0].as_str().unwrap().contains("a script for Windows"), "{outcome}");
    file["name"] = "notes.pdf".into();
    let outcome = share(&file);
    assert_eq!(outcome["outcome"], "published", "{outcome}");
    assert!(outcome["warnings"].to_string().contains("its name ends in .pdf"), "{outcome}");

    // What is shared stays, whoever lets go of it.
    let held = files_held(&ash).len();
    let path = format!("/files/{}", file["hash"].as_str().unwrap());
    assert_eq!(asked(&ash, "DELETE", &path, b"").0, 200);
    assert_eq!(files_held(&ash).len(), held);
}

#[test]
fn whoever_is_named_in_a_file_is_told_of_and_taken_out_where_that_is_asked_for() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let original = authored("The heron stands.", false);
    put(&beech, "plans/heron.docx", &original);
    let (told, _) = added(&beech, &["plans", "--check"]);
    let warning = told["files"][0]["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with(
            "heron.docx names people: author (docProps/core.xml); share it with --remove-names"
        ),
        "{warning}"
    );
    assert!(!told.to_string().contains("Amy"));
    let said = words(&beech.run(&["add-resources", "plans", "--remove-names"]));
    assert!(said.contains("heron.docx: taken out: author (docProps/core.xml)"), "{said}");
    assert!(!said.contains("names people"), "{said}");
    let (id, _) = ash.finds("heron", 1).remove(0);
    ash.done(&["get", &id, "--out", "saved"]);
    let got = fs::read(ash.folder().join("saved/heron.docx")).unwrap();
    assert_ne!(got, original);
    assert_eq!(fs::read(beech.folder().join("plans/heron.docx")).unwrap(), original);
    // What was made of it is known, with names or without.
    for arguments in [&["plans"][..], &["plans", "--remove-names"]] {
        assert_eq!(counts(&added(&beech, arguments).0), [0, 0, 1, 0, 0]);
    }
    let record = "---\nkind: resource\ntitle: Herons\nfiles: [plans/heron.docx]\n---\nA plan.\n";
    let record = beech.write("record.md", record);
    let said = words(&beech.run(&["publish", record.to_str().unwrap()]));
    assert!(said.contains("please check: heron.docx names people: author"), "{said}");
}

#[test]
fn what_is_wrong_with_the_whole_is_said_before_anything_is_shared() {
    let ash = school("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    put(&ash, "plans/a.txt", "The heron stands.");
    let data = ash.data();
    for (arguments, said) in [
        (&["nowhere"][..], "nowhere cannot be looked through"),
        (&["plans/a.txt"], "plans/a.txt is a file; name the folder"),
        (&["plans", "--licence", "free"], "--licence \"free\" is no licence"),
        (&["plans", "--map", "none.csv"], "cannot read none.csv"),
        (&["plans", "--no-pupil-data", "b.png"], "--no-pupil-data names b.png"),
        (&[data.to_str().unwrap()], "where its keys are; nothing in it is shared"),
    ] {
        let error = ash.run(&[&["add-resources"], arguments].concat()).error();
        assert!(error.contains(said), "{said}\nin: {error}");
    }
    assert!(ash.search("heron").is_empty());
}
