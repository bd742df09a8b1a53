//! When a claim may be sent.

use std::time::Duration;

use super::Election;
use crate::candidate::EntryId;
use crate::event::{Alarm, Wait};
use crate::line::{self, Standing};
use crate::moment::{Moment, Now};
use crate::record::{Reading, RecordState};
use crate::seen::Seen;
use crate::timing::Timing;
use crate::view::Vacancy;

/// Whether, and from when on, a claim may be sent.
pub(super) enum Permit {
    Never(Wait),
    /// The leader renews without a trace, or not at all. A put of our own has to show that the
    /// store takes puts, before the leader's silence means anything.
    Probe {
        node: String,
    },
    At {
        moment: Moment,
        /// What is waited for until then.
        wait: Wait,
    },
}

impl Election {
    pub(super) fn permit(&mut self, now: Now, entry: &EntryId) -> Permit {
        let rank = match self.rank(now, entry) {
            Ok(rank) => rank,
            Err(wait) => return Permit::Never(wait),
        };
        if rank > 0 && self.config.defects.rank_is_veto {
            return Permit::Never(Wait::NotStanding);
        }
        let head_start = self.config.timing.head_start().saturating_mul(rank);
        match self.vacant_at() {
            Permit::At { moment, wait } => {
                let moment = moment + head_start;
                let turn = rank > 0 && matches!(wait, Wait::Grace { .. });
                let wait = if turn {
                    Wait::Turn { until: moment }
                } else {
                    wait
                };
                Permit::At { moment, wait }
            }
            never @ (Permit::Never(_) | Permit::Probe { .. }) => never,
        }
    }

    /// How many may go first, or why we may not go at all.
    fn rank(&mut self, now: Now, entry: &EntryId) -> Result<u32, Wait> {
        let Some(view) = self.seen.as_ref().map(|seen| &seen.view) else {
            return Err(Wait::Disconnected);
        };
        if !self.health.may_lead() {
            return Err(Wait::Unhealthy);
        }
        if self.config.priority == 0 {
            return Err(Wait::NeverLeads);
        }
        if self.aside_until.is_some() {
            return Err(Wait::Aside);
        }
        if let Some(until) = view.directive.paused_until(now.unix) {
            return Err(Wait::Paused { until });
        }
        match line::standing(view, entry, now.unix) {
            Standing::Ranked { rank, .. } => Ok(rank),
            // As the operator asked; else the store still shows what we told before.
            Standing::Barred
                if view.directive.aside(now.unix) == Some(self.config.node.as_str()) =>
            {
                Err(Wait::Aside)
            }
            Standing::Barred | Standing::Absent => Err(Wait::NotStanding),
            Standing::BehindForeign {
                entry,
                label,
                session,
            } => {
                if !session {
                    self.alarm(Alarm::ForeignWithoutSession {
                        entry: entry.clone(),
                    });
                }
                Err(Wait::Foreign { entry, label })
            }
        }
    }

    /// From when on whoever led before is gone for sure, as far as this node can tell.
    fn vacant_at(&self) -> Permit {
        let Some(seen) = &self.seen else {
            return Permit::Never(Wait::Disconnected);
        };
        match seen.view.vacancy {
            Vacancy::Held => {
                let leader = seen
                    .view
                    .record
                    .known()
                    .filter(|r| r.state != RecordState::Resigned);
                let node = leader.map_or_else(String::new, |record| record.node.clone());
                Permit::Never(Wait::Leader { node })
            }
            // Whoever held the lock is gone. But a lock that never knew this record proves nothing,
            // and a record that must not be overwritten stays what it is.
            Vacancy::Free if self.is_explained(seen) => Permit::At {
                moment: seen.since,
                wait: Wait::Grace { until: seen.since },
            },
            Vacancy::Free | Vacancy::ByLease => self.vacant_by_lease(seen),
        }
    }

    /// Whether what the store shows can be all there is to know of the last leader.
    pub(super) fn is_explained(&self, seen: &Seen) -> bool {
        match &seen.view.record {
            Reading::Known(record) => self.distrust.is_none_or(|term| record.term > term),
            // No record was ever there, as far as this process has seen.
            Reading::Absent => !self.witnessed,
            Reading::Newer { .. } | Reading::Garbage { .. } => false,
        }
    }

    fn vacant_by_lease(&self, seen: &Seen) -> Permit {
        let longest = self.memory.longest_lease.max(self.config.timing.lease());
        let after = |span: Duration| {
            let moment = seen.since + span;
            Permit::At {
                moment,
                wait: Wait::Grace { until: moment },
            }
        };
        let record = match &seen.view.record {
            Reading::Newer { .. } | Reading::Garbage { .. } => return Permit::Never(Wait::Refused),
            Reading::Absent => return after(self.grace(longest)),
            Reading::Known(record) => record,
        };
        if record.state == RecordState::Resigned {
            // Terms of before a restore may hide a leader that the store has forgotten.
            let trusted = record.term >= self.memory.highest_term
                && self.distrust.is_none_or(|term| record.term > term);
            let span = if trusted {
                Duration::ZERO
            } else {
                self.grace(longest.max(record.lease))
            };
            return after(span);
        }
        let leader = Wait::Leader {
            node: record.node.clone(),
        };
        let gone = !seen
            .view
            .line
            .iter()
            .any(|candidate| candidate.entry == record.entry);
        if gone && self.config.defects.no_grace {
            return Permit::At {
                moment: seen.since,
                wait: leader,
            };
        }
        if seen.view.beat.is_some() {
            return Permit::At {
                moment: seen.since + self.grace(record.lease),
                wait: leader,
            };
        }
        match seen.probed_at {
            None => Permit::Probe {
                node: record.node.clone(),
            },
            Some(probed_at) => {
                // 2h, of whichever of the two renews less often.
                let silence = (self.config.timing.renew_every() * 2).max(record.lease / 4);
                Permit::At {
                    moment: probed_at + silence,
                    wait: leader,
                }
            }
        }
    }

    pub(super) fn grace(&self, lease: Duration) -> Duration {
        Timing::grace(lease).saturating_sub(self.config.defects.grace_short_by)
    }
}
