use crate::moment::Moment;
use crate::record::Reading;
use crate::view::{Stamp, View};

/// What this node has seen of the election on the present connection, and since when.
///
/// The count towards a claim starts when exactly this record and beat were first *received* here.
/// It starts over at every change, backwards too, and at every reconnection, because a restored
/// store can show the same versions again while the leader has renewed in between.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(crate) view: View,
    /// When this record and beat were first received.
    pub(crate) since: Moment,
    /// When the latest view was received.
    pub(crate) received_at: Moment,
    /// When a put of our own was accepted while this record stood without a beat.
    pub(crate) probed_at: Option<Moment>,
    /// Since when the leader has gone and its lock has not.
    pub(crate) lingers_since: Option<Moment>,
}

impl Seen {
    pub(crate) fn new(view: View, now: Moment) -> Self {
        let lingers_since = view.lingering().map(|_| now);
        Self {
            view,
            since: now,
            received_at: now,
            probed_at: None,
            lingers_since,
        }
    }

    /// Takes in a later view of the same connection.
    pub(crate) fn update(&mut self, view: View, now: Moment) {
        if Self::named(&self.view) != Self::named(&view) {
            self.since = now;
            self.probed_at = None;
        }
        self.lingers_since = match view.lingering() {
            Some(_) => self.lingers_since.or(Some(now)),
            None => None,
        };
        self.view = view;
        self.received_at = now;
    }

    /// What a claim names, and what must not change while it waits.
    pub(crate) const fn named(view: &View) -> (&Reading, Option<Stamp>, Option<Stamp>) {
        (&view.record, view.record_stamp, view.beat)
    }
}
