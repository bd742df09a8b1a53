use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::link::Command;

/// [`super::Law::SecretsStay`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-secrets-stay";
    let secret = fixture.secret();
    if secret.is_empty() {
        return Err("the fixture names no secret to look for".to_owned());
    }
    let mut leader = Contender::leading(fixture, ELECTION).await?;
    leader.look().await?;
    let mut refused = Contender::arrive(fixture.refused(), fixture.settings(), ELECTION);
    refused.send(Command::Open);
    refused
        .until("end of a refused session", |c| c.ended.is_some())
        .await?;
    let mut said = leader.said.clone();
    said.append(&mut refused.said);
    for backend in [&leader.backend, &refused.backend] {
        said.push(backend.location());
        match backend.read(ELECTION).await {
            Ok(snapshot) => said.push(format!("{snapshot:?}")),
            Err(error) => said.extend([error.to_string(), format!("{error:?}")]),
        }
        if let Err(error) = backend.elections().await {
            said.extend([error.to_string(), format!("{error:?}")]);
        }
    }
    match said.iter().find(|text| text.contains(&secret)) {
        None => Ok(()),
        // The breach must not repeat it either.
        Some(text) => Err(format!(
            "the secret appears in {}",
            text.replace(&secret, "<secret>")
        )),
    }
}
