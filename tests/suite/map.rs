//! The map of a group's schools, and the list that says the same.

use staffroom_tests::School;

use crate::markup::Markup;
use crate::{PROGRAM, running};

/// A school that says where it is, and whose node runs.
fn at(name: &str, location: &str) -> School {
    let mut school = School::without_data(PROGRAM, name);
    school.done(&["init", "--name", name, "--location", location]);
    school.start();
    school
}

#[test]
fn schools_stand_where_they_are_and_the_list_says_all_that_the_map_shows() {
    const HOSTILE: &str = "</svg><img src=x onerror=alert(1)>\"'";
    let mut ash = at("Ash Primary", "Northfen, TF 412 107");
    // The second is 300 metres from the first, the third on the very same spot.
    let (beech, cedar) = (at("Beech Primary", "TF 414 109"), at("Cedar Primary", "TF 412 107"));
    let (mallory, elm) = (at(HOSTILE, &format!("{HOSTILE} 90.0 180.0")), running("Elm Primary"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar, &mallory, &elm]);
    let reader = ash.colleague("reader", &["reader"]);
    let group = ash.json(&["group", "list"])[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/network/{group}/map");
    let open = || reader.page(&path);
    ash.waits_for("all to be connected", || {
        Markup::of(&open()).text.matches("connected").count() >= 4
    });
    assert!(reader.page(&format!("/network/{group}")).contains(&format!("href=\"{path}\"")));

    let page = open();
    let read = Markup::of(&page);
    let marks = read.elements.iter().filter(|one| one.name == "g").count();
    assert_eq!(marks, 4, "a mark for each school that says where it is: {page}");
    assert!(!read.elements.iter().any(|one| one.name == "img"), "{page}");
    let said = read.text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Distance from Ash Primary",
        "Beech Primary TF 414 109 connected 0.3 km to the north-east",
        "Cedar Primary TF 412 107 connected on the same spot",
        "90.0 180.0 connected",
        "Schools that are not on the map",
        "Elm Primary",
        "staffroom init --name",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    // From the school to the pole: 37.3 degrees of 111.2 kilometres.
    assert!(
        said.contains("4149 km to the north") || said.contains("4150 km to the north"),
        "{said}"
    );
    // A school that is away has another shape, not only another colour.
    let shape = |page: &str, class: &str| {
        let read = Markup::of(page);
        let marks = read.elements.iter().filter(|one| one.name == "path");
        let mut shapes: Vec<_> = marks
            .filter(|one| one.value("class") == Some(class))
            .map(|one| one.value("d").unwrap_or_default().to_owned())
            .collect();
        shapes.dedup();
        assert_eq!(shapes.len(), 1, "one shape for {class}: {shapes:?}");
        shapes.remove(0)
    };
    let classes = ["own", "connected", "day", "week", "longer"];
    let mut shapes = classes.map(|class| shape(&page, class)).to_vec();
    shapes.sort();
    shapes.dedup();
    assert_eq!(shapes.len(), classes.len());
    let mut cedar = cedar;
    cedar.stop();
    ash.waits_for("it to be away", || {
        let text = Markup::of(&open()).text;
        text.contains("was last heard from less than a minute ago")
    });
    assert!(ash.is_running());
}

#[test]
fn a_group_of_which_nobody_says_where_it_is_is_told_how() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let group = ash.json(&["group", "list"])[0]["id"].as_str().unwrap().to_owned();
    let page = ash.browser().page(&format!("/network/{group}/map"));
    assert!(page.contains("No school of the group says where it is"), "{page}");
    assert!(!page.contains("<figure"), "{page}");
    assert!(page.contains("TF 412 107"), "{page}");
}
