//! What the simulator caught: each as small as it can be told. The list is docs/caught-bugs.md.

use std::collections::BTreeMap;
use std::time::Duration;

use super::store::{LEASE, Node, Store};
use tanist_core::{
    Commit, Config, Defects, Directive, Election, Fact, Grant, Input, InstanceId, Memory, Moment,
    Now, Order, Outcome, Output, Position, Reading, Receipt, Term, Timing, Vacancy, View,
};

const NOW: Now = Now {
    at: Moment::ORIGIN,
    unix: 0,
};

fn election() -> Election {
    Election::new(Config {
        election: "jobs".to_owned(),
        node: "a".to_owned(),
        instance: InstanceId::new(1),
        address: String::new(),
        priority: 100,
        version: String::new(),
        timing: Timing::from_lease(LEASE).expect("a valid lease"),
        memory: Memory::default(),
        seed: 1,
        defects: Defects::default(),
    })
}

fn orders(election: &mut Election, input: Input) -> Vec<Order> {
    election.handle(NOW, input);
    let mut orders = Vec::new();
    loop {
        match election.poll() {
            Output::Order(order) => orders.push(order),
            Output::Event(_) => {}
            Output::WaitUntil(_) => return orders,
        }
    }
}

fn empty_view(revision: u64) -> View {
    View {
        position: Position { store: 1, revision },
        record: Reading::Absent,
        record_stamp: None,
        beat: None,
        line: Vec::new(),
        members: BTreeMap::new(),
        directive: Directive::default(),
        vacancy: Vacancy::ByLease,
    }
}

#[test]
fn an_answered_commit_is_not_sent_again_before_a_view_shows_what_became_of_it() {
    let mut a = election();
    orders(&mut a, Input::Start);
    let ttl = LEASE;
    orders(
        &mut a,
        Input::Fact(Fact::Opened(Grant { ttl, assured: ttl })),
    );
    orders(&mut a, Input::Fact(Fact::Connected { link: 1 }));
    let view = empty_view(1);
    let asked = orders(&mut a, Input::Fact(Fact::Viewed { link: 1, view }));
    let found = asked.iter().find_map(|order| match order {
        Order::Commit {
            ask,
            commit: Commit::Found { .. },
        } => Some(*ask),
        _ => None,
    });
    let ask = found.expect("the election is founded");
    let receipt = Receipt {
        revision: 2,
        ..Receipt::default()
    };
    let outcome = Outcome::Committed(receipt);
    let next = orders(&mut a, Input::Fact(Fact::Answered { ask, outcome }));
    assert!(next.contains(&Order::Look), "{next:?}");
    assert!(
        !next
            .iter()
            .any(|order| matches!(order, Order::Commit { .. })),
        "{next:?}"
    );
}

#[test]
fn a_machine_that_has_seen_the_election_does_not_found_it_again() {
    let mut store = Store::default();
    let memory = Memory {
        highest_term: Term::new(3),
        longest_lease: Duration::from_secs(1),
    };
    let mut a = Node::with(1, |config| config.memory = memory);
    a.start(&mut store);
    assert!(store.record.is_none());
    assert!(!store.line.is_empty());
}

#[test]
fn who_claims_where_no_record_is_leaves_a_beat_before_it_begins() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let renew_at = a.wake_at().expect("a renewal is due");
    a.wake(&mut store, renew_at);
    let mut b = Node::new(2);
    b.start(&mut store);
    store.record = None;
    store.revision += 1;
    let left = store.beat.expect("a has renewed");
    b.look(&mut store);
    // Without a record nobody can tell that a, which stands first, is the leader that is gone.
    let due = store.now + Timing::grace(LEASE) + b.timing().head_start();
    let mut orders = b.wake(&mut store, due);
    orders.extend(b.look(&mut store));
    assert!(
        orders.iter().any(|order| matches!(order, Order::Begin(_))),
        "{orders:?}"
    );
    assert_ne!(store.beat, Some(left));
}

#[test]
fn a_node_claims_over_a_record_of_its_own_that_it_could_not_mark() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    store.full = true;
    a.stopped(&mut store);
    store.full = false;
    let mut orders = Vec::new();
    let until = store.now + Timing::grace(LEASE) * 3;
    while let Some(at) = a.wake_at().filter(|at| *at < until) {
        orders.extend(a.wake(&mut store, at));
    }
    assert!(
        orders.iter().any(|order| matches!(order, Order::Begin(_))),
        "{orders:?}"
    );
}

#[test]
fn a_node_tells_of_itself_again_when_the_store_shows_what_it_told_long_ago() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let mut b = Node::new(2);
    b.start(&mut store);
    let instance = InstanceId::new(2);
    let told = store.members[&instance].clone();
    if let Some(member) = store.members.get_mut(&instance) {
        member.aside = true;
    }
    store.revision += 1;
    b.look(&mut store);
    assert_eq!(store.members[&instance], told);
}

#[test]
fn a_node_claims_over_a_record_that_names_the_place_it_stands_at() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let backup = (store.record.clone(), store.line.clone());
    // More losses than a node remembers places that it must not take up again.
    for _ in 0..6 {
        store.line.clear();
        store.revision += 1;
        a.look(&mut store);
        a.stopped(&mut store);
    }
    (store.record, store.line) = backup;
    store.revision += 1;
    a.look(&mut store);
    a.stopped(&mut store);
    let mut orders = Vec::new();
    let until = store.now + Timing::grace(LEASE) * 3;
    while let Some(at) = a.wake_at().filter(|at| *at < until) {
        orders.extend(a.wake(&mut store, at));
    }
    assert!(
        orders.iter().any(|order| matches!(order, Order::Begin(_))),
        "{orders:?}"
    );
}
