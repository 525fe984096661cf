//! A school asks what worked, and is told what all schools found that tried it.

use serde_json::Value;
use staffroom_tests::School;

use crate::{intervention, publish, running};

/// Takes up an intervention.
fn adoption(of: &str, title: &str, state: &str) -> String {
    let reason = if state == "stopped" { "\nstop_reason: Staff changed" } else { "" };
    format!(
        "---\nkind: adoption\nof: {of}\ntype: exact\ntitle: {title}\nstate: {state}{reason}\n\
         contact_role: Reading lead\n---\n"
    )
}

/// What came of it: pupils here scored `mean`, and those beside them 24 of 50.
fn report(of: &str, title: &str, mean: f64) -> String {
    format!(
        "---\nkind: impact_report\nof: {of}\ntitle: {title}\nperiod: 2026-01-05 to 2026-03-27\n\
         conclusion: continue\ndesign: matched comparison\nunit_of_allocation: pupil\n\
         comparison_received: Silent reading\noutcome:\n  name: Reading fluency\n  domain: reading\n  \
         measure: Fluency test\n  type: standardised\n  polarity: higher is better\n  minimum: 0\n  \
         maximum: 50\n  marked_by: colleague\narms:\n  intervention:\n    n: 60\n    before: {{ mean: 20, sd: 8 }}\n    \
         after: {{ mean: {mean}, sd: 8 }}\n  comparison:\n    n: 62\n    before: {{ mean: 20, sd: 8 }}\n    \
         after: {{ mean: 24, sd: 8 }}\n---\n## What was seen\nThey read more smoothly.\n\n\
         ## Other factors\nA library opened nearby.\n"
    )
}

#[test]
fn a_trusts_own_words_and_misspelled_ones_find_what_is_meant() {
    let mut ash = crate::school("Ash Primary");
    let words = ash.data().join("synonyms.txt");
    std::fs::write(&words, "# Ours\nDEAR time | drop everything and read\n").unwrap();
    ash.done(&["group", "create", "Fenland Trust"]);
    publish(&ash, intervention("Drop everything and read", "Fluent readers by summer."));
    ash.start();
    ash.finds("drop everything", 1);
    let found = |query: &str| ash.json(&["search", query]);
    let meant = found("DEAR time");
    assert_eq!(meant["hits"][0]["title"], "Drop everything and read", "{meant}");
    let misspelled = found("evrything fluent");
    assert_eq!(misspelled["did_you_mean"], "everything fluent", "{misspelled}");
    assert!(ash.done(&["search", "evrything fluent"]).contains("Searched for: everything fluent"));
    let agent = ureq::agent();
    let suggested = ash.api(&agent, "/suggestions?q=drop+every");
    let titled = suggested.as_array().unwrap().contains(&"Drop everything and read".into());
    assert!(titled, "{suggested}");

    // A mistake in the file is named, and searches go on.
    ash.stop();
    std::fs::write(&words, "DEAR time\n").unwrap();
    ash.start();
    ash.finds("drop everything", 1);
    assert!(ash.log().contains("write at least two that mean the same"), "{}", ash.log());
}

/// The results of a search, once their evidence is as expected.
fn results(school: &School, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut found = Value::Null;
    school.waits_for(what, || {
        found = school.json(&["search", "echo reading"]);
        holds(&found)
    });
    found
}

#[test]
fn what_all_schools_found_is_one_result_whatever_order_it_came_in() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Academy"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);

    let started = intervention("Echo reading", "Fluent readers by summer.");
    let origin = publish(&ash, started.replace("subjects:", "state: running\nsubjects:"));
    for school in [&beech, &cedar] {
        school.finds("echo reading", 1);
    }
    let at_beech = publish(&beech, adoption(&origin, "Echo reading at Beech", "running"));
    let of_beech = publish(&beech, report(&at_beech, "Echo reading in the spring", 28.0));
    publish(&cedar, adoption(&origin, "Echo reading at Cedar", "stopped"));

    // One result at every school, for three that started, of which one reported and one stopped.
    for school in [&ash, &beech, &cedar] {
        let found = results(school, "the whole lineage", |found| {
            let lineage = &found["hits"][0]["lineage"];
            (&lineage["started"], &lineage["reported"], &lineage["stopped"])
                == (&3.into(), &1.into(), &1.into())
        });
        assert_eq!(found["hits"].as_array().unwrap().len(), 1, "{found}");
        let lineage = &found["hits"][0]["lineage"];
        // (28 - 24) / 8, corrected for 122 pupils.
        let effect = lineage["effect"]["estimate"].as_f64().unwrap();
        assert!((effect - 0.5 * (1.0 - 3.0 / (4.0 * 122.0 - 9.0))).abs() < 1e-3, "{lineage}");
    }

    // The record lists the report, in words and on its page with a link to it.
    let shown = cedar.done(&["show", &origin]);
    assert!(shown.contains("Report by report"), "{shown}");
    let page = cedar.browser().page(&format!("/records/{origin}"));
    for part in ["Echo reading in the spring</a> (report on an adoption)", "matched comparison"] {
        assert!(page.contains(part), "{part}\n{page}");
    }

    // Made anew, the index says the same.
    let before = ash.json(&["search", "echo reading"])["hits"][0]["lineage"].clone();
    ash.done(&["reindex"]);
    results(&ash, "the same again", |found| found["hits"][0]["lineage"] == before);

    // What is withdrawn counts no more, at those either who had counted it.
    beech.done(&["withdraw", &of_beech, "--reason", "published by mistake"]);
    for school in [&ash, &beech, &cedar] {
        results(school, "no report", |found| {
            let lineage = &found["hits"][0]["lineage"];
            lineage["reported"] == 0 && lineage["started"] == 3 && lineage["effect"].is_null()
        });
    }
}

#[test]
fn a_record_names_others_that_are_about_the_same() {
    let mut ash = crate::school("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let aim = |aim: &str| format!("{aim} for pupils who read slowly");
    let paired = publish(&ash, intervention("Paired reading aloud", &aim("Fluent passages")));
    publish(&ash, intervention("Echo reading aloud", &aim("Fluent passages")));
    let seats = intervention("Seating plans", "Fewer interruptions")
        .replace("Four short groups a week in place of one long lesson", "Desks in rows")
        .replace("The reading lead looks at the running records", "Heads of year count sanctions");
    publish(&ash, seats);
    ash.start();
    ash.finds("passages", 2);
    let similar = ash.json(&["similar", &paired]);
    let titles: Vec<&str> =
        similar.as_array().unwrap().iter().filter_map(|hit| hit["title"].as_str()).collect();
    assert_eq!(titles, ["Echo reading aloud"], "{similar}");
    assert!(ash.done(&["similar", &paired]).starts_with("1. Echo reading aloud"));
    let page = ash.browser().page(&format!("/records/{paired}"));
    assert!(page.contains("Similar records") && page.contains("Echo reading aloud"), "{page}");
    assert!(!page.contains("Seating plans"), "{page}");
}

#[test]
fn results_are_downloaded_as_a_table_that_runs_nothing_in_a_spreadsheet() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let origin = publish(&ash, intervention("Echo reading", "Fluent readers."));
    let told = publish(&ash, report(&origin, "Echo reading, \"in pairs\"", 28.0));
    publish(&ash, intervention("\"=HYPERLINK(1)\"", "Echo reading for formulas."));
    results(&ash, "the report", |found| {
        found["hits"].as_array().is_some_and(|hits| hits.len() == 2)
            && found["hits"][0]["lineage"]["reported"] == 1
    });
    let browser = ash.browser();
    let page = browser.page("/search?q=echo+reading");
    let link = "/search/results.csv?q=echo+reading";
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    let mut answer = browser.open(link);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-type").starts_with("text/csv; charset=utf-8"));
    assert_eq!(header("content-disposition"), "attachment; filename=\"results.csv\"");
    let table = answer.body_mut().read_to_string().unwrap();
    let rows = table.strip_prefix('\u{feff}').expect("a byte order mark");
    let mut lines = rows.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let place = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let lines: Vec<&str> = lines.collect();
    // One line for the lineage, which the report stands for.
    let [found, _] = &lines[..] else { panic!("{rows}") };
    assert!(found.starts_with("\"Echo reading, \"\"in pairs\"\"\",Impact report,Ash Primary,"));
    // The title has the one comma.
    let cells: Vec<&str> = found.split(',').skip(1).collect();
    assert_eq!(cells[place("schools that reported")], "1", "{found}");
    let effect: f64 = cells[place("effect in all schools (Hedges' g)")].parse().unwrap();
    assert!((effect - 0.5 * (1.0 - 3.0 / (4.0 * 122.0 - 9.0))).abs() < 1e-3, "{found}");
    assert!(cells[place("address")].contains(&format!("/records/{told}@")), "{found}");
    assert!(lines.iter().any(|line| line.starts_with("'=HYPERLINK(1),")), "{rows}");
    // What cannot be asked is said on a page.
    assert_eq!(browser.open("/search/results.csv?min_pupils=many").status(), 400);
}

#[test]
fn the_evidence_that_a_record_cites_is_downloaded_for_a_program_that_keeps_references() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let cites = intervention("Echo reading", "Fluent readers.").replace(
        "subjects:",
        "evidence_links: [\"https://example.org/toolkit\", \"Peer tutoring, doi:10.1000/182\"]\nsubjects:",
    );
    let (cites, none) =
        (publish(&ash, cites), publish(&ash, intervention("Choral reading", "Fluent readers.")));
    let browser = ash.browser();
    let link = "References (RIS)";
    let page = browser.page(&format!("/records/{cites}"));
    let path = page.split("href=\"").find(|rest| rest.contains(&format!(">{link}<"))).unwrap();
    let path = path.split('"').next().unwrap();
    assert!(path.contains(&cites) && path.ends_with("/references.ris"), "{path}");
    let references = "TY  - ELEC\r\nTI  - https://example.org/toolkit\r\n\
                      UR  - https://example.org/toolkit\r\nER  - \r\n\
                      TY  - GEN\r\nTI  - Peer tutoring\r\nDO  - 10.1000/182\r\nER  - \r\n";
    for path in [path, &format!("/api/v1/records/{cites}/references")] {
        let mut answer = browser.open(path);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/x-research-info-systems");
        assert_eq!(header("content-disposition"), "attachment; filename=\"references.ris\"");
        assert_eq!(answer.body_mut().read_to_string().unwrap(), references, "{path}");
    }

    assert!(!browser.page(&format!("/records/{none}")).contains(link));
    for path in
        [format!("/records/{none}/references.ris"), format!("/api/v1/records/{none}/references")]
    {
        let mut answer = browser.open(&path);
        let said = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status(), 404, "{said}");
        assert!(said.contains("this record cites no evidence"), "{said}");
    }
}
