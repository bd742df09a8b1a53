//! What the store can do to an election, and who may lead next: one rule a test.

use std::time::Duration;

use super::store::{LEASE, Node, Store};
use tanist_core::{
    Alarm, EndCause, Event, Health, Input, Memory, Moment, Order, RecordState, Role, Term, Timing,
    Vacancy, Wait,
};

fn health(health: Health) -> Input {
    let note = String::new();
    Input::Health { health, note }
}

fn began(orders: &[Order]) -> bool {
    orders.iter().any(|order| matches!(order, Order::Begin(_)))
}

/// Wakes `node` whenever it wants, until it begins or `limit` has passed. Tells when it began.
fn begins_within(node: &mut Node, store: &mut Store, limit: Duration) -> Option<Moment> {
    let end = store.now + limit;
    let mut orders = node.look(store);
    loop {
        if began(&orders) {
            return Some(store.now);
        }
        let at = node.wake_at()?;
        if at > end {
            return None;
        }
        orders = node.wake(store, at.max(store.now));
    }
}

fn lead_and_beat(store: &mut Store) -> Node {
    let mut leader = Node::new(1);
    leader.start(store);
    let renew_at = leader.wake_at().expect("a renewal is due");
    leader.wake(store, renew_at);
    leader
}

#[test]
fn a_deleted_record_is_waited_out_with_the_longest_lease_ever_seen() {
    let mut store = Store::default();
    let _leader = lead_and_beat(&mut store);
    let seen = Memory {
        highest_term: Term::ZERO,
        longest_lease: LEASE * 3,
    };
    let mut b = Node::with(2, |config| config.memory = seen);
    b.start(&mut store);
    store.record = None;
    store.beat = None;
    store.revision += 1;
    let gone_at = store.now;
    let began_at = begins_within(&mut b, &mut store, LEASE * 10).expect("b leads at last");
    // Without the record nobody can tell that the first of the line is the leader that is gone.
    let head_start = b.timing().head_start();
    assert_eq!(began_at, gone_at + Timing::grace(LEASE * 3) + head_start);
}

#[test]
fn a_restored_store_does_not_make_a_resigned_record_free() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    a.resign(&mut store);
    a.stopped(&mut store);
    let (old_record, old_revision) = (store.record.clone(), store.revision);
    let mut b = Node::with(2, |config| config.priority = 0);
    b.start(&mut store);
    // c leads, and the store forgets it.
    let mut c = Node::new(3);
    c.start(&mut store);
    c.wake(&mut store, store_now(&c));
    b.look(&mut store);
    let seen = store.record().term;
    store.record = old_record;
    store.beat = None;
    store.revision = old_revision;
    store
        .line
        .retain(|candidate| candidate.instance().is_some());
    let restored_at = store.now;
    b.reconnect(&mut store);
    assert!(b.events.contains(&Event::Alarm(Alarm::StoreWentBack)));
    b.input(&mut store, Input::Priority(100));
    let began_at = begins_within(&mut b, &mut store, LEASE * 3).expect("b leads at last");
    assert!(began_at >= restored_at + Timing::grace(LEASE));
    assert!(store.record().term > seen, "terms rise across the restore");
}

fn store_now(node: &Node) -> Moment {
    node.wake_at().expect("something is due")
}

#[test]
fn the_count_starts_over_at_every_reconnection() {
    let mut store = Store::default();
    let _leader = lead_and_beat(&mut store);
    let mut b = Node::new(2);
    b.start(&mut store);
    store.now = store.now + Timing::grace(LEASE) / 2;
    let again_at = store.now;
    b.reconnect(&mut store);
    let began_at = begins_within(&mut b, &mut store, LEASE * 3).expect("b leads at last");
    assert_eq!(began_at, again_at + Timing::grace(LEASE));
}

#[test]
fn a_leader_with_a_longer_lease_is_waited_out_with_its_own() {
    let mut store = Store::default();
    let lease = LEASE * 2;
    let mut a = Node::with(1, |config| {
        config.timing = Timing::from_lease(lease).expect("a valid lease");
    });
    a.start(&mut store);
    a.wake(&mut store, store_now(&a));
    let mut b = Node::new(2);
    b.start(&mut store);
    let seen_at = store.now;
    let told = |event: &Event| matches!(event, Event::Alarm(Alarm::DifferentLease { .. }));
    assert!(b.events.iter().any(told));
    let began_at = begins_within(&mut b, &mut store, lease * 3).expect("b leads at last");
    assert_eq!(began_at, seen_at + Timing::grace(lease));
}

#[test]
fn nobody_claims_before_a_foreign_candidate_that_stands_first() {
    let mut store = Store::default();
    let foreign = store.add_foreign(true);
    let mut a = Node::new(1);
    a.start(&mut store);
    assert_eq!(begins_within(&mut a, &mut store, LEASE * 5), None);
    let waits = Event::Waiting(Wait::Foreign {
        entry: foreign.clone(),
        label: "curator".into(),
    });
    assert!(a.events.contains(&waits), "{:?}", a.events);
    store.line.retain(|candidate| candidate.entry != foreign);
    store.revision += 1;
    assert!(begins_within(&mut a, &mut store, LEASE * 5).is_some());
}

/// F93: somebody holds the lock for ever.
#[test]
fn a_foreign_entry_that_never_goes_away_raises_an_alarm() {
    let mut store = Store::default();
    let entry = store.add_foreign(false);
    let mut a = Node::new(1);
    a.start(&mut store);
    a.look(&mut store);
    assert!(
        a.events
            .contains(&Event::Alarm(Alarm::ForeignWithoutSession { entry }))
    );
}

#[test]
fn a_foreign_candidate_behind_us_shortens_the_deadline_to_what_the_store_assures() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let alive = tanist_core::Fact::Alive {
        asked_at: store.now - Duration::from_secs(3),
    };
    a.input(&mut store, Input::Fact(alive));
    assert_eq!(a.election.safe_until(), Some(store.now + LEASE));
    store.add_foreign(true);
    a.look(&mut store);
    let assured = Duration::from_secs(10);
    assert_eq!(
        a.election.safe_until(),
        Some(store.now - Duration::from_secs(3) + assured)
    );
}

#[test]
fn priority_zero_and_critical_health_never_lead() {
    let mut store = Store::default();
    let mut never = Node::with(1, |config| config.priority = 0);
    never.start(&mut store);
    assert_eq!(begins_within(&mut never, &mut store, LEASE * 5), None);
    let mut ill = Node::new(2);
    ill.input(&mut store, health(Health::Critical));
    ill.start(&mut store);
    assert_eq!(begins_within(&mut ill, &mut store, LEASE * 5), None);
    ill.input(&mut store, health(Health::Healthy));
    assert_eq!(ill.election.role(), Role::Leader);
}

#[test]
fn a_leader_whose_health_is_critical_gives_up() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let orders = a.input(&mut store, health(Health::Critical));
    assert!(orders.iter().any(|order| matches!(
        order,
        Order::End {
            cause: EndCause::Unhealthy,
            ..
        }
    )));
}

#[test]
fn the_higher_priority_goes_first_and_never_preempts() {
    let mut store = Store::default();
    let mut low = Node::with(1, |config| config.priority = 10);
    low.start(&mut store);
    let mut middle = Node::with(2, |config| config.priority = 50);
    middle.start(&mut store);
    let mut high = Node::with(3, |config| config.priority = 90);
    high.start(&mut store);
    low.look(&mut store);
    assert_eq!(low.election.role(), Role::Leader);
    low.resign(&mut store);
    low.stopped(&mut store);
    assert!(!began(&middle.look(&mut store)), "high goes first");
    assert!(began(&high.look(&mut store)));
}

#[test]
fn a_newer_record_is_left_alone() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    let mut view = store.view();
    view.record = tanist_core::Reading::Newer { format: 9 };
    view.record_stamp = Some(tanist_core::Stamp::default());
    a.input(&mut store, Input::Start);
    let mut b = Node::new(2);
    b.input(
        &mut store,
        Input::Fact(tanist_core::Fact::Connected { link: 1 }),
    );
    a.resign(&mut store);
    a.stopped(&mut store);
    let written = store.record.clone();
    store.revision += 1;
    view.position.revision = store.revision;
    a.input(
        &mut store,
        Input::Fact(tanist_core::Fact::Viewed { link: 1, view }),
    );
    assert!(
        a.events
            .contains(&Event::Alarm(Alarm::NewerRecord { format: 9 }))
    );
    assert_eq!(store.record, written);
    assert_eq!(a.election.role(), Role::Standby);
}

#[test]
fn who_only_waited_never_writes_resigned() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    // a renews in silence, so b has to shut it out.
    store.beat = None;
    let mut b = Node::new(2);
    b.start(&mut store);
    while store.record().state != RecordState::Waiting {
        let at = b.wake_at().expect("b goes on");
        let at = at.max(store.now);
        b.wake(&mut store, at);
    }
    b.leave(&mut store);
    assert_eq!(store.record().state, RecordState::Waiting);
    assert!(
        !store
            .line
            .iter()
            .any(|candidate| Some(&candidate.entry) == b.election.entry())
    );
}

#[test]
fn a_leader_that_ends_for_good_while_the_store_is_away_gives_up_in_time() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    a.start(&mut store);
    let safe_until = a.election.safe_until().expect("a leads");
    a.input(&mut store, Input::Fact(tanist_core::Fact::Disconnected));
    a.leave(&mut store);
    a.stopped(&mut store);
    let at = a.wake_at().expect("it gives up at some time");
    assert!(at <= safe_until.max(store.now + a.timing().request_timeout() * 2));
    assert_eq!(a.wake(&mut store, at).last(), Some(&Order::Close));
}

#[test]
fn the_term_is_above_everything_this_machine_ever_saw() {
    let mut store = Store::default();
    let seen = Memory {
        highest_term: Term::new(9_000_000_000),
        longest_lease: Duration::ZERO,
    };
    let mut a = Node::with(1, |config| config.memory = seen);
    a.start(&mut store);
    begins_within(&mut a, &mut store, LEASE * 3).expect("it leads");
    assert_eq!(store.record().term, Term::new(9_000_000_001));
}

#[test]
fn a_free_lock_does_not_make_a_record_that_cannot_be_read_free() {
    let mut store = Store {
        vacancy: Vacancy::Free,
        ..Store::default()
    };
    let mut a = Node::new(1);
    a.start(&mut store);
    a.wake(&mut store, store_now(&a));
    store.vacancy = Vacancy::Held;
    let mut b = Node::new(2);
    b.start(&mut store);
    store.vacancy = Vacancy::Free;
    store.garbage = true;
    store.revision += 1;
    let before = store.record.clone();
    assert_eq!(begins_within(&mut b, &mut store, LEASE * 5), None);
    assert_eq!(store.record, before, "the bytes are kept");
}

#[test]
fn a_free_lock_proves_nothing_once_the_record_it_belonged_to_is_gone() {
    let mut store = Store {
        vacancy: Vacancy::Free,
        ..Store::default()
    };
    let mut a = Node::new(1);
    assert!(
        began(&a.start(&mut store)),
        "a first start waits for nobody"
    );
    store.vacancy = Vacancy::Held;
    let mut b = Node::new(2);
    b.start(&mut store);
    store.vacancy = Vacancy::Free;
    store.record = None;
    store.revision += 1;
    let gone_at = store.now;
    let began_at = begins_within(&mut b, &mut store, LEASE * 5).expect("b leads at last");
    assert!(began_at >= gone_at + Timing::grace(LEASE));
}

#[test]
fn a_free_lock_is_claimed_at_once_when_its_leader_died() {
    let mut store = Store {
        vacancy: Vacancy::Free,
        ..Store::default()
    };
    let mut a = Node::new(1);
    a.start(&mut store);
    store.vacancy = Vacancy::Held;
    let mut b = Node::new(2);
    b.start(&mut store);
    store.vacancy = Vacancy::Free;
    let free_at = store.now;
    assert_eq!(begins_within(&mut b, &mut store, LEASE), Some(free_at));
}

/// F86: the claim is acknowledged when too little of the lease is left to begin under it.
#[test]
fn an_answer_that_is_too_late_to_begin_under_is_told_with_the_span() {
    let mut store = Store::default();
    let mut a = Node::new(1);
    let timing = a.timing();
    let lease = timing.lease();
    let within = timing.start_by(store.now + lease).since(store.now);
    store.late = Some(within + Duration::from_millis(1));
    let orders = a.start(&mut store);
    let late = Event::Alarm(Alarm::AnswersLate { within });
    let told = a.events.iter().filter(|event| **event == late).count();
    assert_eq!(told, 1, "{:?}", a.events);
    // The renewal after it is answered in time, and only then the work begins.
    let renewal = orders
        .iter()
        .position(|order| matches!(order, Order::Commit { ask, .. } if ask.renewal));
    let begin = orders
        .iter()
        .position(|order| matches!(order, Order::Begin(_)));
    assert!(renewal.unwrap() < begin.unwrap(), "{orders:?}");
}
