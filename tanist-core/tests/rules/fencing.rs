//! Who still has to be fenced, and by whom.

use super::store::{LEASE, Node, Store};
use tanist_core::{
    Beginning, Defects, Health, Input, Order, Reading, RecordState, Release, ReleaseStep, Timing,
};

fn beginning(orders: &[Order]) -> Option<Beginning> {
    orders.iter().find_map(|order| match order {
        Order::Begin(beginning) => Some(beginning.clone()),
        _ => None,
    })
}

/// `node` takes over from a leader that says nothing any more.
fn takes_over(node: &mut Node, store: &mut Store) -> Beginning {
    let mut orders = node.start(store);
    let limit = store.now + Timing::grace(LEASE) * 4;
    loop {
        if let Some(beginning) = beginning(&orders) {
            return beginning;
        }
        let at = node.wake_at().expect("it wants to lead").max(store.now);
        assert!(at < limit, "it does not lead");
        orders = node.wake(store, at);
    }
}

fn node_of(number: u128) -> Option<String> {
    let mut store = Store::default();
    Node::new(number).start(&mut store);
    Some(store.record().node.clone())
}

#[test]
fn who_follows_a_leader_that_gave_back_has_nobody_to_fence() {
    let mut store = Store::default();
    let (mut a, mut b) = (Node::new(1), Node::new(2));
    let first = beginning(&a.start(&mut store)).expect("a leads");
    assert!(!first.deposes, "nobody led before");
    b.start(&mut store);
    a.resign(&mut store);
    a.stopped(&mut store);
    let next = beginning(&b.look(&mut store)).expect("b leads");
    assert_eq!((next.previous, next.deposes), (node_of(1), false));
    assert_eq!(store.record().unfenced, None);
}

#[test]
fn a_debt_is_handed_on_until_somebody_has_paid_it() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let mut b = Node::new(2);
    let second = takes_over(&mut b, &mut store);
    assert_eq!((second.previous, second.deposes), (node_of(1), true));
    assert_eq!(store.record().unfenced, node_of(1));
    // It could not fence a, begins nothing, and stays out.
    b.input(&mut store, Input::Unfenced);
    b.input(
        &mut store,
        Input::Health {
            health: Health::Critical,
            note: String::new(),
        },
    );
    b.stopped(&mut store);
    assert_eq!(store.record().state, RecordState::Resigned);
    assert_eq!(store.record().unfenced, node_of(1));
    let mut c = Node::new(3);
    let third = takes_over(&mut c, &mut store);
    assert_eq!(
        (third.previous, third.deposes),
        (node_of(1), true),
        "it is a that may work, not b"
    );
    c.resign(&mut store);
    c.stopped(&mut store);
    assert_eq!(store.record().unfenced, None, "c has begun, so a is fenced");
    let mut d = Node::new(4);
    let fourth = takes_over(&mut d, &mut store);
    assert_eq!((fourth.previous, fourth.deposes), (node_of(3), false));
}

#[test]
fn a_record_that_is_gone_leaves_somebody_without_a_name_to_fence() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let mut b = Node::new(2);
    b.start(&mut store);
    store.record = None;
    store.revision += 1;
    let mut orders = b.look(&mut store);
    while beginning(&orders).is_none() {
        let at = b.wake_at().expect("b wants to lead").max(store.now);
        orders = b.wake(&mut store, at);
    }
    let next = beginning(&orders).expect("b leads");
    assert_eq!((next.previous, next.deposes), (None, true));
}

#[test]
fn a_helper_hands_the_debt_on_only_where_nothing_was_begun() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    takes_over(&mut Node::new(2), &mut store);
    let record = store.record().clone();
    let marked = |unfenced: bool| {
        let (entry, instance, term) = (record.entry.clone(), record.instance, record.term);
        let mut release = Release::new(entry, instance, term, Defects::default());
        if unfenced {
            release = release.unfenced();
        }
        release.deleted(&tanist_core::Outcome::Committed(
            tanist_core::Receipt::default(),
        ));
        release.read(
            &Reading::Known(record.clone()),
            store.view().record_stamp,
            1,
        );
        match release.step() {
            ReleaseStep::MarkResigned { record, .. } => record.unfenced.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(marked(true), node_of(1));
    assert_eq!(marked(false), None);
}
