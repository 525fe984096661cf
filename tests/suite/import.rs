//! Importing tables: what is wrong with them, and real ones.

use std::path::PathBuf;

use serde_json::Value;

use crate::running;

const TABLE: &str = "Kind,Title,Aim,What is different,Monitoring,Subjects\n\
    intervention,Paired reading,Fluency,Pairs,Half-termly,English\n\
    intervention,Echo reading,,Echoes,Half-termly,English\n\
    intervention,Choral reading,Fluency,All together,Half-termly,English; music\n";

#[test]
fn good_rows_go_in_once_and_bad_ones_are_listed_with_row_and_reason() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let table = ash.write("records.csv", TABLE);
    let report = ash.json(&["import", table.to_str().unwrap()]);
    assert_eq!((&report["rows"], &report["shared"]), (&3.into(), &2.into()), "{report}");
    assert_eq!(report["refused"][0]["row"], 3);
    assert!(report["refused"][0]["reasons"][0].as_str().unwrap().starts_with("aim"), "{report}");
    assert!(report["members"][0]["complete_after_seconds"].is_number(), "{report}");
    assert!(report["traffic"]["sent"].as_u64().unwrap() > 1_000, "{report}");
    beech.finds("reading", 2);

    let again = ash.json(&["import", table.to_str().unwrap()]);
    assert_eq!((&again["shared"], &again["unchanged"]), (&0.into(), &2.into()), "{again}");
    assert_eq!(ash.json(&["status"])["groups"][0]["entries"], 2);
}

#[test]
fn wrong_columns_and_wrong_encodings_are_named_with_what_to_do() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let columns = ash.write("columns.csv", "kind,titel,aim\nintervention,Paired reading,Fluency\n");
    let refused = ash.run(&["import", columns.to_str().unwrap()]).error();
    assert!(refused.contains("titel") && refused.contains("title"), "{refused}");
    assert!(refused.contains("--map"), "{refused}");

    // "é" as Windows writes it, in a file that is said to be UTF-8.
    let latin = TABLE.replace("Pairs", "Pairs at the caf\u{1}");
    let bytes: Vec<u8> = latin.bytes().map(|byte| if byte == 1 { 0xe9 } else { byte }).collect();
    let latin = ash.write("latin.csv", bytes);
    let ran =
        ash.run(&["import", latin.to_str().unwrap(), "--encoding", "utf-8", "--check", "--json"]);
    let report: Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(report["refused"].as_array().unwrap().len(), 2, "{report}");
    assert!(report["refused"][0]["reasons"][0].as_str().unwrap().contains("UTF-8"), "{report}");
    let found = ash.json(&["import", latin.to_str().unwrap(), "--check"]);
    assert_eq!((&found["encoding"], &found["shared"]), (&"windows-1252".into(), &2.into()));

    let workbook = ash.write("records.xlsx", b"PK\x03\x04 and so on");
    let refused = ash.run(&["import", workbook.to_str().unwrap()]).error();
    assert!(refused.contains("Excel") && refused.contains("CSV"), "{refused}");
    assert_eq!(ash.json(&["status"])["groups"][0]["entries"], 0, "nothing was shared");
}

/// Real abstracts, where they are at hand: they are not part of the repository.
#[test]
fn real_abstracts_reach_the_other_schools_and_are_found() {
    let data = std::env::var_os("STAFFROOM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let file = data.join("corpus/eric_shared.jsonl");
    if !file.exists() {
        println!("not tested: there is no {}; STAFFROOM_TEST_DATA says where", file.display());
        return;
    }
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Academy"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    let report = ash.json(&[
        "import",
        file.to_str().unwrap(),
        "--set",
        "kind=resource",
        "--set",
        "type=other",
        "--set",
        "third_party_material=yes",
        "--set",
        "rights_holder=the authors or their publisher",
        "--map",
        "title={title:200}",
        "--map",
        "abstract={abstract:1500}",
        "--map",
        "url=https://eric.ed.gov/?id={id#eric-}",
        "--map",
        "third_party_list={authors} ({year})",
    ]);
    let shared = report["shared"].as_u64().unwrap();
    let refused = report["refused"].as_array().unwrap();
    assert_eq!(report["rows"].as_u64().unwrap(), shared + refused.len() as u64);
    assert!(shared > 3_500, "{shared}");
    assert!(refused.iter().all(|row| !row["reasons"].as_array().unwrap().is_empty()));
    for school in [&beech, &cedar] {
        assert_eq!(school.json(&["status"])["index"]["documents"], shared);
        assert!(!school.search("reading comprehension intervention").is_empty());
    }
}
