//! A correct store in one thread, and a node that talks to it.
use std::collections::BTreeMap;
use std::time::Duration;

use tanist_core::{
    BeatWrite, Candidate, Commit, Config, Defects, Directive, Election, EntryId, Event, Fact,
    Grant, Input, InstanceId, Member, Memory, Moment, Now, Order, Outcome, Output, Owner, Position,
    Reading, Receipt, Record, Refusal, Stamp, Timing, Vacancy, View,
};

pub(crate) const LEASE: Duration = Duration::from_secs(8);

pub(crate) struct Store {
    pub(crate) now: Moment,
    pub(crate) unix: u64,
    pub(crate) revision: u64,
    pub(crate) record: Option<(Stamp, Record)>,
    pub(crate) beat: Option<Stamp>,
    pub(crate) line: Vec<Candidate>,
    pub(crate) members: BTreeMap<InstanceId, Member>,
    pub(crate) directive: Directive,
    /// Commits happen, their answers are lost.
    pub(crate) swallow: bool,
    pub(crate) swallow_claims: bool,
    /// The answer to the next claim takes this long.
    pub(crate) late: Option<Duration>,
    /// What views say of a kernel lock.
    pub(crate) vacancy: Vacancy,
    /// The record cannot be read.
    pub(crate) garbage: bool,
    /// Only deletions are taken.
    pub(crate) full: bool,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            now: Moment::after_origin(Duration::from_secs(1_000)),
            unix: 1_790_000_000,
            revision: 1,
            record: None,
            beat: None,
            line: Vec::new(),
            members: BTreeMap::new(),
            directive: Directive::default(),
            swallow: false,
            swallow_claims: false,
            late: None,
            vacancy: Vacancy::ByLease,
            garbage: false,
            full: false,
        }
    }
}

impl Store {
    pub(crate) fn record(&self) -> &Record {
        &self.record.as_ref().expect("a record").1
    }

    /// A candidate of another client joins the line.
    pub(crate) fn add_foreign(&mut self, session: bool) -> EntryId {
        self.revision += 1;
        let entry = EntryId {
            key: "jobs/foreign".to_owned(),
            created: self.revision,
        };
        let owner = Owner::Foreign {
            label: "curator".to_owned(),
            session,
        };
        self.line.push(Candidate {
            entry: entry.clone(),
            owner,
        });
        entry
    }

    pub(crate) fn view(&self) -> View {
        View {
            position: Position {
                store: 7,
                revision: self.revision,
            },
            record: match &self.record {
                _ if self.garbage => Reading::Garbage {
                    why: "not JSON".to_owned(),
                },
                None => Reading::Absent,
                Some((_, record)) => Reading::Known(record.clone()),
            },
            record_stamp: self.record.as_ref().map(|(stamp, _)| *stamp),
            beat: self.beat,
            line: self.line.clone(),
            members: self.members.clone(),
            directive: self.directive.clone(),
            vacancy: self.vacancy,
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.revision += 1;
        Stamp {
            created: 1,
            version: self.revision,
        }
    }

    fn put_record(&mut self, record: Record) -> Receipt {
        let stamp = self.stamp();
        self.record = Some((stamp, record));
        Receipt {
            revision: self.revision,
            record: Some(stamp),
            entry: None,
        }
    }

    fn guard(&self, entry: &EntryId, over: Option<Stamp>) -> Result<(), Refusal> {
        if self.record.as_ref().map(|(stamp, _)| *stamp) != over {
            return Err(Refusal::RecordChanged);
        }
        if !self.line.iter().any(|candidate| candidate.entry == *entry) {
            return Err(Refusal::EntryMissing);
        }
        Ok(())
    }

    fn delete(&mut self, entry: &EntryId) -> bool {
        let before = self.line.len();
        self.line.retain(|candidate| candidate.entry != *entry);
        self.revision += 1;
        self.line.len() != before
    }

    #[expect(clippy::too_many_lines, reason = "one short arm for each commit")]
    fn carry_out(&mut self, instance: InstanceId, commit: Commit) -> Result<Receipt, Refusal> {
        let deletes_only = matches!(
            commit,
            Commit::Leave { .. }
                | Commit::Renew {
                    beat: BeatWrite::Drop,
                    ..
                }
        );
        if self.full && !deletes_only {
            return Err(Refusal::Full);
        }
        match commit {
            Commit::Found { record } => match self.record {
                Some(_) => Err(Refusal::RecordChanged),
                None => Ok(self.put_record(record)),
            },
            Commit::Stand { member } => {
                self.revision += 1;
                let entry = EntryId {
                    key: format!("jobs/{instance}"),
                    created: self.revision,
                };
                let owner = Owner::Instance(instance);
                self.line.push(Candidate {
                    entry: entry.clone(),
                    owner,
                });
                self.members.insert(instance, member);
                Ok(Receipt {
                    revision: self.revision,
                    record: None,
                    entry: Some(entry),
                })
            }
            Commit::Publish { member } => {
                self.revision += 1;
                self.members.insert(instance, member);
                Ok(Receipt {
                    revision: self.revision,
                    ..Receipt::default()
                })
            }
            Commit::Claim {
                entry,
                over,
                beat,
                record,
                depose,
            } => {
                self.guard(&entry, over)?;
                if self.beat != beat {
                    return Err(Refusal::BeatChanged);
                }
                if let Some(deposed) = depose {
                    self.delete(&deposed);
                }
                Ok(self.put_record(record))
            }
            Commit::Renew {
                record,
                entry,
                beat,
            } => {
                self.guard(&entry, Some(record))?;
                self.beat = match beat {
                    BeatWrite::Put(_) => Some(self.stamp()),
                    BeatWrite::Drop => None,
                };
                self.revision += 1;
                Ok(Receipt {
                    revision: self.revision,
                    ..Receipt::default()
                })
            }
            Commit::Lead {
                entry,
                over,
                record,
            } => {
                self.guard(&entry, Some(over))?;
                Ok(self.put_record(record))
            }
            Commit::Withdraw {
                entry,
                over,
                record,
            } => {
                if self.record.as_ref().map(|(stamp, _)| *stamp) != Some(over) {
                    return Err(Refusal::RecordChanged);
                }
                self.delete(&entry);
                Ok(self.put_record(record))
            }
            Commit::Leave { entry } => {
                if self.delete(&entry) {
                    Ok(Receipt {
                        revision: self.revision,
                        ..Receipt::default()
                    })
                } else {
                    Err(Refusal::EntryMissing)
                }
            }
        }
    }
}

pub(crate) struct Node {
    pub(crate) election: Election,
    pub(crate) events: Vec<Event>,
    instance: InstanceId,
    link: u64,
}

impl Node {
    pub(crate) fn new(number: u128) -> Self {
        Self::with(number, |_| {})
    }

    pub(crate) fn with(number: u128, change: impl FnOnce(&mut Config)) -> Self {
        let instance = InstanceId::new(number);
        let mut config = Config {
            election: "jobs".to_owned(),
            node: format!("node-{number}"),
            instance,
            address: String::new(),
            priority: Member::DEFAULT_PRIORITY,
            version: "test".to_owned(),
            timing: Timing::from_lease(LEASE).expect("a valid lease"),
            memory: Memory::default(),
            seed: 1,
            defects: Defects::default(),
        };
        change(&mut config);
        let election = Election::new(config);
        Self {
            election,
            events: Vec::new(),
            instance,
            link: 0,
        }
    }

    pub(crate) fn timing(&self) -> Timing {
        Timing::from_lease(LEASE).expect("a valid lease")
    }

    /// Starts, connects and carries out everything until the node is content.
    pub(crate) fn start(&mut self, store: &mut Store) -> Vec<Order> {
        self.input(store, Input::Start)
    }

    pub(crate) fn resign(&mut self, store: &mut Store) -> Vec<Order> {
        self.input(store, Input::Resign)
    }

    pub(crate) fn leave(&mut self, store: &mut Store) -> Vec<Order> {
        self.input(store, Input::Leave)
    }

    pub(crate) fn stopped(&mut self, store: &mut Store) -> Vec<Order> {
        self.input(store, Input::Stopped)
    }

    pub(crate) fn look(&mut self, store: &mut Store) -> Vec<Order> {
        let fact = Fact::Viewed {
            link: self.link,
            view: store.view(),
        };
        self.input(store, Input::Fact(fact))
    }

    pub(crate) fn wake(&mut self, store: &mut Store, at: Moment) -> Vec<Order> {
        store.now = store.now.max(at);
        self.input(store, Input::Wake)
    }

    /// When the node wants to be woken.
    pub(crate) fn wake_at(&self) -> Option<Moment> {
        match self.election.clone().poll() {
            Output::WaitUntil(at) => at,
            output @ (Output::Order(_) | Output::Event(_)) => panic!("not drained: {output:?}"),
        }
    }

    /// Loses the connection and gets another.
    pub(crate) fn reconnect(&mut self, store: &mut Store) -> Vec<Order> {
        self.input(store, Input::Fact(Fact::Disconnected));
        self.link += 1;
        self.input(store, Input::Fact(Fact::Connected { link: self.link }))
    }

    pub(crate) fn input(&mut self, store: &mut Store, input: Input) -> Vec<Order> {
        let mut orders = Vec::new();
        self.election.handle(
            Now {
                at: store.now,
                unix: store.unix,
            },
            input,
        );
        loop {
            let order = match self.election.poll() {
                Output::Order(order) => order,
                Output::Event(event) => {
                    self.events.push(event);
                    continue;
                }
                Output::WaitUntil(_) => return orders,
            };
            orders.push(order.clone());
            for fact in self.carry_out(store, order) {
                self.election.handle(
                    Now {
                        at: store.now,
                        unix: store.unix,
                    },
                    Input::Fact(fact),
                );
            }
            assert!(orders.len() < 1_000, "it never comes to rest: {orders:?}");
        }
    }

    fn carry_out(&mut self, store: &mut Store, order: Order) -> Vec<Fact> {
        match order {
            Order::Open => {
                self.link += 1;
                let ttl = Duration::from_secs(10);
                vec![
                    Fact::Opened(Grant { ttl, assured: ttl }),
                    Fact::Connected { link: self.link },
                ]
            }
            Order::Look => vec![Fact::Viewed {
                link: self.link,
                view: store.view(),
            }],
            Order::Commit { ask, commit } => {
                let swallow = store.swallow
                    || (store.swallow_claims && matches!(commit, Commit::Claim { .. }));
                if let Some(late) = store
                    .late
                    .take_if(|_| matches!(commit, Commit::Claim { .. }))
                {
                    store.now = store.now + late;
                }
                let outcome = match store.carry_out(self.instance, commit) {
                    Ok(receipt) => Outcome::Committed(receipt),
                    Err(refusal) => Outcome::Refused(refusal),
                };
                let outcome = if swallow { Outcome::Unknown } else { outcome };
                vec![Fact::Answered { ask, outcome }]
            }
            Order::Watch(_)
            | Order::Close
            | Order::Remember(_)
            | Order::Begin(_)
            | Order::Until { .. }
            | Order::End { .. } => Vec::new(),
        }
    }
}
