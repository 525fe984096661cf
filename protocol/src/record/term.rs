//! Choices with a fixed list of answers, written as a person would: `Before and after` is
//! `before_and_after`.

/// Makes an enum whose values are written as text in every format.
macro_rules! terms {
    (
        $(#[doc = $doc:literal])*
        $name:ident, $what:literal {
            $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order in which a form lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as data and files spell it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::record::UnknownTerm;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let folded = $crate::record::term::fold(text);
                Self::ALL.iter().copied().find(|term| term.as_str() == folded).ok_or_else(|| {
                    $crate::record::UnknownTerm::new(text, $what, &[$($text,)+])
                })
            }
        }

        $crate::description::described!($name, one_of(&[$($text,)+], concat!($($doc),*)));

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(super) use terms;

/// A text that is none of the answers to choose from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no {what}; choose from {}", choices.join(", "))]
pub struct UnknownTerm {
    given: String,
    what: &'static str,
    choices: &'static [&'static str],
}

impl UnknownTerm {
    pub(super) fn new(given: &str, what: &'static str, choices: &'static [&'static str]) -> Self {
        Self { given: given.chars().take(60).collect(), what, choices }
    }
}

pub(super) fn fold(text: &str) -> String {
    let words = text.to_lowercase().replace(['-', '_', '–'], " ").replace('%', " percent");
    words.split_whitespace().collect::<Vec<_>>().join("_")
}

/// Reads a term that a newer program may have added: one that is not known is left out.
pub(super) fn known<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr,
    D: serde::Deserializer<'de>,
{
    let text = <Option<String> as serde::Deserialize>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the macro makes enums for the public interface")]

    terms! {
        /// A light.
        Light, "light" {
            /// Stop.
            Red = "red",
            /// Get ready.
            RedAndAmber = "red_and_amber",
        }
    }

    #[test]
    fn reads_what_people_write_and_says_what_there_is_to_choose_from() {
        assert_eq!("Red and amber ".parse(), Ok(Light::RedAndAmber));
        assert_eq!("RED-AND-AMBER".parse(), Ok(Light::RedAndAmber));
        assert_eq!(
            serde_json::from_str::<Light>("\"blue\"").unwrap_err().to_string(),
            "\"blue\" is no light; choose from red, red_and_amber"
        );
    }

    #[test]
    fn leaves_out_what_a_newer_program_added() {
        let mut newer = serde_json::Deserializer::from_str("\"blue\"");
        assert_eq!(super::known::<Light, _>(&mut newer).unwrap(), None);
        let mut same = serde_json::Deserializer::from_str("\"red\"");
        assert_eq!(super::known(&mut same).unwrap(), Some(Light::Red));
    }
}
