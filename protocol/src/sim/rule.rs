//! The rules that a run can leave out, to see that they would be missed.

/// A rule that nodes keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A publication is acknowledged once it is synced to the disk.
    SyncBeforeAcknowledging,
    /// Nodes compare from time to time.
    CompareFromTimeToTime,
    /// A node that was started again compares, on connecting and from time to time.
    CompareAfterStart,
    /// What comes twice counts once.
    CountOnce,
    /// Of two versions the later one wins, whichever came last.
    LaterVersionWins,
    /// A withdrawal beats every version, whatever the clocks say.
    WithdrawalBeatsAll,
    /// Of versions of one moment the greater hash wins, whichever came first.
    HashBreaksTies,
    /// A record belongs to its school: ids of other schools' records are others.
    RecordsOfSchools,
    /// A new version's clock is later than that of every version held.
    ClockExceedsHeld,
    /// Signatures are checked.
    CheckSignatures,
    /// What is far in the future waits.
    FutureWaits,
    /// Of a removed school exactly what the removals list stands.
    ListedStands,
    /// What counts no more after a removal is dropped.
    DropOnRemoval,
    /// Questions are answered to members alone.
    AnswerMembersAlone,
    /// The membership is compared before the content.
    MembershipFirst,
    /// Gossip goes under an epoch of which all recipients are members.
    EpochOfMembers,
    /// What a node has published itself is taken from others as well.
    TakeOwnBack,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::SyncBeforeAcknowledging,
        Self::CompareFromTimeToTime,
        Self::CompareAfterStart,
        Self::CountOnce,
        Self::LaterVersionWins,
        Self::WithdrawalBeatsAll,
        Self::HashBreaksTies,
        Self::RecordsOfSchools,
        Self::ClockExceedsHeld,
        Self::CheckSignatures,
        Self::FutureWaits,
        Self::ListedStands,
        Self::DropOnRemoval,
        Self::AnswerMembersAlone,
        Self::MembershipFirst,
        Self::EpochOfMembers,
        Self::TakeOwnBack,
    ];
}
