//! Resources that schools make from each other's: what the licence asks, and who adapted what.

use serde_json::Value;
use staffroom_tests::{School, on_one_line};

use crate::{intervention, publish, running};

/// What publishing a resource said, and its id.
fn share(by: &School, title: &str, licence: &str, based_on: &[&str]) -> (String, Vec<String>) {
    let text = format!(
        "---\nkind: resource\ntype: worksheet\ntitle: {title}\nlicence: {licence}\n\
         url: https://example.org/fractions\nbased_on: [{}]\n---\nSheets on fractions.\n",
        based_on.join(", ")
    );
    let file = by.write("resource.md", text);
    let published = by.json(&["publish", file.to_str().unwrap()]);
    let warnings = published[0]["warnings"].as_array().unwrap_or_else(|| panic!("{published}"));
    let warnings = warnings.iter().map(|one| one.as_str().unwrap().to_owned());
    (published[0]["id"].as_str().unwrap().to_owned(), warnings.collect())
}

#[test]
fn a_licence_that_does_not_allow_it_is_pointed_out_and_both_sides_see_who_adapted_what() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Academy"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    let (fixed, said) = share(&ash, "Fractions as they are", "CC BY-ND", &[]);
    assert_eq!(said, [""; 0]);
    let (alike, _) = share(&ash, "Fractions alike", "CC BY-SA", &[]);
    beech.finds("fractions", 2);
    cedar.finds("fractions", 2);

    let check = beech.write(
        "check.md",
        format!(
            "---\nkind: resource\ntitle: Ours\nurl: https://example.org/ours\n\
             based_on: [{fixed}]\n---\nOurs.\n"
        ),
    );
    let before = on_one_line(&beech.done(&["publish", "--check", check.to_str().unwrap()]));
    assert!(
        before.contains("based_on[0] is \"Fractions as they are\": may be used only as it is"),
        "it is said before it is shared: {before}"
    );

    let (changed, said) = share(&beech, "Halves and quarters", "CC BY", &[&fixed, &alike]);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("(CC-BY-ND-4.0): its licence allows no changed copies"), "{said:?}");
    assert!(said[1].contains("choose CC-BY-SA-4.0 in place of \"CC-BY-4.0\""), "{said:?}");
    let (_, said) = share(&cedar, "Fractions in cake", "CC BY-SA", &[&alike]);
    assert_eq!(said, [""; 0], "the same licence is what it asks for");
    // What a school makes of its own is its own matter.
    let (_, said) = share(&ash, "Fractions for year 5", "CC BY", &[&fixed]);
    assert_eq!(said, [""; 0]);

    ash.finds("cake", 1);
    ash.waits_for("both adaptations", || {
        let shown = on_one_line(&ash.done(&["show", &alike]));
        ["Adapted by 2 schools:", "\"Halves and quarters\" by Beech Primary", "by Cedar Academy"]
            .iter()
            .all(|text| shown.contains(text))
    });
    let shown = on_one_line(&beech.done(&["show", &changed]));
    for title in ["Fractions as they are", "Fractions alike"] {
        let line = format!("Adapted from \"{title}\" by Ash Primary (CC-BY-");
        assert!(shown.contains(&line), "{shown}");
    }
    let page = ash.browser().page(&format!("/records/{alike}"));
    assert!(
        page.contains("Adapted by 2 schools") && page.contains("Halves and quarters"),
        "{page}"
    );

    // One that was withdrawn is not named any more.
    beech.done(&["withdraw", &changed, "--reason", "The licence did not allow it"]);
    ash.waits_for("the withdrawal", || {
        ash.done(&["show", &alike]).contains("Adapted by 1 school: Cedar Academy")
    });
}

#[test]
fn a_resource_is_described_for_catalogues_and_a_title_from_elsewhere_stays_a_text() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let (cards, _) = share(&ash, "Fraction cards", "CC BY", &[]);
    beech.finds("fraction cards", 1);
    let hostile = "Cards </script><script>alert(1)</script> <!--<script> \u{2028} end";
    let (id, _) = share(&beech, &serde_json::to_string(hostile).unwrap(), "CC BY", &[&cards]);
    ash.finds("alert", 1);
    let browser = ash.browser();
    let mut answer = browser.open(&format!("/api/v1/records/{id}/json-ld"));
    assert_eq!(answer.headers()["content-type"], "application/ld+json");
    let described: Value = answer.body_mut().read_json().unwrap();
    assert_eq!(described["@type"], "LearningResource");
    assert_eq!(described["name"], hostile);
    assert_eq!(described["publisher"]["name"], "Beech Primary");
    assert_eq!(described["license"], "https://spdx.org/licenses/CC-BY-4.0");

    // The same on the page, where no script but those of this node runs.
    let address = format!("/records/{id}");
    let on_page = || {
        let mut answer = browser.open(&address);
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self';"), "{policy}");
        let page = answer.body_mut().read_to_string().unwrap();
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        let (_, data) = page.split_once("<script type=\"application/ld+json\">").unwrap();
        serde_json::from_str::<Value>(data.split("</script").next().unwrap()).unwrap()
    };
    ash.waits_for("the full text", || on_page()["isBasedOn"][0]["name"] == "Fraction cards");
    let described: Value =
        browser.open(&format!("/api/v1{address}/json-ld")).body_mut().read_json().unwrap();
    assert_eq!(on_page(), described);

    let tried = publish(&ash, intervention("Echo reading", "Fluent readers."));
    assert!(!browser.page(&format!("/records/{tried}")).contains("ld+json"));
    let mut none = browser.open(&format!("/api/v1/records/{tried}/json-ld"));
    let said = none.body_mut().read_to_string().unwrap();
    assert!(none.status() == 404 && said.contains("only resources"), "{said}");
}
