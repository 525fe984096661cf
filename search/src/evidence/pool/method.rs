//! How the variance between schools is estimated.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// How τ², the variance of true effects between schools, is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Restricted maximum likelihood (Viechtbauer 2005).
    Reml,
    /// The method of moments of DerSimonian & Laird (1986).
    DerSimonianLaird,
    /// The τ² at which Q has its expected value (Paule & Mandel 1982).
    PauleMandel,
    /// Maximum likelihood, which comes out too small with few schools (Viechtbauer 2005).
    MaximumLikelihood,
    /// The variance of the effects less the mean of their sampling variances (Hedges 1983).
    Hedges,
    /// Takes the true effect to be the same everywhere: τ² = 0.
    FixedEffect,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Reml,
        Self::DerSimonianLaird,
        Self::PauleMandel,
        Self::MaximumLikelihood,
        Self::Hedges,
        Self::FixedEffect,
    ];

    /// As the command line and files spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reml => "reml",
            Self::DerSimonianLaird => "dl",
            Self::PauleMandel => "pm",
            Self::MaximumLikelihood => "ml",
            Self::Hedges => "he",
            Self::FixedEffect => "fe",
        }
    }

    /// As a text says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reml => "restricted maximum likelihood",
            Self::DerSimonianLaird => "DerSimonian-Laird",
            Self::PauleMandel => "Paule-Mandel",
            Self::MaximumLikelihood => "maximum likelihood",
            Self::Hedges => "Hedges",
            Self::FixedEffect => "fixed effect",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no method; choose from reml, dl (DerSimonian-Laird), pm (Paule-Mandel), ml, he \
     (Hedges) and fe (fixed effect)"
)]
pub struct UnknownMethod(String);

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        let folded = text.trim().to_ascii_lowercase();
        let known = Self::ALL.into_iter().find(|method| method.as_str() == folded);
        known.ok_or_else(|| UnknownMethod(text.chars().take(60).collect()))
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_as_they_are_spelt() {
        for method in Method::ALL {
            assert_eq!(method.to_string().to_uppercase().parse(), Ok(method));
        }
        let error = "dersimonian".parse::<Method>().unwrap_err().to_string();
        assert!(error.starts_with("\"dersimonian\" is no method; choose from reml, dl"), "{error}");
    }
}
