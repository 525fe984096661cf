//! `staffroom search`

use std::path::Path;

use console::style;
use staffroom_search::Explanation;

use super::client::{Client, segment, with_query};
use super::output::{Output, filled};
use crate::http::{HitReport, SaveRequest, SavedSearchReport, SearchReport};
use crate::readable;

/// Search what all schools shared
#[derive(Debug, clap::Args)]
pub(super) struct Search {
    /// What to look for, in plain words
    #[arg(required = true, num_args = 1..)]
    query: Vec<String>,
    /// Only records of this kind, such as intervention or impact_report; like all that follow, it
    /// may be given several times
    #[arg(long)]
    kind: Vec<String>,
    /// Only this theme
    #[arg(long)]
    theme: Vec<String>,
    /// Only this subject
    #[arg(long)]
    subject: Vec<String>,
    /// Only this key stage
    #[arg(long)]
    key_stage: Vec<String>,
    /// Only this year group
    #[arg(long)]
    year_group: Vec<String>,
    /// Only from schools of this phase
    #[arg(long)]
    phase: Vec<String>,
    /// Only this group of pupils
    #[arg(long)]
    pupil_group: Vec<String>,
    /// Only with evidence of this strength: described, early-sign, promising, tested or well-tested
    #[arg(long)]
    strength: Vec<String>,
    /// Only what is proposed, running, finished or stopped
    #[arg(long)]
    state: Vec<String>,
    /// Only impact reports with this conclusion
    #[arg(long)]
    conclusion: Vec<String>,
    /// Only impact reports of this design
    #[arg(long)]
    design: Vec<String>,
    /// Only at this cost per pupil a year
    #[arg(long)]
    cost_band: Vec<String>,
    /// Only this type, such as lesson plan or coaching
    #[arg(long = "type")]
    kind_type: Vec<String>,
    /// Only this practice area
    #[arg(long)]
    practice_area: Vec<String>,
    /// Only this domain of professional development
    #[arg(long)]
    development_domain: Vec<String>,
    /// Only with this tag
    #[arg(long)]
    tag: Vec<String>,
    /// Only from this school
    #[arg(long)]
    school: Vec<String>,
    /// Only what was shared with this group
    #[arg(long)]
    group: Vec<String>,
    /// Only what happened on or after this day, such as 2025-09-01
    #[arg(long)]
    from: Option<String>,
    /// Only what happened on or before this day
    #[arg(long)]
    to: Option<String>,
    /// Only with the figures of at least so many pupils
    #[arg(long)]
    min_pupils: Option<String>,
    /// Only with an effect of at least this, as Hedges' g
    #[arg(long, allow_hyphen_values = true)]
    effect_from: Option<String>,
    /// Only with an effect of at most this
    #[arg(long, allow_hyphen_values = true)]
    effect_to: Option<String>,
    /// Only what a school has reported on
    #[arg(long)]
    with_evidence: bool,
    /// Only what no school of this school's phase has tried yet
    #[arg(long)]
    not_tried_in_my_phase: bool,
    /// The order: what-worked (by text, moved a little by evidence; one result for all schools that
    /// tried the same), relevance (by text alone) or newest
    #[arg(long, default_value = "what-worked")]
    sort: String,
    /// The group of pupils that is to be helped: what is for them comes further up
    #[arg(long)]
    our_pupils: Vec<String>,
    /// Look for words as they are spelled, even where they look misspelled
    #[arg(long)]
    exact: bool,
    /// Keep the search under this name; what it finds later is listed by: staffroom saved NAME
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// Say of each result how its score came about
    #[arg(long)]
    explain: bool,
    /// List how many records there are of each value
    #[arg(long)]
    facets: bool,
    /// The most results to show
    #[arg(long, default_value_t = 10)]
    limit: usize,
    /// Results to leave out before the first one shown
    #[arg(long, default_value_t = 0)]
    offset: usize,
}

impl Search {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let found =
            Client::with(data, output, async |client| self.ask(client, output).await).await?;
        output.answer(&found, || text(&found, self.offset, self.facets))
    }

    async fn ask(&self, client: &Client, output: &Output) -> anyhow::Result<SearchReport> {
        client.wait_for_index(output).await?;
        let (query, limit, offset) =
            (self.query.join(" "), self.limit.to_string(), self.offset.to_string());
        let lists = [
            ("kind", &self.kind),
            ("theme", &self.theme),
            ("subject", &self.subject),
            ("key_stage", &self.key_stage),
            ("year_group", &self.year_group),
            ("phase", &self.phase),
            ("pupil_group", &self.pupil_group),
            ("strength", &self.strength),
            ("state", &self.state),
            ("conclusion", &self.conclusion),
            ("design", &self.design),
            ("cost_band", &self.cost_band),
            ("type", &self.kind_type),
            ("practice_area", &self.practice_area),
            ("development_domain", &self.development_domain),
            ("tag", &self.tag),
            ("school", &self.school),
            ("group", &self.group),
            ("our_pupils", &self.our_pupils),
        ];
        let given = [
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("min_pupils", self.min_pupils.as_deref()),
            ("effect_from", self.effect_from.as_deref()),
            ("effect_to", self.effect_to.as_deref()),
            ("with_evidence", self.with_evidence.then_some("true")),
            ("not_tried_in_my_phase", self.not_tried_in_my_phase.then_some("true")),
            ("exact", self.exact.then_some("true")),
            ("explain", self.explain.then_some("true")),
            ("sort", Some(self.sort.as_str())),
        ];
        let mut parameters = vec![("q", query.as_str()), ("limit", &limit), ("offset", &offset)];
        for (name, values) in lists {
            parameters.extend(values.iter().map(|value| (name, value.as_str())));
        }
        parameters.extend(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let path = with_query("/search", parameters);
        let found = client.get(&path).await?;
        if let Some(name) = &self.save {
            let query = path.split_once('?').map_or("", |(_, query)| query).to_owned();
            let save = SaveRequest { query };
            let saved: SavedSearchReport =
                client.put_body(&format!("/saved-searches/{}", segment(name)), &save).await?;
            output.remark(&format!(
                "The search is saved. See what it finds later with: staffroom saved {:?}",
                saved.name
            ));
        }
        Ok(found)
    }
}

/// Values that are listed for each dimension.
const LISTED_VALUES: usize = 8;

fn text(found: &SearchReport, offset: usize, facets: bool) -> String {
    let covered = filled(&found.coverage.sentence, "");
    if found.hits.is_empty() {
        return if found.total == 0 {
            format!("Nothing was found. Try fewer or other words, or fewer filters.\n{covered}")
        } else {
            format!("There are no more results; {} records match.", found.total)
        };
    }
    let took = found.took_micros as f64 / 1_000.0;
    let records = if found.total == 1 { "record" } else { "records" };
    let mut text = format!("{} {records} in {took:.1} ms\n{covered}\n", found.total);
    if let Some(meant) = &found.did_you_mean {
        let said = format!("Searched for: {meant} (with --exact, for what was typed)");
        text.push_str(&filled(&said, ""));
        text.push('\n');
    }
    if found.phrases_as_words {
        text.push_str("Nothing has the words in quotes as they stand; these have some of them.\n");
    }
    if found.shortened {
        text.push_str("The question was long; only its beginning was searched for.\n");
    }
    for (index, hit) in found.hits.iter().enumerate() {
        text.push('\n');
        text.push_str(&hit_text(offset + index + 1, hit));
    }
    if found.more {
        let next = offset + found.hits.len();
        text.push_str(&format!("\nMore results follow; see them with --offset {next}\n"));
    }
    if facets {
        text.push('\n');
        text.push_str(&facets_text(found));
    }
    text
}

fn facets_text(found: &SearchReport) -> String {
    let mut text = String::new();
    for (dimension, values) in &found.facets {
        let mut said: Vec<String> = values
            .iter()
            .take(LISTED_VALUES)
            .map(|value| format!("{} ({})", value.label, value.count))
            .collect();
        if values.len() > LISTED_VALUES {
            said.push(format!("and {} more", values.len() - LISTED_VALUES));
        }
        text.push_str(&format!("{}\n", style(readable::label(dimension)).bold()));
        text.push_str(&format!("{}\n", filled(&said.join(", "), "   ")));
    }
    text
}

/// A result with its number in the list.
pub(super) fn hit_text(number: usize, hit: &HitReport) -> String {
    const INDENT: &str = "   ";
    let title = filled(&format!("{number}. {}", hit.title), "");
    let mut about = vec![hit.kind_label.clone(), hit.school_name.clone(), hit.group_name.clone()];
    about.extend(hit.phase.iter().cloned());
    about.extend(hit.key_stages.iter().cloned());
    about.extend(hit.subjects.iter().cloned());
    // A space that does not break keeps the id on one line with its name.
    about.push(format!("id\u{a0}{}", hit.id.short()));
    let mut text =
        format!("{}\n{}\n", style(title).bold(), style(filled(&about.join(" · "), INDENT)).dim());
    let mut outcome: Vec<String> = Vec::new();
    if hit.did_not_work {
        outcome.push("Did not work here".to_owned());
    }
    outcome.extend(hit.state.iter().map(|state| readable::label(state).to_lowercase()));
    outcome.extend(hit.conclusion.iter().map(|conclusion| format!("conclusion: {conclusion}")));
    outcome.extend(hit.measured());
    outcome.extend(hit.cost_band.iter().map(|cost| format!("cost {}", cost.replace('_', " "))));
    let mut lines = vec![outcome.join(" · ")];
    lines.extend(hit.lineage.iter().map(|lineage| lineage.sentence.clone()));
    lines.extend(hit.found_from());
    lines.push(hit.passage.clone());
    lines.extend(hit.explanation.as_ref().map(|parts| explained(hit.score, parts)));
    for line in lines.iter().filter(|line| !line.is_empty()) {
        text.push_str(&format!("{}\n", filled(line, INDENT)));
    }
    text
}

/// "Score 5.20 = text 4.00 × strength 1.16 × schools 1.05 …", leaving out what changes nothing.
fn explained(score: f32, parts: &Explanation) -> String {
    let factors = [
        ("strength", parts.strength),
        ("schools that reported", parts.schools),
        ("recency", parts.recency),
        ("your phase", parts.phase),
        ("your key stage", parts.key_stage),
        ("your pupils", parts.pupil_group),
    ];
    let mut said = format!("Score {score:.2} = text {:.2}", parts.text);
    for (name, factor) in factors.iter().filter(|(_, factor)| *factor > 1.0) {
        said.push_str(&format!(" × {name} {factor:.2}"));
    }
    said
}
