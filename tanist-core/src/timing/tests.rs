use super::*;

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

#[test]
fn the_default_lease_derives_the_budget_of_the_guarantees() {
    let timing = Timing::new(TimingSettings::default()).unwrap();
    assert_eq!(timing.renew_every(), secs(1.0));
    assert_eq!(timing.request_timeout(), secs(1.5));
    assert_eq!(timing.lost_stop_timeout(), secs(3.0));
    assert_eq!(
        (timing.kill_time(), timing.guard_delay()),
        (secs(0.5), secs(0.5))
    );
    assert_eq!(timing.session_ttl(), secs(10.0));
    let safe_until = Moment::after_origin(secs(8.0));
    assert_eq!(timing.term_at(safe_until), Moment::after_origin(secs(4.0)));
    assert_eq!(timing.kill_at(safe_until), Moment::after_origin(secs(7.0)));
    assert_eq!(Timing::grace(timing.lease()), secs(8.2));
}

#[test]
fn every_derived_budget_survives_one_lost_request() {
    for millis in 160..20_000 {
        Timing::from_lease(Duration::from_millis(millis)).unwrap();
    }
    Timing::from_lease(Timing::LONGEST_LEASE).unwrap();
}

#[test]
fn a_lease_that_no_kernel_keeps_is_refused_with_the_shortest_one() {
    assert!(Timing::from_lease(Timing::SHORTEST_LEASE).is_ok());
    for lease in [
        Duration::ZERO,
        Duration::from_millis(8),
        Timing::SHORTEST_LEASE - Duration::from_nanos(1),
    ] {
        let said = Timing::from_lease(lease).unwrap_err().to_string();
        assert!(said.contains("raise lease to 160ms"), "{lease:?}: {said}");
    }
}

/// The smallest budget of all, and the same with each span a millisecond shorter.
#[test]
fn every_span_has_its_shortest_and_the_error_names_it() {
    let millis = Duration::from_millis;
    let smallest = TimingSettings {
        lease: Some(millis(91)),
        renew_every: Some(millis(20)),
        request_timeout: Some(millis(30)),
        lost_stop_timeout: Some(millis(0)),
        kill_time: Some(millis(10)),
        guard_delay: Some(millis(10)),
        session_ttl: Some(millis(91)),
        stop_timeout: None,
    };
    Timing::new(smallest).unwrap();
    type Field = fn(&mut TimingSettings) -> &mut Option<Duration>;
    let fields: [(&str, Field); 6] = [
        ("raise lease to 91ms", |s| &mut s.lease),
        ("raise renew-every to 20ms", |s| &mut s.renew_every),
        ("raise request-timeout to 30ms", |s| &mut s.request_timeout),
        ("raise kill-time to 10ms", |s| &mut s.kill_time),
        ("raise guard-delay to 10ms", |s| &mut s.guard_delay),
        ("raise session-ttl to 91ms", |s| &mut s.session_ttl),
    ];
    for (remedy, field) in fields {
        let mut shorter = smallest;
        let span = field(&mut shorter);
        *span = span.map(|span| span - millis(1));
        let said = Timing::new(shorter).unwrap_err().to_string();
        assert!(said.contains(remedy), "{said}");
    }
}

#[test]
fn spans_without_end_are_refused_and_never_overflow() {
    for field in 0..7 {
        let endless = |at: usize| (at == field).then_some(Duration::MAX);
        let settings = TimingSettings {
            lease: endless(0),
            renew_every: endless(1),
            request_timeout: endless(2),
            lost_stop_timeout: endless(3),
            kill_time: endless(4),
            guard_delay: endless(5),
            session_ttl: endless(6),
            stop_timeout: None,
        };
        assert!(
            matches!(Timing::new(settings), Err(TimingError::TooLong { .. })),
            "{field}"
        );
    }
}

#[test]
fn the_natural_looking_budget_that_one_lost_packet_breaks_is_refused() {
    let settings = TimingSettings {
        lease: Some(secs(8.0)),
        renew_every: Some(secs(1.5)),
        request_timeout: Some(secs(2.0)),
        ..TimingSettings::default()
    };
    let error = Timing::new(settings).unwrap_err();
    assert!(matches!(error, TimingError::OneLostRequest { needed, .. } if needed == secs(5.0)));
    assert!(
        error.to_string().contains("raise lease to 9.001s"),
        "{error}"
    );
}

#[test]
fn a_stop_longer_than_the_lease_is_refused() {
    let settings = TimingSettings {
        lease: Some(secs(2.0)),
        lost_stop_timeout: Some(secs(3.0)),
        ..TimingSettings::default()
    };
    assert!(matches!(
        Timing::new(settings),
        Err(TimingError::StopExceedsLease { .. })
    ));
}

#[test]
fn grace_covers_two_clocks_one_percent_apart() {
    for millis in [1, 3, 300, 500, 2_000, 8_000, 30_000] {
        let lease = Duration::from_millis(millis);
        let slow_holder = lease.mul_f64(1.01);
        let fast_waiter = Timing::grace(lease).mul_f64(1.0 / 1.01);
        assert!(fast_waiter > slow_holder, "{lease:?}");
    }
}
