/// Deliberate mistakes, so that the simulator can prove that it would find them.
///
/// Each is a rule of the algorithm left out of the real types. All are off by default, nothing but
/// the simulator switches one on, and none can be reached from a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Defects {
    /// Count the lease from the answer's arrival instead of from before the send.
    pub lease_from_receipt: bool,
    /// Wait this much less than G.
    pub grace_short_by: std::time::Duration,
    /// Do not wait G when the leader's entry is gone.
    pub no_grace: bool,
    /// Withdraw when the end is ordered, not when the work is verified gone.
    pub withdraw_before_empty: bool,
    /// Begin when a view shows the claim, without a guarded commit.
    pub begin_unguarded: bool,
    /// Take the store's revision as the term.
    pub term_from_revision: bool,
    /// Write `resigned` when leaving `waiting`.
    pub resigned_by_waiter: bool,
    /// Keep counting G across a reconnection.
    pub count_survives_reconnect: bool,
    /// Delete an entry by its name, whatever its creation id.
    pub delete_by_name: bool,
    /// The release helper marks the record before it deletes the entry.
    pub helper_marks_first: bool,
    /// Take a renewal of unknown outcome for a loss. Breaks liveness.
    pub lost_renewal_is_loss: bool,
    /// Let only the best-ranked candidate claim. Breaks liveness.
    pub rank_is_veto: bool,
}
