//! The controlled terms: versioned data, not code, so that they can be corrected without a release.

/// A list of terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vocabulary {
    /// Subjects.
    Subjects,
}

impl Vocabulary {
    /// The term that `text` means: itself, or one it is another name for.
    pub fn resolve(self, _text: &str) -> Option<&'static str> {
        None
    }
}
