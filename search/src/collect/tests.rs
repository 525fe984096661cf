//! What becomes of the matches: counted, ordered, folded.

use jiff::civil::date;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::record::Period;

use super::*;
use crate::evidence::{Interval, LineageEvidence, Strength};
use crate::testing::{document, group, index_of, open, put, school, search, titles};
use crate::{Document, Index, ReaderContext, Results};

/// A record of the lineage that starts from record `origin` of school 1.
fn of_lineage(mut record: Document, origin: u32, strength: Option<Strength>) -> Document {
    record.lineage = Some(LineageEvidence {
        origin: (school(1), document(origin, "").key.record),
        strength,
        started: 4,
        reported: u32::from(strength.is_some()),
        stopped: 1,
        did_not_work: 0,
        effect: None,
        phases: Vec::new(),
    });
    record
}

fn counts(results: &Results, facet: Facet) -> Vec<(String, u64)> {
    let counts = results.facets.get(&facet).into_iter().flatten();
    counts.map(|one| (one.value.clone(), one.count)).collect()
}

fn ask(index: &Index, query: Query) -> Results {
    index.search(&query).unwrap()
}

/// Records 0 to 59 of two dimensions: subject by twos, key stage by threes.
fn grid() -> impl Iterator<Item = Document> {
    (0..60).map(|n| {
        let mut one = document(n, "reading");
        one.summary.subjects = vec![["english", "history"][n as usize % 2].to_owned()];
        one.summary.key_stages = vec![["ks1", "ks2", "ks3"][n as usize % 3].to_owned()];
        one
    })
}

#[test]
fn a_dimension_is_counted_as_if_it_were_not_narrowed_itself() {
    let (_folder, index) = index_of(grid());
    let filters = Filters::default().with(Facet::Subject, "english").with(Facet::KeyStage, "ks1");
    let results = ask(&index, Query { filters, ..Query::new("reading") });
    assert_eq!(results.total, 10);
    let expected = |values: &[(&str, u64)]| {
        values.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect::<Vec<_>>()
    };
    // Of key stage 1, both subjects; of English, all key stages.
    assert_eq!(counts(&results, Facet::Subject), expected(&[("english", 10), ("history", 10)]));
    assert_eq!(
        counts(&results, Facet::KeyStage),
        expected(&[("ks1", 10), ("ks2", 10), ("ks3", 10)])
    );
    // A dimension that is not narrowed counts what was found.
    assert_eq!(counts(&results, Facet::Kind), expected(&[("intervention", 10)]));
}

#[test]
fn what_lies_outside_of_the_groups_that_may_be_read_is_neither_found_nor_counted() {
    let of_group = |number: u8| {
        let mut one = document(number.into(), "reading");
        one.key.group = group(number);
        one.summary.tags = vec![format!("tag{number}")];
        one
    };
    let (_folder, index) = index_of([1, 2, 3].map(of_group));
    let seen = |groups: &[u8]| {
        let filters = Filters::default().within(groups.iter().map(|one| group(*one)));
        let results = ask(&index, Query { filters, ..Query::new("reading") });
        let groups = counts(&results, Facet::Group).len();
        (results.total, counts(&results, Facet::Tag).len(), groups)
    };
    assert_eq!(seen(&[1, 2, 3]), (3, 3, 3));
    assert_eq!(seen(&[1, 2, 3, 4]), (3, 3, 3));
    assert_eq!(seen(&[1, 3]), (2, 2, 2));
    assert_eq!(seen(&[4]), (0, 0, 0));
    assert_eq!(seen(&[]), (0, 0, 0));
}

#[test]
fn a_value_that_is_narrowed_to_is_counted_even_where_there_is_none() {
    let (_folder, index) = index_of(grid());
    let filters = Filters::default().with(Facet::Subject, "history").with(Facet::KeyStage, "ks2");
    let results = ask(&index, Query { filters, ..Query::new("-reading") });
    assert_eq!(results.total, 0);
    assert_eq!(counts(&results, Facet::Subject), [("history".to_owned(), 0)]);
}

#[test]
fn no_more_values_are_named_than_a_page_can_use_and_those_are_the_most_frequent() {
    let tagged = (0..400).map(|n| {
        let mut one = document(n, "reading");
        one.summary.tags = vec![format!("tag{n:03}")];
        if n < 3 {
            one.summary.tags.push("tag399".to_owned());
        }
        one
    });
    let (_folder, index) = index_of(tagged);
    let tags = counts(&search(&index, "reading"), Facet::Tag);
    assert_eq!(tags.len(), MAX_FACET_VALUES);
    assert_eq!(tags[..2], [("tag399".to_owned(), 4), ("tag000".to_owned(), 1)]);
    assert_eq!(tags[199].0, "tag198");

    let filters = Filters::default().with(Facet::Tag, "tag350");
    let results = ask(&index, Query { filters, ..Query::new("reading") });
    assert_eq!(results.total, 1);
    assert_eq!(counts(&results, Facet::Tag).last().unwrap(), &("tag350".to_owned(), 1));
}

#[test]
fn two_threads_find_what_a_count_by_hand_finds() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    let all = 3_000;
    assert!(worth_two(all.into()));
    let numbered = |n: u32| {
        let title = if n.is_multiple_of(3) { "reading writing" } else { "reading" };
        let mut one = document(n, title);
        one.summary.tags = vec![format!("tag{}", n % 7)];
        put(one)
    };
    index.apply((0..all / 3).map(numbered)).unwrap();
    index.commit(1).unwrap();
    index.apply((all / 3..all).map(numbered)).unwrap();
    index.apply((0..10).map(|n| put(document(n, "removed from where it was")))).unwrap();
    index.commit(2).unwrap();
    assert!(index.view().segments.len() > 1);

    let results = ask(&index, Query { limit: 5, ..Query::new("writing") });
    let expected = (10..all).filter(|n| n.is_multiple_of(3));
    assert_eq!(results.total, expected.clone().count());
    for tag in 0..7 {
        let count = expected.clone().filter(|n| n % 7 == tag).count() as u64;
        assert!(counts(&results, Facet::Tag).contains(&(format!("tag{tag}"), count)), "{tag}");
    }
    let newest: Vec<u64> = results.hits.iter().map(|hit| hit.clock.millis()).collect();
    let expected: Vec<u64> = expected.rev().take(5).map(u64::from).collect();
    assert_eq!(newest, expected);
}

#[test]
fn both_halves_together_are_all_documents_once() {
    let (_folder, index) = index_of(grid());
    let view = index.view();
    let [first, second] = halves(&view);
    assert!(second.is_empty(), "so few are searched by one thread");
    let docs: usize = first.iter().map(|piece| piece.docs.len()).sum();
    assert_eq!(docs, 60);
}

#[test]
fn evidence_moves_what_fits_equally_well_and_its_parts_say_how() {
    let steps = [None].into_iter().chain(Strength::ALL.map(Some));
    let documents = (0..).zip(steps).map(|(n, strength)| {
        // The newest has the least evidence.
        of_lineage(document(100 - n, "reading"), n, strength)
    });
    let (_folder, index) = index_of(documents);
    let strengths = |results: &Results| {
        let strength = |hit: &crate::Hit| hit.lineage.as_ref().and_then(|one| one.strength);
        results.hits.iter().map(strength).collect::<Vec<_>>()
    };
    let found = search(&index, "reading");
    let mut expected: Vec<_> = Strength::ALL.map(Some).into_iter().rev().collect();
    expected.push(None);
    assert_eq!(strengths(&found), expected);
    // The one with the most evidence is met last, when others have filled the page.
    let first = ask(&index, Query { limit: 1, ..Query::new("reading") });
    assert_eq!(strengths(&first), expected[..1]);
    let best = &found.hits[0];
    assert!((best.explanation.strength - 1.20).abs() < 1e-6, "{:?}", best.explanation);
    assert!((best.score - best.explanation.score()).abs() < 1e-6);
    let last = &found.hits[5].explanation;
    assert!((last.factor() - 1.0).abs() < 1e-6, "{last:?}");

    let relevance = ask(&index, Query { sort: Sort::Relevance, ..Query::new("reading") });
    expected.reverse();
    assert_eq!(strengths(&relevance), expected);
}

#[test]
fn what_did_not_work_stands_where_it_would_if_it_had() {
    let with_effect = |record, estimate: f64| {
        let mut one = of_lineage(document(record, "reading aloud"), record, Some(Strength::Tested));
        one.effect = Some(estimate);
        one.clock = Timestamp::from_millis(5);
        if let Some(lineage) = &mut one.lineage {
            let interval = Interval { estimate, low: estimate - 0.1, high: estimate + 0.1 };
            lineage.effect = Some(interval);
            lineage.did_not_work = u32::from(estimate < 0.0);
        }
        one
    };
    let order = |effects: [f64; 3]| {
        let (_folder, index) = index_of((0..).zip(effects).map(|(n, g)| with_effect(n, g)));
        let found = search(&index, "reading aloud");
        found.hits.iter().map(|hit| (hit.key, hit.score.to_bits())).collect::<Vec<_>>()
    };
    assert_eq!(order([-0.4, 0.1, 0.9]), order([0.9, -0.4, 0.1]));
    assert_eq!(order([-0.4, 0.1, 0.9]), order([0.0, 0.0, 0.0]));
}

#[test]
fn evidence_does_not_bring_up_what_hardly_fits() {
    let mut beside = of_lineage(document(1, "Homework"), 1, Some(Strength::WellTested));
    beside.summary.abstract_text = "Many words about this and that. ".repeat(20) + "Also phonics.";
    let others = (10..40).map(|n| document(n, "Lunch"));
    let (_folder, index) =
        index_of([beside, document(2, "Phonics games")].into_iter().chain(others));
    assert_eq!(titles(&search(&index, "phonics games")), ["Phonics games", "Homework"]);
}

#[test]
fn what_is_like_the_readers_own_school_comes_first() {
    let mut phase = document(1, "reading");
    phase.phase = Some("primary".to_owned());
    let mut key_stage = document(2, "reading");
    key_stage.summary.key_stages = vec!["ks2".to_owned()];
    let mut pupils = document(3, "reading");
    pupils.summary.pupil_groups = vec!["send".to_owned()];
    let mut recent = document(4, "reading");
    recent.summary.period = Some(Period { from: date(2024, 1, 1), to: Some(date(2026, 9, 1)) });
    let mut old = document(5, "reading");
    old.summary.period = Some(Period { from: date(2009, 9, 1), to: Some(date(2010, 7, 1)) });
    // Beside these, what the labels do to the length of a text counts for nothing.
    let all_of_them = [&mut phase, &mut key_stage, &mut pupils, &mut recent, &mut old];
    for one in all_of_them {
        one.summary.abstract_text = "They practised together in quiet corners. ".repeat(20);
    }
    let (_folder, index) = index_of([phase, key_stage, pupils, recent, old]);

    let first = |reader: ReaderContext| {
        let hits = ask(&index, Query { reader: Some(reader), ..Query::new("reading") }).hits;
        (hits[0].clock.millis(), hits[0].explanation)
    };
    let of = ReaderContext::default;
    let (found, parts) = first(ReaderContext { phase: Some("primary".to_owned()), ..of() });
    assert_eq!((found, parts.phase), (1, 1.05));
    let (found, parts) = first(ReaderContext { key_stages: vec!["ks2".to_owned()], ..of() });
    assert_eq!((found, parts.key_stage), (2, 1.03));
    let (found, parts) = first(ReaderContext { pupil_groups: vec!["send".to_owned()], ..of() });
    assert_eq!((found, parts.pupil_group), (3, 1.03));
    let (found, parts) = first(ReaderContext { today: Some(date(2026, 9, 1)), ..of() });
    assert_eq!((found, parts.recency), (4, 1.05));
    let (found, _) = first(of());
    assert_eq!(found, 5, "without a reader the newest version of equals comes first");
}

/// Three lineages of four records each, of schools 1 to 4, and one record of none.
fn lineages() -> Vec<Document> {
    let mut documents = vec![document(99, "reading alone")];
    for origin in 0..3 {
        for n in 0..4_u8 {
            let number = origin * 4 + u32::from(n);
            let mut one = document(number, &format!("reading {origin} school {}", n + 1));
            one.key.school = school(n + 1);
            one.summary.subjects = vec![format!("subject-{n}")];
            one.summary.abstract_text = "reading ".repeat(usize::from(n));
            documents.push(of_lineage(one, origin * 4, None));
        }
    }
    documents
}

#[test]
fn a_lineage_is_listed_once_with_its_schools_and_counted_by_records() {
    let (_folder, index) = index_of(lineages());
    let found = search(&index, "reading");
    assert_eq!((found.total, found.hits.len(), found.more), (13, 4, false));
    let folded: Vec<_> = found.hits.iter().filter(|hit| hit.lineage.is_some()).collect();
    assert_eq!(folded.len(), 3);
    for hit in &folded {
        assert_eq!(hit.schools, [1, 2, 3, 4].map(school));
        assert_eq!(hit.lineage.as_ref().unwrap().started, 4);
    }
    let alone = found.hits.iter().find(|hit| hit.lineage.is_none()).unwrap();
    assert_eq!(alone.schools, []);

    // Only schools whose own record matches are folded in.
    let filters =
        Filters::default().with(Facet::Subject, "subject-1").with(Facet::Subject, "subject-3");
    let found = ask(&index, Query { filters, ..Query::new("reading") });
    assert_eq!((found.total, found.hits.len()), (6, 3));
    assert_eq!(found.hits[0].schools, [2, 4].map(school));

    for sort in [Sort::Relevance, Sort::Newest] {
        let found = ask(&index, Query { sort, ..Query::new("reading") });
        assert_eq!((found.total, found.hits.len()), (13, 13), "{sort:?}");
        assert!(found.hits.iter().all(|hit| hit.schools.is_empty()));
    }
}

#[test]
fn pages_of_lineages_neither_overlap_nor_miss_in_many_segments() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    for part in lineages().chunks(3) {
        index.apply(part.iter().cloned().map(put)).unwrap();
        index.commit(1).unwrap();
    }
    let (_other, one_segment) = index_of(lineages());
    let page = |index: &Index, offset, limit| {
        let found = ask(index, Query { offset, limit, ..Query::new("reading") });
        (titles(&found), found.more)
    };
    let (whole, more) = page(&one_segment, 0, 10);
    assert_eq!((whole.len(), more), (4, false));
    assert_eq!(page(&index, 0, 10).0, whole);
    for (place, title) in whole.iter().enumerate() {
        assert_eq!(page(&index, place, 1), (vec![title.clone()], place < 3));
    }
}

#[test]
fn effects_evidence_and_phases_narrow() {
    let mut own = document(1, "own figures");
    own.effect = Some(-0.3);
    let mut pooled = of_lineage(document(2, "pooled"), 2, Some(Strength::Promising));
    if let Some(lineage) = &mut pooled.lineage {
        lineage.effect = Some(Interval { estimate: 0.25, low: 0.1, high: 0.4 });
        lineage.phases = vec!["primary".to_owned()];
    }
    let mut unreported = of_lineage(document(3, "unreported"), 3, None);
    unreported.phase = Some("primary".to_owned());
    let mut alone = document(4, "alone");
    alone.phase = Some("primary".to_owned());
    let (_folder, index) = index_of([own, pooled, unreported, alone]);
    let found = |filters| titles(&ask(&index, Query { filters, ..Query::new("") }));
    let filters = |change: &dyn Fn(&mut Filters)| {
        let mut filters = Filters::default();
        change(&mut filters);
        filters
    };
    let between =
        |from, to| filters(&|filters| (filters.effect_from, filters.effect_to) = (from, to));

    assert_eq!(found(between(Some(0.0), None)), ["pooled"]);
    assert_eq!(found(between(None, Some(0.0))), ["own figures"]);
    assert_eq!(found(between(Some(-0.3), Some(0.25))), ["pooled", "own figures"]);
    assert_eq!(found(filters(&|filters| filters.with_evidence = true)), ["pooled"]);
    let phase = Some("primary".to_owned());
    assert_eq!(
        found(filters(&|filters| filters.not_tried_in.clone_from(&phase))),
        ["unreported", "own figures"]
    );

    let refused =
        |filters| index.search(&Query { filters, ..Query::new("") }).unwrap_err().to_string();
    assert!(refused(between(Some(0.5), Some(0.1))).contains("0.5 is above the greatest 0.1"));
    assert!(refused(between(Some(f64::NAN), None)).contains("not a number"));
}

#[test]
fn values_that_went_with_their_documents_are_forgotten() {
    let (_folder, index) = index_of([document(1, "reading")]);
    for round in 0..60 {
        let mut tagged = document(1, "reading");
        tagged.summary.tags = (0..40).map(|n| format!("tag-{round}-{n}")).collect();
        index.apply([put(tagged)]).unwrap();
        index.commit(round).unwrap();
        index.purge().unwrap();
    }
    assert!(index.view().values.len() < 60 * 40, "{}", index.view().values.len());
    let tags = counts(&search(&index, "reading"), Facet::Tag);
    assert_eq!(tags.len(), 40);
    assert!(tags.iter().all(|(tag, count)| tag.starts_with("tag-59-") && *count == 1));
}

#[test]
fn dimensions_with_unexpectedly_many_values_are_narrowed_counted_and_in_common_all_the_same() {
    let numbered = |n: u32| {
        let mut one = document(n, "reading");
        one.phase = Some(format!("phase{n:03}"));
        one.summary.subjects = vec![format!("subject{:03}", n % 90)];
        one.summary.tags = (0..n % 12).map(|tag| format!("tag{tag:02}")).collect();
        one
    };
    let (_folder, index) = index_of((0..180).map(numbered));
    let found = search(&index, "reading");
    assert_eq!(counts(&found, Facet::Subject).len(), 90);
    assert!(counts(&found, Facet::Subject).iter().all(|(_, count)| *count == 2));
    let tags: Vec<(String, u64)> =
        (0..11).map(|tag| (format!("tag{tag:02}"), 165 - 15 * tag)).collect();
    assert_eq!(counts(&found, Facet::Tag), tags);

    for n in [3, 89] {
        let own = format!("subject{n:03}");
        let filters = Filters::default().with(Facet::Subject, &own).with(Facet::Tag, "tag01");
        let found = ask(&index, Query { filters, ..Query::new("reading") });
        assert_eq!(found.total, (n..180).step_by(90).filter(|n| n % 12 > 1).count(), "{own}");
        // Without its own filter each subject has those with the tag.
        let of_subject = |one: &(String, u64)| one.0 == own && one.1 == found.total as u64;
        assert!(counts(&found, Facet::Subject).iter().any(of_subject), "{own}");
    }
    for n in [0, 179] {
        let reader = ReaderContext { phase: Some(format!("phase{n:03}")), ..Default::default() };
        let filters = Filters::default().with(Facet::Subject, format!("subject{:03}", n % 90));
        let query = Query { reader: Some(reader), filters, ..Query::new("reading") };
        let hits = ask(&index, query).hits;
        assert_eq!(hits.len(), 2);
        for hit in hits {
            let expected = if hit.clock.millis() == n { 1.05 } else { 1.0 };
            assert_eq!(hit.explanation.phase, expected, "{n} {}", hit.clock.millis());
        }
    }
}
