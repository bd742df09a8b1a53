use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::action::{Action, Step};

/// What is due when; of what is due at one instant, the first that was entered goes first.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Entry>>,
    /// By the entries' places, so that the heap moves little.
    dues: Vec<Option<Due>>,
    free: Vec<usize>,
    entered: u64,
}

/// What is to be done then.
#[derive(Debug)]
pub(super) enum Due {
    /// Let this happen.
    Step { node: usize, step: Step },
    /// The end of a mishap; pointless once all is healed.
    Later(Box<Action>),
    /// The mishap with this number.
    Mishap(usize),
    /// A session reads the election because it has not for long.
    Poll { node: usize },
    /// A session's keepalive is answered.
    Keepalive { node: usize },
    /// The store looks whether a session is over.
    Expire { session: u64 },
    /// The faults stop.
    Heal,
    /// A disturbance that is to be harmless.
    Bump,
}

#[derive(Debug)]
struct Entry {
    at: Duration,
    number: u64,
    place: usize,
}

impl Agenda {
    pub(super) fn enter(&mut self, at: Duration, due: Due) {
        self.entered += 1;
        let place = self.free.pop().unwrap_or(self.dues.len());
        if place == self.dues.len() {
            self.dues.push(Some(due));
        } else {
            self.dues[place] = Some(due);
        }
        self.heap.push(Reverse(Entry {
            at,
            number: self.entered,
            place,
        }));
    }

    /// When the first is due.
    pub(super) fn first_at(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    pub(super) fn take_first(&mut self) -> Option<Due> {
        let Reverse(entry) = self.heap.pop()?;
        self.free.push(entry.place);
        self.dues[entry.place].take()
    }
}

impl Entry {
    const fn key(&self) -> (Duration, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
