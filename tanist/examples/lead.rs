//! Stands in an election and works while it leads: `cargo run --example lead -- STORE NODE`.
#![expect(clippy::print_stdout, reason = "this is what the example has to say")]

use std::error::Error;
use std::time::Duration;

use tanist::{CampaignSettings, Session, SessionSettings, Target, Term};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let store = Target::parse(&args.next().unwrap_or_else(|| "local:".to_owned()))?;
    let node = args.next().unwrap_or_else(|| "node-1".to_owned());

    let session = Session::open(&store, SessionSettings::default()).await?;
    let campaign = session
        .campaign(CampaignSettings::new("example", node)?)
        .await?;
    println!("standing in the election {}", campaign.election());

    let lead = campaign.elected().await?;
    println!("leading in term {}", lead.term());
    tokio::select! {
        () = work(lead.term()) => println!("the work is done"),
        ending = lead.ending() => println!("told to stop: {}", ending.cause.word()),
    }
    // The future above is gone, and with it all of the work: only now may another begin.
    lead.stopped();
    session.close().await;
    Ok(())
}

async fn work(term: Term) {
    for step in 1..=3 {
        println!("step {step} of term {term}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
