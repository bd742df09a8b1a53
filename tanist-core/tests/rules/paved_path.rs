//! One election from the first start to the last withdrawal, against a model of a correct store.

use std::time::Duration;

use super::store::{LEASE, Node, Store};
use tanist_core::{Directive, EndCause, Event, NodeUntil, Order, RecordState, Role, Term};

fn began(outputs: &[Order]) -> Option<Term> {
    outputs.iter().find_map(|order| match order {
        Order::Begin(beginning) => Some(beginning.term),
        _ => None,
    })
}

fn ended(outputs: &[Order]) -> Option<EndCause> {
    outputs.iter().find_map(|order| match order {
        Order::End { cause, .. } => Some(*cause),
        _ => None,
    })
}

#[test]
fn the_first_node_leads_without_waiting_and_the_second_stands_by() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    let orders = a.start(&mut store);
    assert_eq!(began(&orders), Some(Term::new(store.unix)));
    let mut b = Node::new(2);
    assert_eq!(began(&b.start(&mut store)), None);
    assert_eq!(
        (a.election.role(), b.election.role()),
        (Role::Leader, Role::Standby)
    );
    assert_eq!(store.record().state, RecordState::Leading);
}

#[test]
fn a_resignation_is_taken_over_at_once_and_only_after_the_work_has_stopped() {
    let mut store = Store::default();
    let (mut a, mut b) = (Node::new(1), Node::new(2));
    a.start(&mut store);
    b.start(&mut store);
    let orders = a.resign(&mut store);
    assert_eq!(ended(&orders), Some(EndCause::Resigned));
    assert_eq!(store.record().state, RecordState::Leading);
    assert_eq!(
        began(&b.look(&mut store)),
        None,
        "the work of a has not stopped"
    );
    a.stopped(&mut store);
    assert_eq!(store.record().state, RecordState::Resigned);
    let first = store.record().term;
    let term = began(&b.look(&mut store)).unwrap();
    assert!(term > first);
    a.look(&mut store);
    assert_eq!(a.election.role(), Role::Standby);
}

#[test]
fn a_silent_leader_is_deposed_after_g_and_not_before() {
    let mut store = Store::default();
    let (mut a, mut b) = (Node::new(1), Node::new(2));
    a.start(&mut store);
    a.wake(&mut store, a.wake_at().unwrap());
    b.start(&mut store);
    let grace = tanist_core::Timing::grace(LEASE);
    let seen_at = store.now;
    let due = seen_at + grace;
    assert_eq!(
        began(&b.wake(&mut store, due - Duration::from_millis(1))),
        None
    );
    assert!(began(&b.wake(&mut store, due)).is_some());
    let lost = a.wake(&mut store, due);
    assert_eq!(
        ended(&lost),
        Some(EndCause::LeaseDue),
        "a's own lease ended long before"
    );
}

#[test]
fn a_leader_whose_renewals_are_lost_works_on_and_stops_by_its_lease() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let safe_until = a.election.safe_until().unwrap();
    store.swallow = true;
    loop {
        let at = a.wake_at().unwrap();
        assert!(at < safe_until);
        let orders = a.wake(&mut store, at);
        if let Some(cause) = ended(&orders) {
            assert_eq!(cause, EndCause::LeaseDue);
            assert_eq!(at, a.timing().term_at(safe_until));
            return;
        }
    }
}

#[test]
fn a_deleted_entry_ends_the_work_at_the_next_renewal_and_is_never_taken_up_again() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let lost = store.line.remove(0);
    let orders = a.wake(&mut store, a.wake_at().unwrap());
    assert_eq!(ended(&orders), Some(EndCause::Ousted));
    store.line.push(lost.clone());
    a.stopped(&mut store);
    a.look(&mut store);
    a.look(&mut store);
    assert!(
        !store
            .line
            .iter()
            .any(|candidate| candidate.entry == lost.entry)
    );
    assert_ne!(a.election.entry(), Some(&lost.entry));
}

#[test]
fn a_claim_whose_answer_is_lost_begins_only_after_one_more_guarded_commit() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    store.swallow_claims = true;
    let orders = a.start(&mut store);
    assert_eq!(store.record().state, RecordState::Leading, "it took effect");
    let renewal = orders
        .iter()
        .position(|order| matches!(order, Order::Commit { ask, .. } if ask.renewal));
    let begin = orders
        .iter()
        .position(|order| matches!(order, Order::Begin(_)));
    assert!(renewal.unwrap() < begin.unwrap(), "{orders:?}");
}

#[test]
fn a_named_successor_goes_first_although_it_stands_last() {
    let mut store = Store::default();
    let (mut a, mut b, mut c) = (Node::new(1), Node::new(2), Node::new(3));
    a.start(&mut store);
    b.start(&mut store);
    c.start(&mut store);
    store.directive = Directive {
        successor: Some(NodeUntil {
            node: "node-3".to_owned(),
            until: store.unix + 60,
        }),
        ..Directive::default()
    };
    b.look(&mut store);
    c.look(&mut store);
    assert_eq!(ended(&a.look(&mut store)), Some(EndCause::Switchover));
    a.stopped(&mut store);
    assert_eq!(
        began(&b.look(&mut store)),
        None,
        "b stands first but was not named"
    );
    assert!(began(&c.look(&mut store)).is_some());
}

#[test]
fn a_stuck_favourite_costs_a_head_start_and_no_more() {
    let mut store = Store::default();
    let (mut a, mut b, mut c) = (Node::new(1), Node::new(2), Node::new(3));
    a.start(&mut store);
    b.start(&mut store);
    c.start(&mut store);
    a.resign(&mut store);
    a.stopped(&mut store);
    assert_eq!(began(&c.look(&mut store)), None, "b goes first");
    let due = store.now + c.timing().head_start();
    store.now = due;
    let orders = c.wake(&mut store, due);
    assert!(began(&orders).is_some(), "b never claimed");
    assert_eq!(b.election.role(), Role::Standby);
}

/// F105: a pause, and then the leader goes.
#[test]
fn paused_means_nobody_new_and_the_leader_goes_on() {
    let mut store = Store::default();
    let (mut a, mut b) = (Node::new(1), Node::new(2));
    a.start(&mut store);
    b.start(&mut store);
    store.directive = Directive {
        paused_until: Some(store.unix + 60),
        ..Directive::default()
    };
    assert_eq!(ended(&a.look(&mut store)), None);
    a.resign(&mut store);
    a.stopped(&mut store);
    assert_eq!(began(&b.look(&mut store)), None);
    store.unix += 60;
    assert!(began(&b.look(&mut store)).is_some());
}

#[test]
fn a_full_store_is_lived_on_by_deletions_and_the_successor_waits_as_waiting() {
    let mut store = Store::default();
    let (mut a, mut b) = (Node::new(1), Node::new(2));
    a.start(&mut store);
    b.start(&mut store);
    a.wake(&mut store, a.wake_at().unwrap());
    assert!(store.beat.is_some());
    store.full = true;
    a.wake(&mut store, a.wake_at().unwrap());
    assert!(store.beat.is_none(), "the renewal deleted it");
    let after = a.election.safe_until().unwrap();
    assert_eq!(after, store.now + LEASE, "and it counts");
    // a dies. b may not claim before a put of its own was accepted.
    for _ in 0..20 {
        let at = b.wake_at().unwrap_or(store.now + Duration::from_secs(1));
        assert_eq!(began(&b.wake(&mut store, at)), None);
        b.look(&mut store);
    }
    assert_eq!(store.record().state, RecordState::Leading);
    store.full = false;
    let mut waiting_since = None;
    for _ in 0..200 {
        let at = b.wake_at().unwrap_or(store.now + Duration::from_secs(1));
        let orders = b.wake(&mut store, at);
        if store.record().state == RecordState::Waiting {
            waiting_since.get_or_insert(store.now);
        }
        if began(&orders).is_some() {
            let waited = store.now.since(waiting_since.unwrap());
            assert!(waited >= tanist_core::Timing::grace(LEASE), "{waited:?}");
            return;
        }
    }
    panic!("b never led");
}

#[test]
fn leaving_closes_after_the_withdrawal() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    assert_eq!(ended(&a.leave(&mut store)), Some(EndCause::Leaving));
    let orders = a.stopped(&mut store);
    assert_eq!(orders.last(), Some(&Order::Close));
    assert_eq!(store.record().state, RecordState::Resigned);
    assert!(store.line.is_empty());
    assert!(a.events.contains(&Event::Withdrawn {
        term: store.record().term
    }));
}

#[test]
fn who_stood_aside_counts_again_when_another_has_led_and_left() {
    let mut store = Store::default();
    let (mut a, mut b) = (Node::new(1), Node::new(2));
    a.start(&mut store);
    b.start(&mut store);
    a.resign(&mut store);
    a.stopped(&mut store);
    b.look(&mut store);
    assert_eq!(b.election.role(), Role::Leader);
    b.resign(&mut store);
    b.stopped(&mut store);
    // All that a ever sees of b's leadership is that it is over.
    assert!(began(&a.look(&mut store)).is_some());
}
