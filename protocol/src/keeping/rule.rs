//! The rules that a simulation can leave out, to see that they would be missed.

/// A rule that keepers keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The first in rank fetch a file.
    FirstFetch,
    /// Standbys step in.
    StepIn,
    /// One standby after the other.
    Stagger,
    /// A member that does not answer is waited for.
    WaitForAbsent,
    /// Where nobody answers, nobody is taken to be gone.
    SilenceSaysNothing,
    /// A member that cannot prove what it says it holds lacks it.
    Prove,
    /// A copy is dropped only once others have proved theirs for the purpose.
    ProveBeforeDrop,
    /// Only those ranked before the dropping node count.
    CountThoseBefore,
    /// Standbys hand back what is no longer needed.
    HandBack,
    /// They do so only after those before them have held it for long.
    HandBackLate,
    /// Where there is no room nothing is fetched.
    RefuseWhenFull,
    /// A member that does not answer is tried ever more seldom.
    BackOff,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::FirstFetch,
        Self::StepIn,
        Self::Stagger,
        Self::WaitForAbsent,
        Self::SilenceSaysNothing,
        Self::Prove,
        Self::ProveBeforeDrop,
        Self::CountThoseBefore,
        Self::HandBack,
        Self::HandBackLate,
        Self::RefuseWhenFull,
        Self::BackOff,
    ];
}
