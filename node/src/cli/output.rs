//! What the command line prints: answers to standard output, all else to standard error.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

/// Where and how to print.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON was asked for.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints an answer: as JSON, or in the words that `text` makes.
    pub(super) fn answer<T: Serialize>(
        &self,
        answer: &T,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(answer)? } else { text() };
        // Whoever reads may have read enough, as `head` does.
        match writeln!(std::io::stdout(), "{}", text.trim_end()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(Into::into),
        }
    }

    /// A remark beside the answer.
    pub(super) fn remark(&self, text: &str) {
        if !self.json {
            eprintln!("{}", filled(text, ""));
        }
    }

    /// What went wrong.
    pub(super) fn error(&self, error: &anyhow::Error) {
        if self.json && error.is::<Told>() {
            // Scripts read one JSON value.
        } else if self.json {
            println!("{}", json!({ "error": format!("{error:#}") }));
        } else {
            eprintln!("{}", filled(&format!("error: {error:#}"), ""));
        }
    }

    /// A progress bar that is shown once the work takes more than a second.
    pub(super) fn progress(&self, what: &'static str) -> Progress {
        self.progress_of(what, "{msg} {bar:30} {pos}/{len} {eta}")
    }

    /// The same for work that is counted in bytes.
    pub(super) fn progress_in_bytes(&self, what: &'static str) -> Progress {
        self.progress_of(what, "{msg} {bar:30} {binary_bytes}/{binary_total_bytes} {eta}")
    }

    fn progress_of(&self, what: &'static str, template: &'static str) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_message(what);
        Progress { bar, template, quiet: self.json, started: Instant::now(), shown: false }
    }
}

/// A failure of which the answer holds all there is to say.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Told(pub(super) String);

/// Work that may take long.
pub(super) struct Progress {
    bar: ProgressBar,
    /// How it looks where the total is known.
    template: &'static str,
    quiet: bool,
    started: Instant,
    shown: bool,
}

impl Progress {
    /// Says how far it is. A `total` of 0 is one that is not known.
    pub(super) fn set(&mut self, done: u64, total: u64) {
        const SHOWN_AFTER: Duration = Duration::from_secs(1);
        if !self.quiet && !self.shown && self.started.elapsed() >= SHOWN_AFTER {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            let template = if total > 0 { self.template } else { "{spinner} {msg} {pos}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
        }
        if total > 0 {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `text` broken into lines of the terminal's width, each but the first after `indent`.
pub(super) fn filled(text: &str, indent: &str) -> String {
    let options = textwrap::Options::new(width().into())
        .initial_indent(indent)
        .subsequent_indent(indent)
        .break_words(false);
    text.lines().map(|line| textwrap::fill(line, &options)).collect::<Vec<_>>().join("\n")
}

/// The width of text: the terminal's, or 80 where it goes elsewhere.
pub(super) fn width() -> u16 {
    const WIDEST: u16 = 100;
    console::Term::stdout().size().1.clamp(40, WIDEST)
}

/// A table without lines, for a list of things.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    laid_out(comfy_table::Table::new(), head, rows)
}

/// The same as wide as other text at most: what does not fit is broken into lines.
pub(super) fn filled_table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = comfy_table::Table::new();
    // The space before the first column goes.
    table.set_width(width() + 1);
    laid_out(table, head, rows)
}

fn laid_out<const N: usize>(
    mut table: comfy_table::Table,
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(comfy_table::ContentArrangement::Dynamic)
        .set_header(head);
    for row in rows {
        table.add_row(row);
    }
    // The first column begins where other lines begin.
    let from_the_edge =
        |line: String| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned();
    table.lines().map(|line| from_the_edge(line) + "\n").collect()
}

/// A number of bytes as people read it.
pub(super) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}
