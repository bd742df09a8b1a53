//! One election as people and scripts want to see it, drawn from one read of the store.

mod place;
mod remains;
mod state;

use std::time::Duration;

use serde_json::{Value, json};
use tanist::core::Now;
use tanist::{Health, Holder, Record, RecordState, Snapshot, View};

use crate::exit::Code;
use place::place;
pub(crate) use place::{Place, health_word};
use state::state;
pub(crate) use state::{Leader, State};

/// How the note of a leader begins whose child has still to say that it serves.
pub(crate) const STARTING: &str = "starting: not ready yet";

/// One election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overview {
    /// Its name.
    pub(crate) election: String,
    /// Whether somebody leads.
    pub(crate) state: State,
    /// The term of the record, whoever wrote it.
    pub(crate) term: Option<u64>,
    /// When the record was written, in seconds since 1970 by the writer's clock.
    pub(crate) since: Option<u64>,
    /// Since when it is in this state, in seconds since 1970, where the record tells that.
    pub(crate) state_since: Option<u64>,
    /// Why it was written.
    pub(crate) reason: String,
    /// The leader's lease.
    pub(crate) lease_ms: Option<u64>,
    /// When the leader last renewed its right, as far as the store tells: that long ago.
    pub(crate) renewed_ms_ago: Option<u64>,
    /// Until when an operator lets nobody new lead, in seconds since 1970.
    pub(crate) paused_until: Option<u64>,
    /// The leader first, then the line.
    pub(crate) members: Vec<Place>,
}

impl Overview {
    /// Draws it from all that one read of the store tells.
    pub(crate) fn read(election: &str, snapshot: &Snapshot, now: Now) -> Self {
        let mut this = Self::of(election, &snapshot.view, now.unix);
        let silent = snapshot.renewed_at.map(|at| now.at.since(at));
        let lease = snapshot.view.record.known().map(|record| record.lease);
        this.state = match (this.state, silent.zip(lease)) {
            (State::Leading(leader), Some((silent, lease))) if silent > lease => {
                State::Lapsed(leader, silent - lease, snapshot.holders.clone())
            }
            (State::Lingering(node, _), _) => State::Lingering(node, snapshot.holders.clone()),
            (other, _) => other,
        };
        match &this.state {
            State::Leading(_) => this.renewed_ms_ago = silent.map(millis),
            State::Lapsed(leader, over, _) => {
                this.state_since = Some(now.unix.saturating_sub(over.as_secs()));
                this.renewed_ms_ago = silent.map(millis);
                let lapsed = |place: &&mut Place| place.instance == Some(leader.instance);
                for place in this.members.iter_mut().filter(lapsed) {
                    place.role = "lapsed";
                }
            }
            _ => {}
        }
        this
    }

    /// Draws it from `view`, at the wall-clock second `unix`.
    pub(crate) fn of(election: &str, view: &View, unix: u64) -> Self {
        let record = view.record.known();
        let state = state(election, view);
        let state_since = record.filter(|it| dates(it, &state)).map(|it| it.at);
        let leader = match &state {
            State::Leading(leader) => Some(leader.instance),
            _ => None,
        };
        let next = view
            .succession(unix)
            .first()
            .map(|candidate| &candidate.entry);
        let mut members: Vec<Place> = view
            .line
            .iter()
            .map(|candidate| Place {
                next: next == Some(&candidate.entry),
                ..place(view, candidate, leader)
            })
            .collect();
        members.sort_by_key(|place| place.role != "leader");
        Self {
            election: election.to_owned(),
            state,
            term: record
                .map(|record| record.term.number())
                .filter(|&term| term > 0),
            since: record.map(|record| record.at),
            state_since,
            reason: record
                .map(|record| record.reason.clone())
                .unwrap_or_default(),
            lease_ms: record.map(|record| millis(record.lease)),
            renewed_ms_ago: None,
            paused_until: view.directive.paused_until(unix),
            members,
        }
    }

    /// The nodes that stay out because their child failed too often.
    pub(crate) fn parked(&self) -> Vec<&str> {
        let parked = |place: &&Place| {
            let member = place.member.as_ref();
            member.is_some_and(|member| member.health == Health::Parked)
        };
        let parked = self.members.iter().filter(parked);
        parked.map(|place| place.node.as_str()).collect()
    }

    /// What a person should know besides.
    pub(crate) fn detail(&self) -> Option<String> {
        let stuck = self.state == State::Vacant && !self.members.iter().any(|place| place.next);
        let parked = self.parked();
        if stuck && !parked.is_empty() {
            return Some(format!(
                "parked: the child failed too often on {}; mend it and start tanist there anew",
                parked.join(", ")
            ));
        }
        self.state.detail()
    }

    /// What the exit code says of it.
    pub(crate) const fn code(&self) -> Code {
        match self.state {
            State::Leading(_) => Code::Ok,
            State::Vacant
            | State::Waiting(_)
            | State::Foreign(_)
            | State::Lapsed(..)
            | State::Lingering(..) => Code::NoLeader,
            State::Unknown => Code::UnknownElection,
            State::Refused(..) => Code::Protocol,
        }
    }

    /// Who leads, if it is a tanist node.
    pub(crate) const fn leader(&self) -> Option<&Leader> {
        match &self.state {
            State::Leading(leader) => Some(leader),
            _ => None,
        }
    }

    /// Whether the leader tells that its child has still to say that it serves.
    pub(crate) fn is_starting(&self) -> bool {
        let mut leaders = self.members.iter().filter(|place| place.role == "leader");
        leaders.any(|place| {
            let member = place.member.as_ref();
            member.is_some_and(|member| member.note.starts_with(STARTING))
        })
    }

    /// The processes that keep the lock of a leader that has gone, or that is silent.
    fn holders(&self) -> Vec<Value> {
        let (State::Lingering(_, holders) | State::Lapsed(_, _, holders)) = &self.state else {
            return Vec::new();
        };
        let document =
            |it: &Holder| json!({ "pid": it.pid, "command": it.command, "frozen": it.frozen });
        holders.iter().map(document).collect()
    }

    /// The document that programs read. Fields are only ever added.
    pub(crate) fn json(&self) -> Value {
        let leader = self.leader().map(|leader| {
            json!({
                "node": leader.node,
                "instance": leader.instance.to_string(),
                "address": leader.advertised(),
            })
        });
        json!({
            "election": self.election,
            "state": self.state.word(),
            "detail": self.detail(),
            "term": self.term,
            "leader": leader,
            "since": self.since,
            "reason": Some(self.reason.as_str()).filter(|reason| !reason.is_empty()),
            "lease_ms": self.lease_ms,
            "renewed_ms_ago": self.renewed_ms_ago,
            "holders": self.holders(),
            "paused_until": self.paused_until,
            "parked": self.parked(),
            "members": self.members.iter().map(Place::json).collect::<Vec<_>>(),
        })
    }
}

/// Whether the record was written when this state began. One of a leader that just went tells when it
/// began to lead, and nothing tells when it went.
const fn dates(record: &Record, state: &State) -> bool {
    match state {
        State::Leading(_) | State::Waiting(_) => true,
        State::Vacant => matches!(record.state, RecordState::Resigned),
        _ => false,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tanist::Moment;
    use tanist::core::{Candidate, Directive, Member, Owner, Position, Reading, Vacancy};
    use tanist::{EntryId, InstanceId, Term};

    /// The nodes of these names stand in this order; the first one's record is in this state.
    pub(crate) fn view(names: &[(&str, u32)], state: RecordState, vacancy: Vacancy) -> View {
        let instance = |index: usize| InstanceId::new(index as u128 + 1);
        let entry = |index: usize| EntryId {
            key: format!("demo/{index}"),
            created: 9,
        };
        let record = Record {
            format: Record::FORMAT,
            election: "demo".to_owned(),
            term: Term::new(42),
            node: names.first().map_or("gone", |(name, _)| name).to_owned(),
            instance: instance(0),
            address: "x:1".to_owned(),
            entry: entry(0),
            lease: Duration::from_secs(8),
            state,
            reason: "start".to_owned(),
            at: 1_000,
            unfenced: None,
            unknown: serde_json::Map::new(),
        };
        let line = (0..names.len()).map(|i| Candidate {
            entry: entry(i),
            owner: Owner::Instance(instance(i)),
        });
        let member = |node: &str, priority| Member {
            node: node.to_owned(),
            address: String::new(),
            priority,
            health: Health::Healthy,
            note: String::new(),
            aside: false,
            version: "0".to_owned(),
        };
        let members: BTreeMap<_, _> = names
            .iter()
            .enumerate()
            .map(|(i, (name, priority))| (instance(i), member(name, *priority)))
            .collect();
        View {
            position: Position::default(),
            record: Reading::Known(record),
            record_stamp: None,
            beat: None,
            line: line.collect(),
            members,
            directive: Directive::default(),
            vacancy,
        }
    }

    pub(crate) fn seen(view: &View) -> Overview {
        Overview::of("demo", view, 2_000)
    }

    #[test]
    fn the_leader_comes_first_and_the_best_of_the_others_is_next() {
        let view = view(
            &[("a", 100), ("b", 100), ("c", 200)],
            RecordState::Leading,
            Vacancy::Held,
        );
        let seen = seen(&view);
        assert_eq!(seen.leader().map(|leader| leader.node.as_str()), Some("a"));
        let roles: Vec<_> = seen
            .members
            .iter()
            .map(|m| (m.node.as_str(), m.role, m.next))
            .collect();
        let expected = [
            ("a", "leader", false),
            ("b", "standby", false),
            ("c", "standby", true),
        ];
        assert_eq!(roles, expected);
        assert_eq!(seen.code(), Code::Ok);
    }

    #[test]
    fn every_state_and_every_field_is_documented() {
        let text = include_str!("../../docs/status.md");
        let leader = || Leader {
            node: "a".to_owned(),
            instance: InstanceId::new(1),
            address: String::new(),
        };
        let states = [
            State::Leading(leader()),
            State::Waiting(leader()),
            State::Foreign(String::new()),
            State::Lapsed(leader(), Duration::ZERO, Vec::new()),
            State::Lingering(String::new(), Vec::new()),
            State::Vacant,
            State::Refused(String::new(), String::new()),
            State::Unknown,
        ];
        let seen = seen(&view(&[("a", 100)], RecordState::Leading, Vacancy::Held));
        for state in states {
            let code = Overview {
                state: state.clone(),
                ..seen.clone()
            }
            .code() as u8;
            let row = format!("| `{}` | ", state.word());
            let row = text.lines().find(|line| line.starts_with(&row));
            let row = row.unwrap_or_else(|| panic!("{} is not documented", state.word()));
            assert!(row.ends_with(&format!(" | {code} |")), "{row}");
        }
        let document = seen.json();
        let fields = [&document, &document["leader"], &document["members"][0]];
        for name in fields
            .iter()
            .filter_map(|it| it.as_object())
            .flat_map(|it| it.keys())
        {
            assert!(
                text.contains(&format!("`{name}`")),
                "{name} is not documented"
            );
        }
    }

    #[test]
    fn what_one_read_tells_besides_is_not_believed_beyond_the_lease() {
        let read = |renewed: Option<u64>| {
            let snapshot = Snapshot {
                view: view(&[("a", 100)], RecordState::Leading, Vacancy::Held),
                directive_stamp: None,
                history: Vec::new(),
                renewed_at: renewed.map(|secs| Moment::after_origin(Duration::from_secs(secs))),
                holders: Vec::new(),
            };
            let at = Moment::after_origin(Duration::from_secs(100));
            Overview::read("demo", &snapshot, Now { at, unix: 2_000 })
        };
        // The lease is 8 s.
        assert_eq!(
            (read(None).code(), read(None).renewed_ms_ago),
            (Code::Ok, None)
        );
        let on_time = read(Some(92));
        assert_eq!(
            (on_time.code(), on_time.renewed_ms_ago),
            (Code::Ok, Some(8_000))
        );
        let late = read(Some(91));
        let since = Duration::from_secs(1);
        assert!(matches!(&late.state, State::Lapsed(_, over, _) if *over == since));
        assert_eq!(
            (late.code(), late.members[0].role),
            (Code::NoLeader, "lapsed")
        );
        // A clock of another namespace is no reason to say that nobody leads.
        assert_eq!(read(Some(200)).code(), Code::Ok);
    }

    #[test]
    fn a_leader_that_has_gone_from_a_held_lock_lingers() {
        let mut gone = view(
            &[("a", 100), ("b", 100)],
            RecordState::Leading,
            Vacancy::Held,
        );
        gone.line.remove(0);
        let seen = seen(&gone);
        assert_eq!(seen.state, State::Lingering("a".to_owned(), Vec::new()));
        assert_eq!(seen.code(), Code::NoLeader);
        assert!(seen.detail().unwrap().starts_with("a has gone"));
    }

    #[test]
    fn a_record_is_not_believed_beyond_its_lock_or_its_entry() {
        let free = view(
            &[("a", 100), ("b", 100)],
            RecordState::Leading,
            Vacancy::Free,
        );
        assert_eq!(seen(&free).state, State::Vacant);
        // It began to lead then; when it went nobody has written.
        assert_eq!(
            (seen(&free).since, seen(&free).state_since),
            (Some(1_000), None)
        );
        let resigned = view(&[("a", 100)], RecordState::Resigned, Vacancy::Free);
        assert_eq!(seen(&resigned).state_since, Some(1_000));
        let mut gone = view(
            &[("a", 100), ("b", 100)],
            RecordState::Leading,
            Vacancy::ByLease,
        );
        gone.line.remove(0);
        assert_eq!(seen(&gone).state, State::Vacant);
        assert_eq!(seen(&gone).code(), Code::NoLeader);
    }

    #[test]
    fn a_held_lock_without_a_leader_is_somebody_elses() {
        let held = view(&[("a", 100)], RecordState::Resigned, Vacancy::Held);
        assert!(matches!(seen(&held).state, State::Foreign(_)));
    }

    #[test]
    fn who_waits_does_not_lead_yet_and_garbage_needs_a_person() {
        let waiting = view(&[("a", 100)], RecordState::Waiting, Vacancy::ByLease);
        assert_eq!(seen(&waiting).code(), Code::NoLeader);
        let newer = View {
            record: Reading::Newer { format: 2 },
            ..view(&[("a", 100)], RecordState::Leading, Vacancy::ByLease)
        };
        assert_eq!(seen(&newer).code(), Code::Protocol);
        let nothing = View {
            record: Reading::Absent,
            members: BTreeMap::new(),
            ..view(&[], RecordState::Resigned, Vacancy::Free)
        };
        assert_eq!(seen(&nothing).code(), Code::UnknownElection);
    }

    #[test]
    fn an_election_that_everybody_gave_up_says_so() {
        let mut vacant = view(
            &[("a", 100), ("b", 100)],
            RecordState::Resigned,
            Vacancy::Free,
        );
        let park = |view: &mut View, index| {
            let member = view.members.get_mut(&InstanceId::new(index));
            member.unwrap().health = Health::Parked;
        };
        park(&mut vacant, 1);
        let one = seen(&vacant);
        assert_eq!((one.parked(), one.detail()), (vec!["a"], None));
        assert!(one.members[1].next && !one.members[0].next);
        park(&mut vacant, 2);
        let both = seen(&vacant);
        assert!(both.detail().unwrap().contains("too often on a, b"));
        assert_eq!(both.json()["parked"], json!(["a", "b"]));
        assert_eq!(both.json()["members"][0]["health"], "parked");
    }
}
