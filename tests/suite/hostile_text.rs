//! What a hostile school writes in every text of every kind of record, and what somebody puts behind every address,
//! is text and nothing else wherever it is shown.

mod filled;
mod shown;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::record::Kind;
use staffroom_tests::School;
use staffroom_tests::browser::Browser;
use staffroom_tests::mallory::Mallory;

use self::filled::{MARK, Sample, TEMPTATIONS, Temptation};
use self::shown::{Shown, sort_of};
use crate::running;

/// Addresses of one sort that are asked for, but for those of records.
const EACH: usize = 6;

/// The file of each resource.
const PAGE: &[u8] = b"<script>zq()</script>";

/// A school, and a member that shared a record of every kind with each temptation in every text.
struct Shared {
    ash: School,
    /// Keeps answering.
    _mallory: Mallory,
    group: String,
    records: BTreeMap<RecordId, (Kind, &'static Temptation, Sample)>,
    file: Hash,
}

fn id_of(name: &str) -> RecordId {
    let hash = Hash::of(name.as_bytes());
    RecordId::from_bytes(hash.as_bytes()[..16].try_into().unwrap())
}

fn shared() -> Shared {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let described: Value = serde_json::from_str(&ash.done(&["api"])).unwrap();
    let invite = ash.invite("Fenland Trust").parse().unwrap();
    let mallory = Mallory::start();
    mallory.join(&invite);
    let school = mallory.node.identity().school();
    let file = Hash::of(PAGE);
    let mut records = BTreeMap::new();
    let mut entries = Vec::new();
    for temptation in TEMPTATIONS {
        for kind in Kind::ALL {
            let id = id_of(&format!("{kind}{}", temptation.name));
            // All are about the intervention of the same sort, which their school shared as well.
            let about = id_of(&format!("intervention{}", temptation.name));
            let sample = Sample::of(&described, *kind, temptation, (about, school));
            let entry = mallory.shares(invite.group, id, &sample.record, &[PAGE]);
            entries.push(entry);
            records.insert(id, (*kind, temptation, sample));
        }
    }
    mallory.is_heard_by(&ash, invite.group);
    for entry in entries {
        mallory.tell(invite.group, entry);
    }
    let number = records.len();
    ash.waits_for("all records with their full texts", || {
        let group = &ash.json(&["status"])["groups"][0];
        let entries = group["entries"].as_u64().unwrap_or_default();
        entries > number as u64 && group["bodies_missing"].as_u64() <= Some(40)
    });
    let bearer = ash.bearer();
    let nobody = Browser::at(ash.page());
    ash.waits_for("the full text of each", || {
        records.keys().all(|id| {
            let answer = nobody
                .open_with(&format!("/api/v1/records/{id}"), &[("authorization", bearer.as_str())]);
            let record: Value = answer.into_body().read_json().unwrap();
            record["record"].is_object()
        })
    });
    Shared { group: invite.group.to_string(), ash, _mallory: mallory, records, file }
}

#[test]
fn every_text_of_every_kind_from_another_school_is_text_wherever_it_is_shown() {
    let shared = shared();
    let Shared { ash, records, group, file, .. } = &shared;
    ash.done(&["search", MARK, "--save", "Mine"]);
    let browser = ash.browser();
    let first = records.keys().next().unwrap();
    let mut shown = Shown::default();

    // Pages, and what they lead to.
    let mut waiting: Vec<String> =
        ["/", "/search?q=zq", "/search?q=zq&sort=newest", "/suggestions?q=zq"]
            .map(str::to_owned)
            .to_vec();
    waiting.extend(records.keys().map(|id| format!("/records/{id}")));
    waiting.extend(records.keys().map(|id| format!("/records/{id}/references.ris")));
    waiting.push(format!("/records/{first}/files/{file}"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut known: BTreeSet<String> = waiting.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let sort = sort_of(&path);
        let count = counts.entry(sort.clone()).or_default();
        *count += 1;
        if *count > EACH && !sort.starts_with("/records/one") || *count > 400 {
            continue;
        }
        for link in shown.take(&path, browser.open(&path)) {
            if known.insert(link.clone()) {
                waiting.push(link);
            }
        }
    }
    for sort in [
        "/",
        "/search",
        "/search/results.csv",
        "/framework",
        "/framework/decisions.csv",
        "/development",
        "/development/offers.csv",
        "/this-year",
        "/records/one",
        "/records/one/references.ris",
        "/resources",
        "/saved-searches",
        "/saved-searches/feed",
        "/network/one",
        "/network/one/feed",
        "/network/one/map",
        "/network/one/schools.csv",
        "/write",
        "/audit",
    ] {
        assert!(counts.contains_key(sort), "{sort} was not asked for, only {:?}", counts.keys());
    }

    // What programs ask for.
    let described: Value = serde_json::from_str(&ash.done(&["api"])).unwrap();
    let bearer = ash.bearer();
    let program = Browser::at(ash.page());
    for (path, operations) in described["paths"].as_object().unwrap() {
        if operations.get("get").is_none() {
            continue;
        }
        let ids: Vec<_> =
            if path.contains("{id}") { records.keys().collect() } else { vec![first] };
        for id in ids {
            let path = path
                .replace("{id}", &id.to_string())
                .replace("{group}", group)
                .replace("{hash}", &file.to_string())
                .replace("{number}", "1")
                .replace("{name}", "Mine");
            assert!(!path.contains('{'), "{path} has a part that is not filled in");
            let path =
                if path.ends_with("/search") { format!("{path}?q=zq&limit=100") } else { path };
            shown.take(&path, program.open_with(&path, &[("authorization", &bearer)]));
        }
    }
    for (id, (kind, temptation, _)) in records {
        if *kind == Kind::Intervention {
            let plot = ash.write("plot.svg", "");
            ash.done(&["show", &id.to_string(), "--plot", plot.to_str().unwrap()]);
            shown.picture(temptation.name, &std::fs::read_to_string(plot).unwrap());
        }
    }
    assert_eq!(shown.wrong, Vec::<String>::new());

    // It was all there to be shown: the record's own page or the API has every text of it.
    for (id, (kind, temptation, sample)) in records {
        let api = shown.said(&format!("/api/v1/records/{id}"));
        for (place, mark) in &sample.marks {
            assert!(api.contains(mark), "{kind} {}: {place} is not in the API", temptation.name);
        }
        let page = shown.said(&format!("/records/{id}"));
        let on_page = sample.marks.iter().filter(|(_, mark)| page.contains(mark.as_str())).count();
        assert!(on_page * 2 >= sample.marks.len(), "{kind}: {on_page} of {}", sample.marks.len());
    }
}

#[test]
fn what_stands_behind_an_address_is_text_on_every_page() {
    let mut ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let id = crate::publish(&ash, crate::intervention("Echo reading", "Fluent readers by summer."));
    ash.finds("echo", 1);
    ash.done(&["search", "echo", "--save", "Echo"]);
    let browser = ash.browser();
    // Every page that links lead to, and every name that forms and links put behind one.
    let mut waiting = vec!["/".to_owned(), format!("/records/{id}"), "/search?q=echo".to_owned()];
    let mut paths: BTreeSet<String> =
        ["/suggestions", "/language", "/sign-in", "/sign-in/return", "/metrics"]
            .map(str::to_owned)
            .into();
    let mut names: BTreeSet<String> =
        ["to", "back", "lang", "year", "page", "error", "state", "code", "error_description"]
            .map(str::to_owned)
            .into();
    let described: Value = serde_json::from_str(&ash.done(&["api"])).unwrap();
    for operations in described["paths"].as_object().unwrap().values() {
        let asked = operations["get"]["parameters"].as_array();
        let asked = asked.into_iter().flatten().filter(|one| one["in"] == "query");
        names.extend(asked.map(|one| one["name"].as_str().unwrap().to_owned()));
    }
    let mut shown = Shown::default();
    let mut sorts = BTreeSet::new();
    while let Some(link) = waiting.pop() {
        let (path, query) = link.split_once('?').unwrap_or((&link, ""));
        names.extend(query.split('&').filter_map(|one| Some(one.split_once('=')?.0.to_owned())));
        if !sorts.insert(sort_of(&link)) {
            continue;
        }
        paths.insert(path.to_owned());
        waiting.extend(shown.take(&link, browser.open(&link)));
        names.extend(shown.names.iter().cloned());
    }
    assert!(paths.len() > 20 && names.len() > 30, "{paths:?} {names:?}");

    let nobody = Browser::at(ash.page());
    let encoded =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    // One of each sort: every name is asked for at every page, which takes a while.
    let asked = ["markup", "scheme", "another site", "lines"];
    for temptation in TEMPTATIONS.iter().filter(|one| asked.contains(&one.name)) {
        let value = encoded(&temptation.with("zq0"));
        for path in &paths {
            let all = names.iter().map(|name| format!("{name}={value}")).collect::<Vec<_>>();
            for query in all.iter().chain([&all.join("&"), &format!("{value}={value}")]) {
                if path == "/sign-out" {
                    continue;
                }
                let address = format!("{path}?{query}");
                // What is too long is refused as it is, and no page.
                if address.len() < 8_000 {
                    shown.take(&address, browser.open(&address));
                    if path.starts_with("/sign-in") || path == "/language" {
                        shown.take(&address, nobody.open(&address));
                    }
                }
            }
        }
        // In the place of what an address names.
        for path in ["/records/", "/network/", "/write/", "/link/", "/nothing/", "/settings/"] {
            let address = format!("{path}{value}");
            shown.take(&address, browser.open(&address));
            shown.take(&address, nobody.open(&address));
        }
    }
    assert_eq!(shown.wrong, Vec::<String>::new());
    assert!(ash.is_running());
}
