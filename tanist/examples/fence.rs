//! Why there is a term: a resource that checks it is safe from a leader who does not know that he
//! is none any more. `cargo run --example fence -- STORE`.
#![expect(clippy::print_stdout, reason = "this is what the example has to say")]

use std::error::Error;

use tanist::{CampaignSettings, Session, SessionSettings, Target, Term};

/// What the work writes to. In SQL: `UPDATE t SET value = ?, term = ? WHERE term <= ?`.
#[derive(Default)]
struct Resource {
    term: Term,
    value: String,
}

impl Resource {
    fn write(&mut self, term: Term, value: &str) -> Result<(), String> {
        if term < self.term {
            return Err(format!(
                "term {term} is over: term {} has written",
                self.term
            ));
        }
        self.term = term;
        value.clone_into(&mut self.value);
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "local:".to_owned());
    let session = Session::open(&Target::parse(&store)?, SessionSettings::default()).await?;
    let campaign = session
        .campaign(CampaignSettings::new("example", "node-1")?)
        .await?;
    let mut resource = Resource::default();

    let lead = campaign.elected().await?;
    let first = lead.term();
    resource.write(first, "written by the first")?;
    lead.stopped();

    let lead = campaign.elected().await?;
    resource.write(lead.term(), "written by the second")?;
    // A write of the first leadership that was on its way all the time.
    match resource.write(first, "late") {
        Err(refused) => println!("refused: {refused}"),
        Ok(()) => return Err("a write of an old term got through".into()),
    }
    println!("the value is: {}", resource.value);
    lead.stopped();
    session.close().await;
    Ok(())
}
