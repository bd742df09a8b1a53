use std::fmt;

/// What every backend owes. A law shows that a promise is kept where it was looked at, never that
/// it is kept everywhere: behaviour under a partition or a full disk has to be tested on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Of several claims over the same record at most one is committed.
    OneLeader,
    /// A record is never written over a version that was not named, so terms only rise.
    TermsRise,
    /// A commit whose guard does not hold is refused, and changes nothing.
    GuardsHold,
    /// An answer carries the very ask that it belongs to.
    EchoesAsking,
    /// Cut off from what decides, no renewal is committed, whatever the nearest server says.
    RenewalIsProof,
    /// A candidacy that lapsed while it waited never wins.
    VictoryIsFresh,
    /// A view comes after joining, after a look, after what is watched changed, and now and then.
    ViewsAreFresh,
    /// Our own entry deleted by another hand is reported unasked, and refuses renewals.
    OustedIsSeen,
    /// A killed session's entry is gone within the session's length and a slack.
    EndFrees,
    /// A withdrawal frees the leadership at once, and is safe to repeat.
    WithdrawFrees,
    /// A release from another process frees it at once, is safe to repeat, and touches no other's.
    ReleaseFrees,
    /// A reconnection within the session keeps the one place in the line.
    KeepsPlace,
    /// Dropping the run at any await leaves nothing that outlives the session.
    CancelLeavesNothing,
    /// An operator's directive is written only over the version that he read.
    DirectiveCompares,
    /// What cannot be read is shown with its bytes, and replaced only over exactly these.
    RepairKeeps,
    /// What the store will never accept ends the session for good, not for a retry.
    RefusalIsFinal,
    /// No secret appears in any report, error or debug output.
    SecretsStay,
}

impl Law {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::OneLeader,
        Self::TermsRise,
        Self::GuardsHold,
        Self::EchoesAsking,
        Self::RenewalIsProof,
        Self::VictoryIsFresh,
        Self::ViewsAreFresh,
        Self::OustedIsSeen,
        Self::EndFrees,
        Self::WithdrawFrees,
        Self::ReleaseFrees,
        Self::KeepsPlace,
        Self::CancelLeavesNothing,
        Self::DirectiveCompares,
        Self::RepairKeeps,
        Self::RefusalIsFinal,
        Self::SecretsStay,
    ];

    /// Its name, which is also that of its file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneLeader => "one_leader",
            Self::TermsRise => "terms_rise",
            Self::GuardsHold => "guards_hold",
            Self::EchoesAsking => "echoes_asking",
            Self::RenewalIsProof => "renewal_is_proof",
            Self::VictoryIsFresh => "victory_is_fresh",
            Self::ViewsAreFresh => "views_are_fresh",
            Self::OustedIsSeen => "ousted_is_seen",
            Self::EndFrees => "end_frees",
            Self::WithdrawFrees => "withdraw_frees",
            Self::ReleaseFrees => "release_frees",
            Self::KeepsPlace => "keeps_place",
            Self::CancelLeavesNothing => "cancel_leaves_nothing",
            Self::DirectiveCompares => "directive_compares",
            Self::RepairKeeps => "repair_keeps",
            Self::RefusalIsFinal => "refusal_is_final",
            Self::SecretsStay => "secrets_stay",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a backend stands with a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It keeps it.
    Kept,
    /// It breaks it.
    Broken(Breach),
    /// Its fixture says why it cannot keep it.
    Excused(&'static str),
}

/// A law that was broken, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub law: Law,
    /// What was seen.
    pub why: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.why)
    }
}
