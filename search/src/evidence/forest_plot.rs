//! Forest plots as SVG: every result with its interval and weight, and what they say together.
//!
//! A plot is one picture without scripts, styles or fonts of its own. It is drawn in black on white
//! with marks that differ in shape, and holds all of its numbers in words for those who listen to
//! it. Whatever stands in it was written by others, so all text is escaped, and its size is bounded
//! by [`MOST_ROWS`] and the constants of the layout.

mod scale;
#[cfg(test)]
mod tests;

use scale::{Scale, decimals_for, number};

use super::Interval;
use super::pool::Prediction;

/// The most rows that are drawn, ten pages of paper; a last line says how many more there are.
pub const MOST_ROWS: usize = 500;

/// Letters of a label that fit into its column in most fonts. What is wider is cut by the column.
const LABEL_LETTERS: usize = 32;

/// Letters of the title and of the labels in the text alternative.
const TEXT_LETTERS: usize = 200;

/// Letters of the visible title that fit beside each other.
const TITLE_LETTERS: usize = 90;

// Columns, in pixels at a height of text of 13: label, n, plot, numbers, weight.
const WIDTH: f64 = 840.0;
const LABEL_LEFT: f64 = 12.0;
const LABEL_WIDTH: f64 = 226.0;
const N_RIGHT: f64 = 288.0;
const PLOT_LEFT: f64 = 312.0;
const PLOT_RIGHT: f64 = 556.0;
const NUMBERS_RIGHT: f64 = 762.0;
const WEIGHT_RIGHT: f64 = 828.0;
const ROW_HEIGHT: f64 = 22.0;
const TOP: f64 = 66.0;

/// What a forest plot shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestPlot {
    /// What it is about, shown above it.
    pub title: String,
    /// What a row is, such as "School".
    pub row_heading: String,
    /// What the axis measures, such as "Effect (Hedges' g)".
    pub axis: String,
    /// What lies below 0 and what above, such as "less progress" and "more progress".
    pub sides: [String; 2],
    /// The results, from the top.
    pub rows: Vec<ForestRow>,
    /// The pooled result with its 95 % interval.
    pub pooled: Option<Interval>,
    /// The 95 % prediction interval.
    pub prediction: Option<Prediction>,
}

/// One result.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestRow {
    /// Whose it is.
    pub label: String,
    /// Pupils, where they are known.
    pub n: Option<u32>,
    /// The effect with its 95 % interval.
    pub effect: Interval,
    /// Its share in the pooled result, from 0 to 1; none where it is listed and not pooled.
    pub weight: Option<f64>,
}

impl ForestPlot {
    /// The plot as one SVG element, which stands alone in a file or within a page.
    pub fn to_svg(&self) -> String {
        let shown = &self.rows[..self.rows.len().min(MOST_ROWS)];
        let left_out = self.rows.len() - shown.len();
        let drawn = shown.iter().map(|row| &row.effect).chain(&self.pooled);
        let ends = drawn.flat_map(|effect| [effect.low, effect.estimate, effect.high]);
        let predicted = self.prediction.iter().flat_map(|one| [one.low, one.high]);
        let scale = Scale::over(ends.chain(predicted), PLOT_LEFT, PLOT_RIGHT);
        let mut canvas = Canvas { body: String::new(), decimals: decimals_for(&scale), scale };
        let mut y = TOP;
        canvas.headings(self);
        let heaviest = shown.iter().filter_map(|row| row.weight).fold(0.0, f64::max);
        for row in shown {
            y += ROW_HEIGHT;
            canvas.row(row, heaviest, y);
        }
        if left_out > 0 {
            y += ROW_HEIGHT;
            canvas.label(&format!("and {left_out} more, not shown"), y, "");
        }
        canvas.line((LABEL_LEFT, y + 9.0), (WEIGHT_RIGHT, y + 9.0), "stroke=\"#777\"");
        if let Some(pooled) = &self.pooled {
            y += ROW_HEIGHT + 6.0;
            canvas.pooled(pooled, y);
        }
        if let Some(prediction) = &self.prediction {
            y += ROW_HEIGHT;
            canvas.prediction(prediction, y);
        }
        let bottom = y + 16.0;
        canvas.axis(self, TOP + 4.0, bottom);
        let height = bottom + 58.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" \
             fill=\"#000\">\n<title>{}</title>\n<desc>{}</desc>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{}</svg>\n",
            escaped(&self.title, TEXT_LETTERS),
            self.in_words(shown, left_out, canvas.decimals),
            canvas.body,
        )
    }

    fn in_words(&self, shown: &[ForestRow], left_out: usize, decimals: usize) -> String {
        let say = |value| number(value, decimals);
        let between = |low, high| format!("95 % interval {} to {}", say(low), say(high));
        let count = self.rows.len();
        let results = if count == 1 { "result" } else { "results" };
        let mut words = format!(
            "Forest plot of {count} {results}. {}; below 0 is {}, above 0 is {}.",
            escaped(&self.axis, TEXT_LETTERS),
            escaped(&self.sides[0], TEXT_LETTERS),
            escaped(&self.sides[1], TEXT_LETTERS),
        );
        for row in shown {
            words.push_str(&format!(
                "\n{}: {}, {}",
                escaped(&row.label, TEXT_LETTERS),
                say(row.effect.estimate),
                between(row.effect.low, row.effect.high)
            ));
            if let Some(n) = row.n {
                words.push_str(&format!(", {n} pupils"));
            }
            match row.weight {
                Some(weight) => words.push_str(&format!(", weight {:.1} %.", 100.0 * weight)),
                None => words.push_str(", listed and not pooled."),
            }
        }
        if left_out > 0 {
            words.push_str(&format!("\n{left_out} more are not shown."));
        }
        if let Some(pooled) = &self.pooled {
            let interval = between(pooled.low, pooled.high);
            words.push_str(&format!("\nPooled: {}, {interval}.", say(pooled.estimate)));
        }
        if let Some(prediction) = &self.prediction {
            let (low, high) = (say(prediction.low), say(prediction.high));
            words.push_str(&format!("\n95 % prediction interval: {low} to {high}."));
        }
        words
    }
}

/// The drawing so far.
struct Canvas {
    body: String,
    scale: Scale,
    decimals: usize,
}

impl Canvas {
    fn headings(&mut self, plot: &ForestPlot) {
        let bold = "font-weight=\"bold\"";
        let title = escaped(&plot.title, TITLE_LETTERS);
        let inside = WIDTH - 2.0 * LABEL_LEFT;
        self.body.push_str(&format!(
            "<svg x=\"{LABEL_LEFT}\" y=\"8\" width=\"{inside}\" height=\"24\">\
             <text x=\"0\" y=\"17\" font-size=\"15\" {bold}>{title}</text></svg>\n"
        ));
        let y = TOP - 10.0;
        self.label(&plot.row_heading, y, bold);
        if plot.rows.iter().any(|row| row.n.is_some()) {
            self.text("n", N_RIGHT, y, &format!("text-anchor=\"end\" {bold}"));
        }
        let numbers = "effect [95 % interval]";
        self.text(numbers, NUMBERS_RIGHT, y, &format!("text-anchor=\"end\" {bold}"));
        self.text("weight", WEIGHT_RIGHT, y, &format!("text-anchor=\"end\" {bold}"));
        self.line((LABEL_LEFT, y + 9.0), (WEIGHT_RIGHT, y + 9.0), "stroke=\"#777\"");
    }

    fn row(&mut self, row: &ForestRow, heaviest: f64, y: f64) {
        const END: &str = "text-anchor=\"end\"";
        self.label(&row.label, y, "");
        if let Some(n) = row.n {
            self.text(&n.to_string(), N_RIGHT, y, END);
        }
        let effect = &row.effect;
        self.numbers(Some(effect.estimate), (effect.low, effect.high), y, "");
        let weight = row.weight.map_or_else(|| "–".to_owned(), |w| format!("{:.1} %", 100.0 * w));
        self.text(&weight, WEIGHT_RIGHT, y, END);
        let middle = y - 4.5;
        self.interval((effect.low, effect.high), middle, "");
        let Some(x) = self.scale.inside(effect.estimate) else { return };
        match row.weight {
            // The area says the weight.
            Some(weight) => {
                let share = if heaviest > 0.0 { (weight / heaviest).clamp(0.0, 1.0) } else { 1.0 };
                let side = 4.0 + 9.0 * share.sqrt();
                self.body.push_str(&format!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{side:.1}\" height=\"{side:.1}\"/>\n",
                    x - side / 2.0,
                    middle - side / 2.0
                ));
            }
            None => self.body.push_str(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"4\" fill=\"#fff\" stroke=\"#000\"/>\n"
            )),
        }
    }

    fn pooled(&mut self, pooled: &Interval, y: f64) {
        let bold = "font-weight=\"bold\"";
        self.label("Pooled", y, bold);
        self.numbers(Some(pooled.estimate), (pooled.low, pooled.high), y, bold);
        let middle = y - 4.5;
        self.interval((pooled.low, pooled.high), middle, "");
        let Some(estimate) = self.scale.inside(pooled.estimate) else { return };
        // A diamond stays visible however precise the result is.
        let low = self.scale.place(pooled.low).min(estimate - 2.0);
        let high = self.scale.place(pooled.high).max(estimate + 2.0);
        self.body.push_str(&format!(
            "<path d=\"M{low:.1} {middle:.1}L{estimate:.1} {:.1}L{high:.1} {middle:.1}\
             L{estimate:.1} {:.1}Z\"/>\n",
            middle - 7.0,
            middle + 7.0
        ));
    }

    fn prediction(&mut self, prediction: &Prediction, y: f64) {
        self.label("Prediction interval", y, "");
        let ends = (prediction.low, prediction.high);
        self.numbers(None, ends, y, "");
        let middle = y - 4.5;
        self.interval(ends, middle, "stroke-width=\"3\" stroke-dasharray=\"6 3\"");
        for end in [prediction.low, prediction.high] {
            if let Some(x) = self.scale.inside(end) {
                self.line((x, middle - 5.0), (x, middle + 5.0), "stroke=\"#000\"");
            }
        }
    }

    fn interval(&mut self, (low, high): (f64, f64), y: f64, how: &str) {
        let ends = (self.scale.place(low), self.scale.place(high));
        if ends.0.is_finite() && ends.1.is_finite() {
            self.line((ends.0, y), (ends.1, y), &format!("stroke=\"#000\" {how}"));
        }
        self.arrows((low, high), y);
    }

    /// An arrow on each side on which what is drawn goes on beyond the axis.
    fn arrows(&mut self, (low, high): (f64, f64), y: f64) {
        if low < self.scale.low {
            self.arrow(PLOT_LEFT, -1.0, y);
        }
        if high > self.scale.high {
            self.arrow(PLOT_RIGHT, 1.0, y);
        }
    }

    fn arrow(&mut self, x: f64, direction: f64, y: f64) {
        let tip = x + 7.0 * direction;
        self.body.push_str(&format!(
            "<path d=\"M{tip:.1} {y:.1}L{x:.1} {:.1}L{x:.1} {:.1}Z\"/>\n",
            y - 4.0,
            y + 4.0
        ));
    }

    fn axis(&mut self, plot: &ForestPlot, top: f64, bottom: f64) {
        if let Some(zero) = self.scale.inside(0.0) {
            self.line((zero, top), (zero, bottom), "stroke=\"#000\" stroke-width=\"0.7\"");
            // Each side is named from the line on, and a name that has no room is cut.
            let y = bottom + 46.0;
            for (side, text, arrow) in [(-1.0, &plot.sides[0], "←"), (1.0, &plot.sides[1], "→")]
            {
                let text = escaped(text, LABEL_LETTERS);
                let (anchor, text) = if side < 0.0 {
                    ("end", format!("{arrow} {text}"))
                } else {
                    ("start", format!("{text} {arrow}"))
                };
                let x = (zero + 6.0 * side).clamp(PLOT_LEFT - 60.0, PLOT_RIGHT + 60.0);
                self.raw(&text, x, y, &format!("text-anchor=\"{anchor}\" font-size=\"12\""));
            }
        }
        self.line((PLOT_LEFT, bottom), (PLOT_RIGHT, bottom), "stroke=\"#000\"");
        let (ticks, decimals) = self.scale.ticks();
        for tick in ticks {
            let x = self.scale.place(tick);
            self.line((x, bottom), (x, bottom + 5.0), "stroke=\"#000\"");
            let how = "text-anchor=\"middle\" font-size=\"12\"";
            self.text(&number(tick, decimals), x, bottom + 18.0, how);
        }
        let middle = (PLOT_LEFT + PLOT_RIGHT) / 2.0;
        let axis = escaped(&plot.axis, LABEL_LETTERS);
        self.raw(&axis, middle, bottom + 32.0, "text-anchor=\"middle\" font-size=\"12\"");
    }

    fn numbers(&mut self, estimate: Option<f64>, ends: (f64, f64), y: f64, how: &str) {
        let say = |value| number(value, self.decimals);
        let estimate = estimate.map(|value| format!("{} ", say(value))).unwrap_or_default();
        let text = format!("{estimate}[{}, {}]", say(ends.0), say(ends.1));
        self.text(&text, NUMBERS_RIGHT, y, &format!("text-anchor=\"end\" {how}"));
    }

    /// Text in the first column, cut where it ends. The whole of it shows under the pointer.
    fn label(&mut self, text: &str, y: f64, how: &str) {
        let top = y - 16.0;
        self.body.push_str(&format!(
            "<svg x=\"{LABEL_LEFT}\" y=\"{top:.1}\" width=\"{LABEL_WIDTH}\" \
             height=\"{ROW_HEIGHT}\"><text x=\"0\" y=\"16\" {how}>{}<title>{}</title></text>\
             </svg>\n",
            escaped(text, LABEL_LETTERS),
            escaped(text, TEXT_LETTERS)
        ));
    }

    fn text(&mut self, text: &str, x: f64, y: f64, how: &str) {
        self.raw(&escaped(text, LABEL_LETTERS), x, y, how);
    }

    /// Text that is escaped already.
    fn raw(&mut self, text: &str, x: f64, y: f64, how: &str) {
        self.body.push_str(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {how}>{text}</text>\n"));
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), how: &str) {
        self.body.push_str(&format!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {how}/>\n",
            from.0, from.1, to.0, to.1
        ));
    }
}

/// `text` on one line, cut to `letters`, as XML takes it. What turns the direction of writing would
/// turn that of the numbers behind it, and is left out with all else that is not seen.
fn escaped(text: &str, letters: usize) -> String {
    let seen = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !turns && !matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    let mut cleaned = text
        .chars()
        .filter(|c| seen(*c))
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c });
    let mut kept: String = cleaned.by_ref().take(letters).collect();
    if cleaned.next().is_some() {
        kept.pop();
        kept = format!("{}…", kept.trim_end());
    }
    let mut escaped = String::new();
    for c in kept.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
