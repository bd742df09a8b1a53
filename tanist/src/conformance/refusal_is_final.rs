use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::link::Command;

/// [`super::Law::RefusalIsFinal`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    let refused = fixture.refused();
    let mut contender = Contender::arrive(refused, fixture.settings(), "law-refusal-is-final");
    contender.send(Command::Open);
    let settled = |c: &Contender| c.ended.is_some() || c.grant.is_some();
    contender.until("end of a refused session", settled).await?;
    match (&contender.grant, &contender.ended) {
        (None, Some((_, false))) => Ok(()),
        (Some(_), _) => Err("a session was opened without the right to it".to_owned()),
        (None, ended) => Err(format!("the refusal was reported as {ended:?}")),
    }
}
