//! Renewals that need somebody who vouches for the work.

use std::time::Duration;

use super::store::{LEASE, Node, Store};
use tanist_core::{Commit, EndCause, Health, Input, Moment, Order, Role};

fn renewals(orders: &[Order]) -> usize {
    let is_renewal = |order: &&Order| {
        matches!(
            order,
            Order::Commit {
                commit: Commit::Renew { .. },
                ..
            }
        )
    };
    orders.iter().filter(is_renewal).count()
}

fn ended(orders: &[Order]) -> Option<EndCause> {
    orders.iter().find_map(|order| match order {
        Order::End { cause, .. } => Some(*cause),
        _ => None,
    })
}

/// Lets time pass until the work is told to end or `limit` is reached. Tells why, and when the last
/// renewal was sent.
fn led_until(
    node: &mut Node,
    store: &mut Store,
    limit: Moment,
) -> (Option<EndCause>, Option<Moment>) {
    let mut last = None;
    while let Some(at) = node.wake_at().filter(|at| *at <= limit) {
        let orders = node.wake(store, at);
        if renewals(&orders) > 0 {
            last = Some(at);
        }
        if let Some(cause) = ended(&orders) {
            return (Some(cause), last);
        }
    }
    (None, last)
}

#[test]
fn a_leader_nobody_vouches_for_sends_no_renewal_and_stops_by_its_lease() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let vouched = store.now + LEASE * 2;
    a.input(&mut store, Input::Vouched(Some(vouched)));
    let (cause, last) = led_until(&mut a, &mut store, vouched + LEASE);
    assert_eq!(cause, Some(EndCause::LeaseDue));
    let last = last.unwrap();
    let timing = a.timing();
    assert!(last <= vouched && vouched.since(last) < timing.renew_every());
    // Exactly as if the store had fallen silent then.
    assert_eq!(store.now, timing.term_at(last + LEASE));
    assert_eq!(a.election.role(), Role::Standby);
}

#[test]
fn a_new_word_in_time_sends_what_was_withheld_at_once() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let start = store.now;
    a.input(&mut store, Input::Vouched(Some(start)));
    let (cause, last) = led_until(&mut a, &mut store, start + LEASE / 4);
    assert_eq!((cause, last), (None, None));
    store.now = store.now + Duration::from_millis(1);
    let until = Some(store.now + LEASE);
    let orders = a.input(&mut store, Input::Vouched(until));
    assert_eq!(renewals(&orders), 1);
    assert_eq!(a.election.safe_until(), Some(store.now + LEASE));
    let again = a.input(&mut store, Input::Vouched(until));
    assert_eq!(renewals(&again), 0, "it was not withheld");
}

#[test]
fn who_asks_for_no_word_renews_without_one() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let start = store.now;
    a.input(&mut store, Input::Vouched(Some(start)));
    a.input(&mut store, Input::Vouched(None));
    let (cause, last) = led_until(&mut a, &mut store, start + LEASE * 3);
    assert_eq!(cause, None);
    assert!(last.unwrap() > start + LEASE * 2);
}

#[test]
fn a_planned_stop_has_its_own_time_though_nobody_vouches_any_more() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let start = store.now;
    a.input(&mut store, Input::Vouched(Some(start)));
    let (health, note) = (Health::Critical, "http: no answer".to_owned());
    let orders = a.input(&mut store, Input::Health { health, note });
    assert_eq!(ended(&orders), Some(EndCause::Unhealthy));
    let (cause, last) = led_until(&mut a, &mut store, start + LEASE * 2);
    assert_eq!(cause, None, "it does not turn into a loss");
    assert!(last.unwrap() > start + LEASE);
}

#[test]
fn a_full_store_makes_no_renewal_of_it_either() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    store.full = true;
    let start = store.now;
    a.input(&mut store, Input::Vouched(Some(start)));
    let limit = start + LEASE;
    let (cause, last) = led_until(&mut a, &mut store, limit);
    assert_eq!((cause, last), (Some(EndCause::LeaseDue), None));
}

#[test]
fn the_note_is_published_with_the_health_and_only_when_it_changes() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let ill = |note: &str| Input::Health {
        health: Health::Warning,
        note: note.to_owned(),
    };
    a.input(&mut store, ill("disk: 91% full"));
    let published = |store: &Store| store.members.values().next().cloned().unwrap();
    let member = published(&store);
    assert_eq!(
        (member.health, member.note.as_str()),
        (Health::Warning, "disk: 91% full")
    );
    let revision = store.revision;
    a.input(&mut store, ill("disk: 91% full"));
    assert_eq!(store.revision, revision);
    a.input(&mut store, ill("disk: 92% full"));
    assert_eq!(published(&store).note, "disk: 92% full");
}
