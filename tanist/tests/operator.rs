//! What operators see and ask for, and what a machine remembers.

mod nodes;

use std::time::Duration;

use nodes::{elected, node, settings, soon, stand, store_target};
use tanist::core::{Directive, NodeUntil, Reading};
use tanist::{EndCause, ErrorKind, Event, Observer, RecordState, Role, Store, Target, clock};

fn until(seconds: u64) -> u64 {
    clock::now().unix + seconds
}

#[tokio::test]
async fn a_named_successor_takes_over_and_history_tells() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let lead_a = elected(&a).await;
    let b = node(&target, "b").await;
    let stands = |s: &tanist::Status| s.entry.is_some();
    soon("standing", b.campaign.watch().wait_for(stands))
        .await
        .unwrap();
    let store = Store::open(&target).unwrap();
    assert_eq!(store.elections().await.unwrap(), ["jobs"]);
    let snapshot = store.read("jobs").await.unwrap();
    let successor = Some(NodeUntil {
        node: "b".to_owned(),
        until: until(60),
    });
    let directive = Directive {
        successor,
        ..Directive::default()
    };
    store
        .direct("jobs", &snapshot, directive.clone())
        .await
        .unwrap();
    let twice = store
        .direct("jobs", &snapshot, directive)
        .await
        .unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Changed);
    assert_eq!(
        soon("the end", lead_a.ending()).await.cause,
        EndCause::Switchover
    );
    lead_a.stopped();
    let lead_b = elected(&b).await;
    assert_eq!(lead_b.reason().word(), "switchover");
    let history = store.read("jobs").await.unwrap().history;
    let told: Vec<_> = history
        .iter()
        .map(|t| (t.node.as_str(), t.state, t.term))
        .collect();
    let last = history.len() - 3;
    assert_eq!(told[last].0, "a");
    assert_eq!(
        (told[last + 1].0, told[last + 1].1),
        ("a", RecordState::Resigned)
    );
    assert_eq!(told[last + 2], ("b", RecordState::Leading, lead_b.term()));
}

#[tokio::test]
async fn the_first_who_asks_hears_of_all_that_happened() {
    let dir = tempfile::tempdir().unwrap();
    let a = node(&store_target(&dir), "a").await;
    let _lead = elected(&a).await;
    let (mut first, mut second) = (a.campaign.events(), a.campaign.events());
    let mut heard = Vec::new();
    while let Ok(event) = first.try_recv() {
        heard.push(event);
    }
    let stood = |event: &Event| matches!(event, Event::Standing { .. });
    let elected = |event: &Event| matches!(event, Event::Elected { .. });
    assert!(
        heard.iter().any(stood) && heard.iter().any(elected),
        "{heard:?}"
    );
    assert!(second.try_recv().is_err(), "from now on");
}

#[tokio::test]
async fn what_was_decided_by_another_leader_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let lead = elected(&a).await;
    let store = Store::open(&target).unwrap();
    let before = store.read("jobs").await.unwrap();
    lead.stopped();
    soon("closing", a.session.close()).await;
    let b = node(&target, "b").await;
    let _lead = elected(&b).await;
    let paused = Directive {
        paused_until: Some(until(3600)),
        ..Directive::default()
    };
    let late = store.direct("jobs", &before, paused.clone()).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Changed);
    let now = store.read("jobs").await.unwrap();
    assert_eq!(now.view.directive, Directive::default());
    store.direct("jobs", &now, paused).await.unwrap();
}

#[tokio::test]
async fn nobody_new_leads_while_it_is_paused() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    elected(&a).await.stopped();
    soon("closing", a.session.close()).await;
    let store = Store::open(&target).unwrap();
    let paused = Directive {
        paused_until: Some(until(3600)),
        ..Directive::default()
    };
    let snapshot = store.read("jobs").await.unwrap();
    store.direct("jobs", &snapshot, paused).await.unwrap();
    let b = node(&target, "b").await;
    let waits = |s: &tanist::Status| matches!(s.waiting, Some(tanist::Wait::Paused { .. }));
    soon("the pause", b.campaign.watch().wait_for(waits))
        .await
        .unwrap();
    let snapshot = store.read("jobs").await.unwrap();
    store
        .direct("jobs", &snapshot, Directive::default())
        .await
        .unwrap();
    drop(elected(&b).await);
}

#[tokio::test]
async fn an_observer_follows_without_standing() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let mut observer = Observer::open(&target, "jobs").await.unwrap();
    let status = soon("the first view", async {
        while observer.status().view.is_none() {
            observer.changed().await.unwrap();
        }
        observer.status().clone()
    })
    .await;
    assert_eq!((status.role, status.leader()), (Role::Observer, None));
    let a = node(&target, "a").await;
    let lead = elected(&a).await;
    let leader = soon("the leader", async {
        loop {
            if let Some(record) = observer.changed().await.unwrap().leader() {
                return record.clone();
            }
        }
    })
    .await;
    assert_eq!((leader.node.as_str(), leader.term), ("a", lead.term()));
    assert_eq!(leader.address, "a:9000");
    let line: Vec<_> = observer.status().line().map(|place| place.leads).collect();
    assert_eq!(line, [true]);
}

/// F98: garbage in the state file, and a store that was wiped.
#[tokio::test]
async fn terms_rise_over_a_store_that_was_wiped_and_a_memory_that_was_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let with_memory = || {
        let mut settings = settings("a");
        settings.state_dir = Some(dir.path().join("state"));
        settings
    };
    // Far beyond the wall clock, so that only the memory can know it.
    let file = dir.path().join("state/jobs.json");
    let far = u64::from(u32::MAX) * 2;
    let a = stand(&target, with_memory()).await;
    drop(elected(&a).await);
    soon("closing", a.session.close()).await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("highest_term"), "{text}");
    std::fs::write(
        &file,
        format!("{{\"highest_term\":{far},\"longest_lease\":{{\"secs\":2,\"nanos\":0}}}}"),
    )
    .unwrap();
    std::fs::remove_dir_all(dir.path().join("store")).unwrap();
    let a = stand(&target, with_memory()).await;
    let lead = elected(&a).await;
    assert_eq!(lead.term().number(), far + 1);
    assert_eq!(a.campaign.status().memory_failure, None);
    drop(lead);
    soon("closing", a.session.close()).await;
    std::fs::write(&file, "garbage").unwrap();
    let a = stand(&target, with_memory()).await;
    let lead = elected(&a).await;
    assert_eq!(
        lead.term().number(),
        far + 2,
        "the record remembers as well"
    );
    // Told, and mended by the next thing that was worth remembering.
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .contains(&(far + 2).to_string())
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_left_alone_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    elected(&a).await.stopped();
    soon("closing", a.session.close()).await;
    let record = dir.path().join("store/.tanist/jobs/record");
    for (bytes, newer) in [
        (&b"\xffnonsense"[..], false),
        (b"{\"format\":7,\"x\":1}", true),
    ] {
        std::fs::write(&record, bytes).unwrap();
        let b = node(&target, "b").await;
        let refused = |s: &tanist::Status| s.waiting == Some(tanist::Wait::Refused);
        let status = soon("the alarm", b.campaign.watch().wait_for(refused))
            .await
            .unwrap()
            .clone();
        let alarm = &status.alarms.last().unwrap().1;
        let right = match alarm {
            tanist::Alarm::NewerRecord { format } => newer && *format == 7,
            tanist::Alarm::GarbageRecord { .. } => !newer,
            _ => false,
        };
        assert!(right, "{alarm:?}");
        soon("closing", b.session.close()).await;
        assert_eq!(std::fs::read(&record).unwrap(), bytes, "the bytes are kept");
    }
    let reading = Store::open(&target)
        .unwrap()
        .read("jobs")
        .await
        .unwrap()
        .view
        .record;
    assert_eq!(reading, Reading::Newer { format: 7 });
}

#[tokio::test]
async fn an_evicted_leader_stops_and_stands_anew() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let lead = elected(&a).await;
    let store = Store::open(&target).unwrap();
    store.evict("jobs", lead.entry().clone()).await.unwrap();
    assert_eq!(soon("the end", lead.ending()).await.cause, EndCause::Ousted);
    let again = store.evict("jobs", lead.entry().clone()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Changed);
    let (term, entry) = (lead.term(), lead.entry().clone());
    lead.stopped();
    let lead = elected(&a).await;
    assert!(lead.term() > term);
    assert_ne!(*lead.entry(), entry);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let twice = a.session.campaign(settings("b")).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Invalid);
    let mut nameless = settings("c");
    nameless.election = "Jobs/1".to_owned();
    assert_eq!(
        a.session.campaign(nameless).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    drop(elected(&a).await);
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(dir.path().join("store"), &link).unwrap();
    let linked = Target::parse(&format!("local:{}", link.display())).unwrap();
    assert_eq!(Store::open(&linked).unwrap_err().kind(), ErrorKind::Unsafe);
    let etcd = Target::parse("etcd://127.0.0.1").unwrap();
    if etcd.check_compiled().is_err() {
        assert_eq!(
            Store::open(&etcd).unwrap_err().kind(),
            ErrorKind::NotCompiled
        );
    }
    soon("closing", a.session.close()).await;
    let closed = soon("an answer", a.campaign.elected()).await.unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn many_elections_share_one_session() {
    const ELECTIONS: usize = 20;
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let mut campaigns = Vec::new();
    for index in 0..ELECTIONS {
        let mut settings = settings("a");
        settings.election = format!("job-{index}");
        campaigns.push(a.session.campaign(settings).await.unwrap());
    }
    let mut leads = Vec::new();
    for campaign in &campaigns {
        leads.push(soon("an election", campaign.elected()).await.unwrap());
    }
    // One of them goes, and the others do not notice.
    campaigns.pop();
    leads.pop();
    let moved = soon("renewals", async {
        for lead in &leads {
            let mut deadline = lead.deadline();
            let first = *deadline.borrow_and_update();
            deadline
                .wait_for(|moved| *moved > first + Duration::from_millis(200))
                .await
                .unwrap();
        }
        leads
            .iter()
            .filter(|lead| lead.ending_changes().borrow().is_some())
            .count()
    })
    .await;
    assert_eq!(moved, 0, "none of them ended");
    assert_eq!(
        Store::open(&target)
            .unwrap()
            .elections()
            .await
            .unwrap()
            .len(),
        ELECTIONS + 1
    );
    drop(leads);
    soon("closing", a.session.close()).await;
}
