//! A column of scores from a spreadsheet as what may be shared of it: n, mean and SD.
//!
//! The scores are pupils' results. They are looked at here and dropped, and no error repeats one.

/// Scores of one column: more than a trust has pupils in a year group.
const MOST_SCORES: usize = 20_000;

/// What is known of a column of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Column {
    pub(crate) n: usize,
    pub(crate) mean: f64,
    /// The standard deviation of a sample.
    pub(crate) sd: f64,
}

/// Why a column cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PastedError {
    #[error("line {0} is no number; paste one column of scores, without names")]
    NoNumber(usize),
    #[error("a spread needs two scores or more")]
    TooFew,
    #[error("{0} scores are more than the {MOST_SCORES} that one column may have")]
    TooMany(usize),
}

impl Column {
    /// Reads a score a line; empty lines are pupils without one, and a first line in words is a heading.
    pub(crate) fn of(pasted: &str) -> Result<Self, PastedError> {
        let mut scores = Vec::new();
        for (line, text) in pasted.lines().map(str::trim).enumerate() {
            // A decimal comma, as some spreadsheets write it.
            let number = text.replace(',', ".").parse::<f64>().ok().filter(|one| one.is_finite());
            match number {
                Some(score) => scores.push(score),
                None if text.is_empty() || line == 0 => {}
                None => return Err(PastedError::NoNumber(line + 1)),
            }
        }
        match scores.len() {
            0 | 1 => return Err(PastedError::TooFew),
            n if n > MOST_SCORES => return Err(PastedError::TooMany(n)),
            _ => {}
        }
        let n = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / n;
        let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
        Ok(Self { n: scores.len(), mean, sd: (squares / (n - 1.0)).sqrt() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_becomes_n_mean_and_sd() {
        let column = Column::of("Score\n2\n4\n\n4\n4\n5\n5\n7\n9\n").unwrap();
        assert_eq!((column.n, column.mean), (8, 5.0));
        assert!((column.sd - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12, "{column:?}");
        assert_eq!(Column::of("1,5\r\n2,5").unwrap().mean, 2.0);
    }

    #[test]
    fn a_column_that_is_none_is_refused_without_repeating_it() {
        let named = Column::of("12\nDaisy 14").unwrap_err();
        assert_eq!(named, PastedError::NoNumber(2));
        assert!(!named.to_string().contains("Daisy"));
        assert_eq!(Column::of("12\nNaN"), Err(PastedError::NoNumber(2)));
        assert_eq!(Column::of("Score\n12"), Err(PastedError::TooFew));
        let many = "1\n".repeat(MOST_SCORES + 1);
        assert_eq!(Column::of(&many), Err(PastedError::TooMany(MOST_SCORES + 1)));
    }
}
