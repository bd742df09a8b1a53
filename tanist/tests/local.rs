//! Real sessions of one process on one directory: who leads, who follows, and what may go wrong.

mod nodes;

use std::time::Duration;

use nodes::{elected, node, settings, soon, stand, store_target};
use tanist::{EndCause, Store, Timing};

#[tokio::test]
async fn the_first_leads_and_the_second_follows_at_once_when_it_stops() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let lead_a = elected(&a).await;
    assert_eq!(lead_a.reason().word(), "start");
    assert!(lead_a.safe_until() > tanist::clock::now().at);
    let b = node(&target, "b").await;
    soon(
        "standing",
        b.campaign.watch().wait_for(|status| status.entry.is_some()),
    )
    .await
    .unwrap();
    a.campaign.resign();
    let ending = soon("the word to end", lead_a.ending()).await;
    assert_eq!(ending.cause, EndCause::Resigned);
    assert_eq!(
        b.campaign.status().role.word(),
        "standby",
        "the work of a is not gone yet"
    );
    let term_a = lead_a.term();
    let stopped_at = std::time::Instant::now();
    lead_a.stopped();
    let lead_b = elected(&b).await;
    eprintln!("hand-over took {:?}", stopped_at.elapsed());
    assert!(lead_b.term() > term_a);
    assert_eq!(
        (lead_b.previous(), lead_b.reason().word()),
        (Some("a"), "handover")
    );
    soon("closing", async {
        drop(lead_b);
        b.session.close().await;
        a.session.close().await;
    })
    .await;
}

#[test]
fn a_loop_that_does_not_turn_gives_no_pulse() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    // One thread, so its loop stands still when nobody is in there.
    let (theirs, ours) = (runtime(), runtime());
    let a = theirs.block_on(node(&target, "a"));
    let pulse = a.campaign.pulse();
    assert!(theirs.block_on(soon("a turn", pulse.felt())));
    let still = ours
        .block_on(async { tokio::time::timeout(Duration::from_millis(50), pulse.felt()).await });
    assert!(still.is_err());
    assert!(theirs.block_on(soon("a turn", pulse.felt())));
    theirs.block_on(async {
        drop(a.campaign);
        a.session.close().await;
    });
    assert!(!ours.block_on(pulse.felt()), "it has left");
}

#[tokio::test]
async fn a_killed_holder_is_followed_within_moments_and_a_dropped_session_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    // A runtime of its own, so that its end takes everything with it, like the end of a process.
    let (doomed, lead) = {
        let target = target.clone();
        tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .unwrap();
            let lead = runtime.block_on(async {
                let a = node(&target, "a").await;
                let lead = elected(&a).await;
                std::mem::forget(a);
                lead
            });
            (runtime, lead)
        })
        .await
        .unwrap()
    };
    let b = node(&target, "b").await;
    soon(
        "standing",
        b.campaign.watch().wait_for(|s| s.entry.is_some()),
    )
    .await
    .unwrap();
    doomed.shutdown_background();
    let lead_b = elected(&b).await;
    assert!(lead_b.term() > lead.term());
    assert_eq!(lead_b.reason().word(), "failover");
    assert_eq!(
        soon("the end of a", lead.ending()).await.cause,
        EndCause::LeaseDue
    );
}

/// F92: a copy of the descriptor outlives the session.
#[tokio::test]
async fn the_lock_stays_with_whoever_has_a_copy_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let lead = elected(&a).await;
    let holds = lead.holds().unwrap();
    assert_eq!(holds.len(), 1);
    let lock = std::fs::File::open(dir.path().join("store/jobs/lock")).unwrap();
    assert!(lock.try_lock().is_err(), "the leader holds it");
    // An orderly end frees it for all copies at once.
    lead.stopped();
    soon("closing", a.session.close()).await;
    lock.try_lock().unwrap();
    lock.unlock().unwrap();
    let b = node(&target, "b").await;
    let lead = elected(&b).await;
    let copy = lead.holds().unwrap();
    // Without one, the copy keeps it: as the work would that outlives its supervisor.
    let bytes = lead.release_bytes();
    drop(b);
    assert!(lock.try_lock().is_err());
    soon("releasing", tanist::release(&bytes)).await.unwrap();
    assert!(
        lock.try_lock().is_err(),
        "a release never unlocks what others hold"
    );
    drop((lead, copy, holds));
}

/// F91: the lock file is removed and made anew.
#[tokio::test]
async fn a_lock_replaced_under_its_holder_ends_the_leadership_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let lead = elected(&a).await;
    let lock = dir.path().join("store/jobs/lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::write(&lock, "").unwrap();
    let begun = std::time::Instant::now();
    let ending = soon("the word to end", lead.ending()).await;
    assert_eq!(ending.cause, EndCause::Ousted);
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    let term = lead.term();
    lead.stopped();
    let again = elected(&a).await;
    assert!(again.term() > term);
}

/// F91: the lock file and the entry are removed.
#[tokio::test]
async fn when_lock_and_entry_vanish_together_the_next_waits_for_the_lease() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let lead_a = elected(&a).await;
    let entry = a.campaign.status().entry.unwrap();
    let b = node(&target, "b").await;
    soon(
        "standing",
        b.campaign.watch().wait_for(|s| s.entry.is_some()),
    )
    .await
    .unwrap();
    let begun = tanist::clock::now().at;
    std::fs::remove_file(dir.path().join("store").join(&entry.key)).unwrap();
    std::fs::remove_file(dir.path().join("store/jobs/lock")).unwrap();
    // The work of a is never said to be gone: only its lease tells b that it is.
    let lead_b = elected(&b).await;
    let led_at = tanist::clock::now().at;
    assert!(led_at >= lead_a.safe_until(), "a may still be at work");
    let lease = settings("a").timing.lease();
    assert!(led_at >= begun + lease, "nobody can have waited for it");
    assert!(lead_b.term() > lead_a.term());
    assert_eq!(lead_b.reason().word(), "failover");
    // It leads by a lock of its own, which counts as any other.
    let lock = std::fs::File::open(dir.path().join("store/jobs/lock")).unwrap();
    assert!(lock.try_lock().is_err());
    drop(lead_a);
}

/// F93: somebody else holds the lock.
#[tokio::test]
async fn a_foreign_flock_is_respected_named_and_followed() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    elected(&a).await.stopped();
    soon("closing", a.session.close()).await;
    let lock = std::fs::File::open(dir.path().join("store/jobs/lock")).unwrap();
    lock.try_lock().unwrap();
    let b = node(&target, "b").await;
    let waits =
        |status: &tanist::Status| matches!(status.waiting, Some(tanist::Wait::Foreign { .. }));
    let status = soon("seeing it", b.campaign.watch().wait_for(waits))
        .await
        .unwrap()
        .clone();
    let Some(tanist::Wait::Foreign { label, .. }) = status.waiting else {
        panic!("{:?}", status.waiting);
    };
    assert!(
        label.contains(&format!("pid {}", std::process::id())),
        "{label}"
    );
    let begun = std::time::Instant::now();
    drop(lock);
    let lead = elected(&b).await;
    // Opened for reading only, as flock(1) does: its end is news all the same, not left to a poll.
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
    drop(lead);
}

/// F91, F92: two hundred sessions that stand in the same moment.
#[tokio::test]
async fn two_hundred_at_once_are_one_leader_and_a_line() {
    const NODES: usize = 200;
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let mut nodes = Vec::new();
    for index in 0..NODES {
        let mut settings = settings(&format!("node-{index}"));
        settings.timing = Timing::from_lease(Duration::from_secs(8)).unwrap();
        nodes.push(stand(&target, settings).await);
    }
    let patience = Duration::from_secs(90);
    let all = async {
        for node in &nodes {
            let stands = |status: &tanist::Status| status.entry.is_some();
            node.campaign.watch().wait_for(stands).await.unwrap();
        }
    };
    tokio::time::timeout(patience, all)
        .await
        .expect("all stand");
    let mut leads = Vec::new();
    for node in &nodes {
        let elected = node.campaign.elected();
        if let Ok(lead) = tokio::time::timeout(Duration::from_millis(1), elected).await {
            leads.push(lead.unwrap());
        }
    }
    assert_eq!(leads.len(), 1);
    let snapshot = Store::open(&target).unwrap().read("jobs").await.unwrap();
    assert_eq!(snapshot.view.line.len(), NODES);
    let in_order = snapshot
        .view
        .line
        .is_sorted_by(|a, b| a.entry.created < b.entry.created);
    assert!(in_order, "the line is in the order in which they came");
    drop(leads);
    for node in nodes {
        drop(node.campaign);
        tokio::time::timeout(patience, node.session.close())
            .await
            .expect("closing");
    }
    let snapshot = Store::open(&target).unwrap().read("jobs").await.unwrap();
    assert!(snapshot.view.line.is_empty());
}

/// F97: somebody in this process opens the lock file and closes it again. A record lock of fcntl would
/// be gone.
#[tokio::test]
async fn a_lock_outlives_another_descriptor_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let target = store_target(&dir);
    let a = node(&target, "a").await;
    let lead = elected(&a).await;
    let path = dir.path().join("store/jobs/lock");
    for _ in 0..3 {
        drop(std::fs::File::open(&path).unwrap());
        drop(std::fs::OpenOptions::new().write(true).open(&path).unwrap());
    }
    // As another process would find it.
    let mut flock = std::process::Command::new("flock");
    let taken = flock.arg("--nonblock").arg(&path).arg("true").status();
    assert!(!taken.unwrap().success(), "it was free");
    assert!(lead.ending_changes().borrow().is_none());
}
