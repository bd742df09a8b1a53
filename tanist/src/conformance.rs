//! The laws of a backend, as functions that put one to the test on its real store.
//!
//! Implement [`Fixture`] for your store and call [`check`]: every law is kept, or broken and named,
//! or excused by the fixture with a reason. What the laws cannot show is listed with [`Law`].

mod contender;
mod law;

mod cancel_leaves_nothing;
mod directive_compares;
mod echoes_asking;
mod end_frees;
mod guards_hold;
mod keeps_place;
mod one_leader;
mod ousted_is_seen;
mod refusal_is_final;
mod release_frees;
mod renewal_is_proof;
mod repair_keeps;
mod secrets_stay;
mod terms_rise;
mod victory_is_fresh;
mod views_are_fresh;
mod withdraw_frees;

use crate::backend::{Answer, Backend};
use crate::damage::Part;
use crate::link::LinkSettings;

pub use law::{Breach, Law, Verdict};

/// A store of its own for one law, and the means to be unkind to it.
pub trait Fixture: Send + Sync {
    /// Another process's backend on the same store.
    fn backend(&self) -> Box<dyn Backend>;

    /// What sessions ask for. The shorter, the sooner the laws are through; the store must grant
    /// what is asked.
    fn settings(&self) -> LinkSettings;

    /// Why the backend cannot keep a law, if it cannot.
    fn excuse(&self, law: Law) -> Option<&'static str> {
        let _ = law;
        None
    }

    /// Cuts every backend off from what decides commits, as far from it as possible: whatever is
    /// nearest goes on answering. Only for [`Law::RenewalIsProof`].
    fn cut_off(&self) -> Answer<'_, ()> {
        Box::pin(async {})
    }

    /// Breaks all connections for a moment, so short that sessions survive it. Only for
    /// [`Law::KeepsPlace`].
    fn reconnect(&self) -> Answer<'_, ()> {
        Box::pin(async {})
    }

    /// Puts `bytes` in the place of a value of the election, as a hand or a disk would. Only for
    /// [`Law::RepairKeeps`].
    fn spoil<'a>(&'a self, election: &'a str, part: Part, bytes: &'a [u8]) -> Answer<'a, ()> {
        let _ = (election, part, bytes);
        Box::pin(async {})
    }

    /// A backend that the store does not accept, for want of rights or credentials. Only for
    /// [`Law::RefusalIsFinal`].
    fn refused(&self) -> Box<dyn Backend> {
        self.backend()
    }

    /// A secret that the backends and the refused one know. Only for [`Law::SecretsStay`].
    fn secret(&self) -> String {
        String::new()
    }
}

/// Puts one law to the test. Needs a tokio runtime with IO and time.
pub async fn check(law: Law, fixture: &dyn Fixture) -> Verdict {
    if let Some(reason) = fixture.excuse(law) {
        return Verdict::Excused(reason);
    }
    let result = match law {
        Law::OneLeader => one_leader::check(fixture).await,
        Law::TermsRise => terms_rise::check(fixture).await,
        Law::GuardsHold => guards_hold::check(fixture).await,
        Law::EchoesAsking => echoes_asking::check(fixture).await,
        Law::RenewalIsProof => renewal_is_proof::check(fixture).await,
        Law::VictoryIsFresh => victory_is_fresh::check(fixture).await,
        Law::ViewsAreFresh => views_are_fresh::check(fixture).await,
        Law::OustedIsSeen => ousted_is_seen::check(fixture).await,
        Law::EndFrees => end_frees::check(fixture).await,
        Law::WithdrawFrees => withdraw_frees::check(fixture).await,
        Law::ReleaseFrees => release_frees::check(fixture).await,
        Law::KeepsPlace => keeps_place::check(fixture).await,
        Law::CancelLeavesNothing => cancel_leaves_nothing::check(fixture).await,
        Law::DirectiveCompares => directive_compares::check(fixture).await,
        Law::RepairKeeps => repair_keeps::check(fixture).await,
        Law::RefusalIsFinal => refusal_is_final::check(fixture).await,
        Law::SecretsStay => secrets_stay::check(fixture).await,
    };
    match result {
        Ok(()) => Verdict::Kept,
        Err(why) => Verdict::Broken(Breach { law, why }),
    }
}
