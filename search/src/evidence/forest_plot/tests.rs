use proptest::prelude::*;

use super::*;

fn row(label: &str, estimate: f64, reach: f64, weight: Option<f64>) -> ForestRow {
    let effect = Interval { estimate, low: estimate - reach, high: estimate + reach };
    ForestRow { label: label.to_owned(), n: Some(120), effect, weight }
}

fn plot(rows: Vec<ForestRow>) -> ForestPlot {
    ForestPlot {
        title: "Paired reading".to_owned(),
        row_heading: "School".to_owned(),
        axis: "Effect (Hedges' g)".to_owned(),
        sides: ["less progress".to_owned(), "more progress".to_owned()],
        rows,
        pooled: None,
        prediction: None,
    }
}

fn three() -> ForestPlot {
    let mut three = plot(vec![
        row("Ash Primary", 0.31, 0.2, Some(0.4)),
        row("Beech Primary", -0.05, 0.25, Some(0.6)),
        row("Cedar Academy", 0.9, 0.5, None),
    ]);
    three.pooled = Some(Interval { estimate: 0.11, low: -0.05, high: 0.27 });
    three.prediction = Some(Prediction { low: -1.2, high: 1.42 });
    three
}

/// The places of every element that has one.
fn places(svg: &str) -> Vec<f64> {
    let starts = [" x=\"", " x1=\"", " x2=\"", " cx=\""];
    let after = |start: &'static str| svg.split(start).skip(1);
    starts
        .into_iter()
        .flat_map(after)
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect()
}

/// Whether each element that is opened is closed in turn, and no stray `<`, `>` or `&` is left.
fn is_well_formed(svg: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for piece in svg.split('<').skip(1) {
        let Some((tag, text)) = piece.split_once('>') else { return false };
        let entities = ["amp;", "lt;", "gt;", "quot;", "#39;"];
        let stray =
            text.split('&').skip(1).any(|rest| !entities.iter().any(|e| rest.starts_with(e)));
        if stray || text.contains('>') || tag.matches('"').count() % 2 == 1 {
            return false;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.push(tag.split([' ', '\n']).next().unwrap());
        }
    }
    open.is_empty()
}

#[test]
fn everything_drawn_is_said_in_words() {
    let svg = three().to_svg();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\""));
    assert!(svg.contains("<title>Paired reading</title>"));
    let words = svg.split("<desc>").nth(1).unwrap().split("</desc>").next().unwrap();
    assert_eq!(
        words,
        "Forest plot of 3 results. Effect (Hedges&#39; g); below 0 is less progress, above 0 is more \
         progress.\n\
         Ash Primary: 0.31, 95 % interval 0.11 to 0.51, 120 pupils, weight 40.0 %.\n\
         Beech Primary: −0.05, 95 % interval −0.30 to 0.20, 120 pupils, weight 60.0 %.\n\
         Cedar Academy: 0.90, 95 % interval 0.40 to 1.40, 120 pupils, listed and not pooled.\n\
         Pooled: 0.11, 95 % interval −0.05 to 0.27.\n\
         95 % prediction interval: −1.20 to 1.42."
    );
    assert!(is_well_formed(&svg), "{svg}");
}

#[test]
fn marks_differ_in_shape_and_size_and_not_in_colour_alone() {
    let svg = three().to_svg();
    let squares: Vec<f64> = svg
        .lines()
        .filter(|line| line.starts_with("<rect x="))
        .map(|line| {
            line.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        })
        .collect();
    assert_eq!(squares.len(), 2, "one for each pooled result");
    assert!(squares[0] < squares[1], "the heavier is the larger");
    assert_eq!(svg.matches("<circle").count(), 1, "what is listed and not pooled");
    assert_eq!(svg.matches("stroke-dasharray").count(), 1, "the prediction interval");
    for colour in svg.split("#").skip(1).filter_map(|rest| rest.get(..3)) {
        assert!(["000", "fff", "777", "39;"].contains(&colour), "{colour} is grey at most");
    }
}

#[test]
fn what_others_wrote_stays_text() {
    let mut hostile =
        plot(vec![row("</text><script>alert(1)</script>&\"'\u{0}\u{202e}", 0.1, 0.1, None)]);
    hostile.title = "<b>&amp;".to_owned();
    hostile.sides[0] = "\"><image href='x'/>".to_owned();
    let svg = hostile.to_svg();
    assert!(is_well_formed(&svg), "{svg}");
    assert!(!svg.contains("<script") && !svg.contains("<image") && !svg.contains("<b>"));
    assert!(svg.contains("&lt;/text&gt;&lt;script&gt;"));
    assert!(!svg.contains(['\u{0}', '\u{202e}']));
}

#[test]
fn a_result_far_away_is_cut_with_an_arrow_and_leaves_the_others_readable() {
    let mut rows: Vec<_> = (0..9).map(|_| row("Near", 0.3, 0.2, Some(0.1))).collect();
    let arrows = |svg: &str| svg.matches("<path").count();
    assert_eq!(arrows(&plot(rows.clone()).to_svg()), 0);
    rows.push(row("Far", 5e8, 1e9, Some(0.1)));
    let svg = plot(rows).to_svg();
    assert_eq!(arrows(&svg), 2, "one on each side");
    assert!(svg.contains("5.0e8 [−5.0e8, 1.5e9]"), "its numbers are written out");
    assert_eq!(svg.matches("<rect x=").count(), 9, "its mark lies beyond");
}

#[test]
fn a_plot_of_too_many_says_how_many_it_leaves_out() {
    let many = plot(vec![row("School", 0.3, 0.2, Some(0.001)); MOST_ROWS + 7]);
    let svg = many.to_svg();
    assert_eq!(svg.matches("<rect x=").count(), MOST_ROWS);
    assert!(svg.contains("and 7 more, not shown") && svg.contains("7 more are not shown."));
    assert!(svg.len() < 600_000, "{} bytes", svg.len());
}

#[test]
fn no_result_and_no_number_are_drawn_as_nothing() {
    let none = plot(Vec::new()).to_svg();
    assert!(is_well_formed(&none) && none.contains("Forest plot of 0 results."));
    let nothing = plot(vec![row("School", f64::NAN, f64::NAN, Some(f64::NAN))]).to_svg();
    assert!(is_well_formed(&nothing));
    assert!(!nothing.contains("=\"NaN"), "{nothing}");
}

proptest! {
    #[test]
    fn nothing_is_drawn_beyond_the_paper(
        rows in proptest::collection::vec(
            (any::<String>(), any::<f64>(), any::<f64>(), proptest::option::of(any::<f64>())),
            0..6,
        ),
        title in any::<String>(),
    ) {
        let rows = rows.iter().map(|(label, estimate, reach, weight)| row(label, *estimate, *reach, *weight));
        let mut wild = plot(rows.collect());
        wild.title = title;
        wild.pooled = wild.rows.first().map(|row| row.effect);
        let svg = wild.to_svg();
        prop_assert!(is_well_formed(&svg), "{svg}");
        prop_assert!(places(&svg).iter().all(|x| (-1.0..=WIDTH + 1.0).contains(x)), "{svg}");
    }
}
