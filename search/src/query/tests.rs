//! What people ask, against a small index.

use jiff::civil::date;
use proptest::prelude::*;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::record::{File, Period, Reference, Summary};

use super::*;
use crate::evidence::{LineageEvidence, Strength};
use crate::testing::{document, group, index_of, put, school, search, titles};
use crate::{Change, Document, FacetCount, Index, SnippetSource, Synonyms};

fn filtered(index: &Index, filters: Filters) -> Vec<String> {
    let mut found = titles(&index.search(&Query { filters, ..Query::new("") }).unwrap());
    found.sort();
    found
}

#[test]
fn finds_other_forms_of_a_word_in_every_text() {
    let mut in_abstract = document(2, "second");
    in_abstract.summary.abstract_text = "Dividing fractions".to_owned();
    let mut in_body = document(3, "third");
    in_body.body = "Fraction walls were used.".to_owned();
    let mut in_files = document(4, "fourth");
    in_files.file_text = "FRACTIONAL".to_owned();
    let mut in_labels = document(5, "fifth");
    in_labels.summary.tags = vec!["fractions".to_owned()];
    let (_folder, index) = index_of([
        document(1, "Fractions first"),
        in_abstract,
        in_body,
        in_files,
        in_labels,
        document(6, "Decimals"),
    ]);

    let mut found = titles(&search(&index, "fraction"));
    found.sort();
    assert_eq!(found, ["Fractions first", "fifth", "fourth", "second", "third"]);
    assert_eq!(search(&index, "percentages").total, 0);
}

#[test]
fn a_word_in_the_title_counts_more_than_one_deep_in_a_file() {
    let mut in_file = document(1, "Worksheets");
    in_file.file_text = "phonics ".repeat(3) + &"and other things ".repeat(50);
    let (_folder, index) = index_of([in_file, document(2, "Phonics every day")]);
    assert_eq!(titles(&search(&index, "phonics")), ["Phonics every day", "Worksheets"]);
}

#[test]
fn school_names_accents_and_apostrophes_are_found_as_people_type_them() {
    let mut named = document(1, "Pupils’ vocabulary in Français");
    named.school_name = "St Mary’s Primary".to_owned();
    let (_folder, index) = index_of([named]);
    for text in ["pupil's", "francais", "FRANC\u{327}AIS", "st mary's", "st marys’"] {
        assert_eq!(search(&index, text).total, 1, "{text}");
    }
}

#[test]
fn phrases_must_occur_and_excluded_words_must_not() {
    let (_folder, index) = index_of([
        document(1, "Cold calling in science"),
        document(2, "Calling parents on a cold day"),
        document(3, "Cold calling in maths"),
    ]);
    let mut found = titles(&search(&index, "\"cold calling\""));
    found.sort();
    assert_eq!(found, ["Cold calling in maths", "Cold calling in science"]);
    assert_eq!(titles(&search(&index, "\"cold calling\" maths"))[0], "Cold calling in maths");
    assert_eq!(
        titles(&search(&index, "\"calls\" -\"cold calling\"")),
        ["Calling parents on a cold day"]
    );
    assert_eq!(
        titles(&search(&index, "-maths")),
        ["Calling parents on a cold day", "Cold calling in science"]
    );
    assert_eq!(titles(&search(&index, "-cold")), Vec::<String>::new());
}

#[test]
fn a_word_typed_twice_weighs_more() {
    let (_folder, index) = index_of([document(1, "reading"), document(2, "writing")]);
    assert_eq!(titles(&search(&index, "reading reading writing"))[0], "reading");
    assert_eq!(titles(&search(&index, "reading writing writes"))[0], "writing");
}

#[test]
fn a_blank_text_lists_what_is_newest_first() {
    let (_folder, index) = index_of((1..=5).map(|n| document(n, &format!("title {n}"))));
    let expected = ["title 5", "title 4", "title 3", "title 2", "title 1"];
    assert_eq!(titles(&search(&index, "  ")), expected);

    let newest = Query { sort: Sort::Newest, ..Query::new("title") };
    let results = index.search(&newest).unwrap();
    assert_eq!(titles(&results), expected);
    assert!(results.hits.iter().all(|hit| hit.score == 0.0));
}

/// A document that has something in every dimension, each value ending in `name`.
fn with_everything(n: u8) -> Document {
    let value = |dimension: &str| format!("{dimension}-{n}");
    let mut document = document(n.into(), &format!("title {n}"));
    document.kind = value("kind");
    document.key.school = school(n);
    document.key.group = group(n);
    document.pupils = Some(u32::from(n) * 10);
    document.phase = Some(value("phase"));
    document.lineage = Some(LineageEvidence {
        origin: (document.key.school, document.key.record),
        strength: Some(Strength::ALL[usize::from(n)]),
        started: 1,
        reported: 1,
        stopped: 0,
        did_not_work: 0,
        effect: None,
        phases: vec![value("phase")],
    });
    document.summary = Summary {
        tags: vec![value("tag")],
        theme: Some(value("theme")),
        subjects: vec![value("subject"), "shared".to_owned()],
        key_stages: vec![value("key_stage")],
        year_groups: vec![value("year_group")],
        pupil_groups: vec![value("pupil_group")],
        practice_areas: vec![value("practice_area")],
        development_domains: vec![value("development_domain")],
        kind_type: Some(value("type")),
        state: Some(value("state")),
        cost_band: Some(value("cost_band")),
        conclusion: Some(value("conclusion")),
        design: Some(value("design")),
        ..document.summary
    };
    document
}

#[test]
fn every_dimension_filters_and_is_counted() {
    let (_folder, index) = index_of((1..=3).map(with_everything));
    for facet in Facet::ALL {
        let value = |n: u8| {
            if *facet == Facet::School {
                school(n).to_string()
            } else if *facet == Facet::Group {
                group(n).to_string()
            } else if *facet == Facet::Strength {
                Strength::ALL[usize::from(n)].as_str().to_owned()
            } else {
                format!("{facet}-{n}")
            }
        };
        let filters = Filters::default().with(*facet, value(2));
        assert_eq!(filtered(&index, filters.clone()), ["title 2"], "{facet}");
        let filters = filters.with(*facet, value(3));
        assert_eq!(filtered(&index, filters.clone()), ["title 2", "title 3"], "{facet}");

        let results = index.search(&Query { filters, ..Query::new("") }).unwrap();
        let counts: BTreeSet<_> = results.facets[facet]
            .iter()
            .filter(|counted| counted.value != "shared")
            .map(|counted| (counted.value.clone(), counted.count))
            .collect();
        let counted = if *facet == Facet::Group { 2..=3 } else { 1..=3 };
        assert_eq!(counts, counted.map(|n| (value(n), 1)).collect(), "{facet}");
    }
}

#[test]
fn dimensions_narrow_each_other() {
    let (_folder, index) = index_of((1..=3).map(with_everything));
    let both = |state| {
        Filters::default()
            .with(Facet::Subject, "subject-1")
            .with(Facet::Subject, "subject-2")
            .with(Facet::State, state)
    };
    assert_eq!(filtered(&index, both("state-2")), ["title 2"]);
    assert_eq!(filtered(&index, both("state-3")), Vec::<String>::new());
    let narrowed = Query { filters: both("state-2"), ..Query::new("title") };
    assert_eq!(index.search(&narrowed).unwrap().total, 1);
}

#[test]
fn counts_cover_all_pages_and_start_with_the_most_frequent_value() {
    let mut documents: Vec<_> = (1..=3).map(with_everything).collect();
    documents[0].summary.subjects.push("shared".to_owned());
    let (_folder, index) = index_of(documents);
    let results = index.search(&Query { limit: 1, ..Query::new("title") }).unwrap();
    assert_eq!((results.total, results.hits.len()), (3, 1));
    assert_eq!(
        results.facets[&Facet::Subject][0],
        FacetCount { value: "shared".to_owned(), count: 3 }
    );
    let names: Vec<_> = results.facets[&Facet::State].iter().map(|c| c.value.as_str()).collect();
    assert_eq!(names, ["state-1", "state-2", "state-3"]);

    let none = Query { facets: BTreeSet::new(), limit: 0, ..Query::new("title") };
    let results = index.search(&none).unwrap();
    assert_eq!((results.total, results.hits.len(), results.facets.len()), (3, 0, 0));
}

#[test]
fn days_are_those_of_the_period_else_of_the_record_else_of_the_version() {
    let mut past = document(1, "past");
    past.summary.period = Some(Period { from: date(2023, 9, 4), to: Some(date(2024, 7, 19)) });
    let mut running = document(2, "running");
    running.summary.period = Some(Period { from: date(2025, 1, 6), to: None });
    let mut written = document(3, "written");
    written.summary.created = Some(date(2024, 5, 1));
    let mut published = document(4, "published");
    published.clock = Timestamp::from_millis(1_764_000_000_000); // 24 November 2025
    let (_folder, index) = index_of([past, running, written, published]);

    let between = |from, to| Filters { from, to, ..Filters::default() };
    let day = |year, month, day| Some(date(year, month, day));
    assert_eq!(filtered(&index, between(day(2024, 7, 19), day(2024, 12, 31))), ["past"]);
    assert_eq!(filtered(&index, between(day(2024, 7, 20), None)), ["published", "running"]);
    assert_eq!(filtered(&index, between(None, day(2024, 5, 1))), ["past", "written"]);
    assert_eq!(filtered(&index, between(None, day(2023, 9, 3))), Vec::<String>::new());
    assert_eq!(
        filtered(&index, between(day(2025, 11, 24), day(2025, 11, 24))),
        ["published", "running"]
    );
}

#[test]
fn a_least_number_of_pupils_leaves_out_what_has_no_figures() {
    let (_folder, index) =
        index_of((1..=3).map(with_everything).chain([document(9, "no figures")]));
    let filters = Filters { min_pupils: Some(20), ..Filters::default() };
    assert_eq!(filtered(&index, filters), ["title 2", "title 3"]);
}

#[test]
fn pages_neither_overlap_nor_miss_among_equals_in_many_segments() {
    let folder = tempfile::tempdir().unwrap();
    let index = crate::testing::open(folder.path());
    let total: u32 = 90;
    for part in 0..6 {
        let numbers = (0..total).filter(|n| n % 6 == part);
        index
            .apply(numbers.map(|n| {
                let mut document = document(n, "equal in every way");
                document.clock = Timestamp::from_millis(5);
                put(document)
            }))
            .unwrap();
        index.commit(1).unwrap();
    }

    let page = |offset, limit| {
        let results = index.search(&Query { offset, limit, ..Query::new("equal") }).unwrap();
        results.hits.into_iter().map(|hit| hit.key).collect::<Vec<_>>()
    };
    let whole = page(0, 100);
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 90);
    let pages: Vec<_> = (0..9).flat_map(|n| page(n * 10, 10)).collect();
    assert_eq!(pages, whole);

    let (_other_folder, one_segment) = index_of((0..total).map(|n| {
        let mut document = document(n, "equal in every way");
        document.clock = Timestamp::from_millis(5);
        document
    }));
    let results = one_segment.search(&Query { limit: 100, ..Query::new("equal") }).unwrap();
    assert_eq!(results.hits.iter().map(|hit| hit.key).collect::<Vec<_>>(), whole);
}

#[test]
fn a_record_in_several_groups_is_found_once_in_its_newest_version() {
    let version = |in_group: u8, millis: u64, title: &str| {
        let mut document = document(1, title);
        document.key.group = group(in_group);
        document.clock = Timestamp::from_millis(millis);
        document
    };
    let mut versions =
        [version(1, 10, "old words"), version(2, 20, "better words"), version(3, 30, "last words")];
    Document::mark_newer(&mut versions);
    let (_folder, index) = index_of(versions);
    let within = |groups: &[u8]| {
        let filters = Filters::default().within(groups.iter().map(|n| group(*n)));
        titles(&index.search(&Query { filters, ..Query::new("words") }).unwrap())
    };

    assert_eq!(titles(&search(&index, "words")), ["last words"]);
    assert_eq!(search(&index, "better").total, 0);
    assert_eq!(within(&[1]), ["old words"]);
    assert_eq!(within(&[1, 2]), ["better words"]);
    assert_eq!(within(&[2, 3]), ["last words"]);
    assert_eq!(within(&[1, 2, 3]), ["last words"]);
    assert_eq!(within(&[9]), Vec::<String>::new());
    assert_eq!(within(&[]), Vec::<String>::new());
}

#[test]
fn what_is_shown_is_escaped_and_marked() {
    let mut document = document(1, "<script>alert('phonics')</script> & \"more\"");
    document.summary.abstract_text =
        format!("{} <b>Phonic</b> games. {}", "Before. ".repeat(60), "After. ".repeat(60));
    document.body = "Nothing to see.".to_owned();
    document.file_text = "A phonics <img src=x onerror=y> sheet".to_owned();
    let (_folder, index) = index_of([document]);
    let hit = search(&index, "phonics").hits.remove(0);

    assert_eq!(
        hit.title.to_html(),
        "&lt;script&gt;alert(&#39;<mark>phonics</mark>&#39;)&lt;/script&gt; &amp; &quot;more&quot;"
    );
    assert_eq!(hit.title.to_text(), "<script>alert('phonics')</script> & \"more\"");
    let sources: Vec<_> = hit.snippets.iter().map(|(source, _)| *source).collect();
    assert_eq!(sources, [SnippetSource::Abstract, SnippetSource::Files]);
    let passage = hit.snippets[0].1.to_html();
    assert!(passage.contains("&lt;b&gt;<mark>Phonic</mark>&lt;/b&gt; games"), "{passage}");
    assert!(passage.starts_with("… ") && passage.ends_with(" …"), "{passage}");
    assert!(hit.snippets[1].1.to_html().contains("&lt;img src=x"));
    assert!(hit.abstract_start.starts_with("Before. ") && hit.abstract_start.ends_with(" …"));
}

#[test]
fn a_hit_shows_what_a_list_needs() {
    let mut document = with_everything(4);
    document.effect = Some(-0.25);
    document.school_name = "Hill Primary".to_owned();
    document.group_name = "North cluster".to_owned();
    document.kind = "from_a_newer_node".to_owned();
    let key = document.key;
    let (_folder, index) = index_of([document]);
    let hit = search(&index, "hill").hits.remove(0);
    assert_eq!((hit.key, hit.clock), (key, Timestamp::from_millis(4)));
    assert_eq!((hit.effect, hit.pupils), (Some(-0.25), Some(40)));
    assert_eq!(
        (hit.school_name.as_str(), hit.group_name.as_str()),
        ("Hill Primary", "North cluster")
    );
    assert_eq!(hit.kind, "from_a_newer_node");
    assert_eq!(
        (hit.state.as_deref(), hit.conclusion.as_deref()),
        (Some("state-4"), Some("conclusion-4"))
    );
    assert_eq!(hit.subjects, ["subject-4", "shared"]);
    assert!(hit.score > 0.0);
}

#[test]
fn replaced_and_removed_documents_are_no_longer_found() {
    let (_folder, index) = index_of([document(1, "seating"), document(2, "homework")]);
    index
        .apply([
            put(document(1, "feedback")),
            put(document(1, "whole class feedback")),
            Change::Remove(document(2, "").key),
            Change::Remove(document(99, "").key),
        ])
        .unwrap();
    assert_eq!(search(&index, "seating").total, 1, "nothing changes before the commit");
    index.commit(2).unwrap();
    assert_eq!(titles(&search(&index, "")), ["whole class feedback"]);
    assert_eq!(search(&index, "seating homework").total, 0);
    assert_eq!(index.count(), 1);
}

#[test]
fn what_goes_beyond_a_bound_is_refused_in_words() {
    let (_folder, index) = index_of([document(1, "title")]);
    let refused = |query: Query| index.search(&query).unwrap_err().to_string();
    let base = Query::new("title");
    assert!(refused(Query { limit: 101, ..base.clone() }).starts_with("101 results on one page"));
    assert!(
        refused(Query { offset: 9_981, ..base.clone() })
            .starts_with("results beyond the first 10000")
    );
    assert!(refused(Query { offset: usize::MAX, ..base.clone() }).contains("narrow the search"));
    assert!(refused(Query::new("(((")).starts_with("there is no word"));
    let mut filters = Filters::default();
    for n in 0..=MAX_FILTER_VALUES {
        filters.accept(Facet::Tag, n);
    }
    assert!(refused(Query { filters, ..base.clone() }).starts_with("1001 values to filter tag by"));
    let filters = Filters::default().with(Facet::Group, "north");
    assert!(refused(Query { filters, ..base.clone() }).starts_with("\"north\" is not the id"));
    let filters =
        Filters { from: Some(date(2025, 2, 1)), to: Some(date(2025, 1, 31)), ..Filters::default() };
    assert!(refused(Query { filters, ..base.clone() }).contains("2025-02-01 comes after"));
    assert!(index.search(&Query { offset: 9_980, ..base }).unwrap().hits.is_empty());
}

#[test]
fn what_scored_in_one_window_of_documents_adds_nothing_in_the_next() {
    let title = |number| match number {
        // Nothing of the first window is left: no record there has both words.
        1..=3 => "Alpha",
        0 | 20 | 40 | 41 => "Beta",
        100 => "Alpha, beta: the first",
        // In the same place of the next window as 20 is in the first.
        119 => "Alpha, beta: the second",
        120 => "Alpha, beta: the third",
        _ => "Choirs",
    };
    let (_folder, index) = index_of((0..=120).map(|number| document(number, title(number))));
    let query = Query { sort: Sort::Relevance, ..Query::new("\"alpha\" \"beta\"") };
    let found = titles(&index.search(&query).unwrap());
    assert_eq!(found, [120, 119, 100].map(title), "equal ones are newest first");

    // The same for what is found by the best of several words that mean the same.
    let title = |number| match number {
        5 => "EAL, EAL, EAL",
        100 => "EAL: the first",
        101 => "EAL: the second",
        _ => "Choirs",
    };
    let (_folder, index) = index_of((0..=101).map(|number| document(number, title(number))));
    let query = Query { sort: Sort::Relevance, ..Query::new("EAL") };
    let found = titles(&index.search(&query).unwrap());
    assert_eq!(found, [5, 101, 100].map(title));
}

#[test]
fn phrases_that_nothing_has_are_taken_as_words() {
    let (_folder, index) = index_of([
        document(1, "The heart of citizenship"),
        document(2, "Guided reading"),
        document(3, "Reading in groups that are guided"),
    ]);
    let found = |query: &Query| {
        let results = index.search(query).unwrap();
        (titles(&results), results.phrases_as_words)
    };
    let soul = Query::new("\"heart and soul\" of");
    assert_eq!(found(&soul), (vec!["The heart of citizenship".to_owned()], true));
    assert_eq!(found(&Query { exact: true, ..soul }), (Vec::new(), false));
    // What is had is required.
    let guided = Query::new("\"guided reading\" groups");
    assert_eq!(found(&guided), (vec!["Guided reading".to_owned()], false));
    assert_eq!(found(&Query::new("\"choir practice\"")), (Vec::new(), false));
    // Words that are put right in this way are said, too.
    let misspelled = index.search(&Query::new("\"citizenshp matters\"")).unwrap();
    assert_eq!(misspelled.did_you_mean.as_deref(), Some("\"citizenship matters\""));
}

#[test]
fn a_long_text_says_that_it_was_shortened() {
    let (_folder, index) = index_of([document(1, "word0")]);
    let long: String = (0..100).map(|n| format!("word{n} ")).collect();
    let results = search(&index, &long);
    assert!(results.shortened && results.total == 1);
    assert!(!search(&index, "word0").shortened);
}

#[test]
fn strange_documents_are_indexed() {
    let mut strange = document(1, &"\u{0}\u{202E}x".repeat(500));
    strange.body = "y".repeat(300_000) + " findable";
    strange.file_text = "\u{1F600}é\u{301}".repeat(50_000);
    strange.effect = Some(f64::NAN);
    strange.summary.tags = vec![String::new(), "z".repeat(70_000)];
    strange.summary.files = vec![File {
        name: "Plan.docx".to_owned(),
        media_type: String::new(),
        size: u64::MAX,
        hash: staffroom_protocol::hash::Hash::of(b""),
        text: None,
    }];
    strange.summary.references = Vec::<Reference>::new();
    strange.clock = Timestamp::from_u64(u64::MAX);
    let (_folder, index) = index_of([strange, document(2, "")]);
    assert_eq!(search(&index, "findable").total, 1);
    assert_eq!(search(&index, "plan.docx").total, 1);
    assert_eq!(search(&index, "").total, 2);
}

#[test]
fn what_means_the_same_is_found_behind_what_was_typed() {
    let (_folder, index) = index_of([
        document(1, "Support for EAL pupils"),
        document(2, "Pupils with English as an additional language"),
        document(3, "Times tables in Year 4"),
        document(4, "Seating plans"),
    ]);
    assert_eq!(titles(&search(&index, "eal"))[0], "Support for EAL pupils");
    assert_eq!(search(&index, "eal").total, 2);
    let found = titles(&search(&index, "english as an additional language"));
    assert_eq!(found[0], "Pupils with English as an additional language");
    assert!(found.contains(&"Support for EAL pupils".to_owned()));
    for text in ["y4", "Yr 4", "yr4", "year-4"] {
        assert_eq!(titles(&search(&index, text))[0], "Times tables in Year 4", "{text}");
    }
}

#[test]
fn a_trust_says_what_means_the_same() {
    let (_folder, mut index) = index_of([document(1, "Drop everything and read")]);
    assert_eq!(search(&index, "dear").total, 0);
    index
        .set_synonyms(Synonyms::standard().extended_by("DEAR | drop everything and read").unwrap());
    assert_eq!(search(&index, "dear").total, 1);
}

#[test]
fn british_words_find_american_texts() {
    let (_folder, index) = index_of([document(1, "Behavior programs"), document(2, "Seating")]);
    assert_eq!(titles(&search(&index, "behaviour programme")), ["Behavior programs"]);
}

#[test]
fn a_misspelled_word_is_put_right_and_the_text_says_so() {
    let (_folder, index) = index_of([
        document(1, "Whole-class feedback"),
        document(2, "Multiplication facts"),
        document(3, "Reading aloud"),
    ]);
    for (typed, meant) in [
        ("Feedbak", "feedback"),
        ("multiplcaton \"facts\"", "multiplication \"facts\""),
        ("raeding", "reading"),
        ("wholeclass", "whole class"),
    ] {
        let results = search(&index, typed);
        assert_eq!(results.did_you_mean.as_deref(), Some(meant), "{typed}");
        assert_eq!(results.total, 1, "{typed}");
    }
    for known in ["feedback", "reading aloud", "y4", "xq", "ks2", "qqqqqqqq"] {
        assert_eq!(search(&index, known).did_you_mean, None, "{known}");
    }
}

#[test]
fn a_word_that_is_known_is_never_replaced() {
    let mut documents: Vec<_> = (1..=60).map(|n| document(n, "reading")).collect();
    documents.extend((61..=63).map(|n| document(n, "rearing chicks")));
    documents.push(document(64, "roading ahead"));
    documents.push(document(65, "results of 2024"));
    let (_folder, index) = index_of(documents);
    let results = search(&index, "rearing");
    assert_eq!((results.total, results.did_you_mean), (3, None));
    assert_eq!(search(&index, "reading").total, 60);

    let hardly_known = search(&index, "roading");
    assert_eq!(titles(&hardly_known)[0], "roading ahead");
    assert_eq!((hardly_known.total, hardly_known.did_you_mean), (61, None));
    let year = search(&index, "2023");
    assert_eq!((year.total, year.did_you_mean), (0, None));
}

#[test]
fn the_last_word_may_be_unfinished() {
    let (_folder, index) =
        index_of([document(1, "Multiplication in pairs"), document(2, "Seating in pairs")]);
    let unfinished = |text: &str| {
        titles(&index.search(&Query { unfinished: true, ..Query::new(text) }).unwrap())
    };
    assert_eq!(unfinished("multiplic"), ["Multiplication in pairs"]);
    assert_eq!(unfinished("pairs mul")[0], "Multiplication in pairs");
    assert_eq!(search(&index, "xyz mul").total, 0);
}

#[test]
fn a_dimension_in_the_text_narrows_and_an_unknown_value_is_a_word() {
    let mut maths = document(1, "Counters");
    maths.summary.subjects = vec!["mathematics".to_owned()];
    maths.summary.key_stages = vec!["KS2".to_owned()];
    let mut science = document(2, "Counters in science");
    science.summary.subjects = vec!["science".to_owned()];
    science.school_name = "St Mary’s Primary".to_owned();
    let (_folder, index) = index_of([maths, science]);
    for text in ["counters subject:maths", "counters ks:2", "counters key_stage:KS2"] {
        assert_eq!(titles(&search(&index, text)), ["Counters"], "{text}");
    }
    assert_eq!(titles(&search(&index, "subject:Science")), ["Counters in science"]);
    assert_eq!(titles(&search(&index, "school:\"st mary's\"")), ["Counters in science"]);
    assert_eq!(search(&index, "counters subject:juggling").total, 2);
    assert_eq!(search(&index, "counters colour:red").total, 2);
}

#[test]
fn words_typed_side_by_side_come_first_where_they_stand_so() {
    let mut apart = document(1, "Notes one");
    apart.summary.abstract_text = "Class lists, and what the size of desks is.".to_owned();
    let mut beside = document(2, "Notes two");
    beside.summary.abstract_text = "Desks and lists, and what class size is.".to_owned();
    apart.clock = Timestamp::from_millis(9);
    let (_folder, index) = index_of([apart, beside]);
    assert_eq!(titles(&search(&index, "class size")), ["Notes two", "Notes one"]);
}

#[test]
fn what_the_best_have_in_common_orders_and_never_adds() {
    let about = |n: u32, text: &str| {
        let mut document = document(n, &format!("number {n}"));
        document.summary.abstract_text = text.to_owned();
        document
    };
    let (_folder, index) = index_of([
        about(1, "Fluency grows with counters and ten frames"),
        about(2, "Fluency grows with counters and cubes"),
        about(3, "Fluency for clarinet players here and there"),
        about(4, "Fluency comes slowly with many counters"),
        about(5, "Counters on shelves"),
    ]);
    let found = titles(&search(&index, "fluency"));
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found[3], "number 3", "{found:?}");
}

#[test]
fn an_excluded_phrase_that_stands_nowhere_leaves_nothing_out() {
    let (_folder, index) = index_of([document(1, "reading aloud"), document(2, "aloud reading")]);
    assert_eq!(search(&index, "reading -\"aloud aloud\"").total, 2);
    assert_eq!(titles(&search(&index, "reading -\"aloud reading\"")), ["reading aloud"]);
}

#[test]
fn clauses_together_find_and_score_what_each_does_by_itself() {
    // More documents than a window holds, among them runs without any match.
    let with = |n: u32| {
        let mut title = format!("number {n}");
        for (word, every) in [("fluency", 3), ("counters", 7), ("seating", 50)] {
            if n.is_multiple_of(every) && n % 300 > 100 {
                title += &format!(" {word}");
            }
        }
        document(n, &title)
    };
    let (_folder, index) = index_of((0..900).map(with));
    let of = |every: u32| (0_u32..900).filter(move |n| n.is_multiple_of(every) && n % 300 > 100);
    let all = |text: &str, sort: Sort| -> BTreeMap<u64, f32> {
        let page = |page: usize| {
            index.search(&Query { limit: 100, offset: page * 100, sort, ..Query::new(text) })
        };
        let hits = (0..9).flat_map(|number| page(number).unwrap().hits);
        hits.map(|hit| (hit.clock.millis(), hit.explanation.text)).collect()
    };
    let found = |text: &str| -> BTreeSet<u64> { all(text, Sort::Newest).into_keys().collect() };
    let expected = |each: &[u32], none: u32| -> BTreeSet<u64> {
        let any = each.iter().flat_map(|every| of(*every)).filter(|n| !of(none).any(|no| no == *n));
        any.map(u64::from).collect()
    };
    assert_eq!(found("fluency counters"), expected(&[3, 7], 1_000));
    assert_eq!(found("seating"), expected(&[50], 1_000));
    assert_eq!(found("fluency counters -seating"), expected(&[3, 7], 50));
    assert_eq!(found("\"fluency counters\""), expected(&[21], 1_000));
    assert_eq!(found("\"fluency\" counters"), expected(&[3], 1_000));

    let score = |text: &str, n| all(text, Sort::Relevance)[&n];
    // Number 150 says both, so it scores what it would for each.
    let both = score("fluency seating", 150);
    assert!(both > score("fluency seating", 111) && both > score("fluency seating", 250));
    assert!(score("seating -fluency", 250) > 0.0 && score("\"seating\" fluency", 150) > 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_a_search_panic(texts in prop::collection::vec("(?s)(.|[-\"“”'’*?~^:()a-z ]){0,300}", 8)) {
        let mut known = document(1, "one small document about reading");
        known.summary.abstract_text = texts.concat();
        let (_folder, index) = index_of([known]);
        for text in texts {
            match index.search(&Query::new(text)) {
                Ok(results) => {
                    for hit in results.hits {
                        let html = hit.title.to_html();
                        prop_assert!(!html.contains("<script"));
                        prop_assert_eq!(hit.title.to_text(), "one small document about reading");
                    }
                }
                Err(error) => prop_assert!(matches!(error, QueryError::NoWords), "{error}"),
            }
        }
    }
}
