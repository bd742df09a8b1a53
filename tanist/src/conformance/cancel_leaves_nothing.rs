use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tanist_core::{Ask, Candidate, Commit, InstanceId, Member, Vacancy};

use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::clock;
use crate::link::{Command, ElectionName, Link};

const ELECTION: &str = "law-cancel-leaves-nothing";

/// [`super::Law::CancelLeavesNothing`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const MOST_POLLS: usize = 12;
    let mut witness = Contender::standing(fixture, ELECTION).await?;
    let mut cancelled = Vec::new();
    for polls in 1..=MOST_POLLS {
        let instance = InstanceId::new(polls as u128);
        cancel_after(fixture, polls, instance, witness.member()).await;
        cancelled.push(instance);
    }
    // Whatever goes on by itself has done so by then.
    witness.listen(fixture.settings().ttl).await;
    witness.look().await?;
    let empty = |c: &Contender| {
        let is_left = |candidate: &Candidate| {
            candidate
                .instance()
                .is_some_and(|instance| cancelled.contains(&instance))
        };
        c.view
            .as_ref()
            .is_some_and(|view| !view.line.iter().any(is_left) && view.vacancy != Vacancy::Held)
    };
    witness
        .until("view without anything of the dropped runs", empty)
        .await?;
    witness.look().await?;
    witness.claim_and_win().await
}

/// Runs a backend that is told to open and stand, and drops it at its `polls`-th await.
async fn cancel_after(fixture: &dyn Fixture, polls: usize, instance: InstanceId, member: Member) {
    let backend = fixture.backend();
    let (link, peer) = Link::pair(fixture.settings());
    let election: ElectionName = ELECTION.into();
    let ask = Ask {
        id: 1,
        asked_at: clock::now().at,
        renewal: false,
    };
    let commit = Box::new(Commit::Stand { member });
    for command in [
        Command::Join {
            election: Arc::clone(&election),
            instance: Some(instance),
        },
        Command::Open,
        Command::Commit {
            election,
            ask,
            commit,
        },
    ] {
        // The run has not begun, so it cannot have ended.
        let _ = peer.commands.send(command);
    }
    let run = Cancelled {
        run: backend.run(link),
        polls,
    };
    // A run with nothing more to do is not polled again; then it is dropped where it stands.
    let _ = tokio::time::timeout(fixture.settings().ttl / 4, run).await;
}

struct Cancelled<F> {
    run: F,
    polls: usize,
}

impl<F: Future<Output = ()> + Unpin> Future for Cancelled<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.polls == 0 {
            return Poll::Ready(());
        }
        self.polls -= 1;
        Pin::new(&mut self.run).poll(context)
    }
}
