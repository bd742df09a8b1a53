use crate::moment::Moment;

/// What the guard has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkAction {
    /// Let the child exec, if it is not past this moment by then.
    Start {
        /// The last moment for the exec.
        by: Moment,
    },
    /// Send the stop signal to the whole tree, and let stopped processes continue.
    Stop,
    /// Kill the whole tree, again and again until it is empty.
    Kill,
    /// Tell the supervisor.
    Report(WorkReport),
    /// Run the release helper.
    Release,
    /// The guard's work is done.
    Exit,
    /// Nothing more; wake me then, if nothing happens before.
    WaitUntil(Option<Moment>),
}

/// What the supervisor hears of its child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkReport {
    /// The child did not run while the lease left enough for it. `Empty` follows.
    TooLate,
    /// The stop signal went out because the deadline drew near, not because it was asked for.
    DeadlineReached,
    /// The tree is verified empty.
    Empty,
}
