//! Tells who leads, whenever that changes: `cargo run --example observe -- STORE [CHANGES]`.
#![expect(clippy::print_stdout, reason = "this is what the example has to say")]

use std::error::Error;

use tanist::{Observer, Target};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let store = Target::parse(&args.next().unwrap_or_else(|| "local:".to_owned()))?;
    let changes = args.next().map_or(Ok(usize::MAX), |count| count.parse())?;

    let mut observer = Observer::open(&store, "example").await?;
    let mut shown = None;
    let mut count = 0;
    while count < changes {
        let status = observer.changed().await?;
        if status.view.is_none() {
            continue;
        }
        let leader = status
            .leader()
            .map(|record| (record.node.clone(), record.term));
        if shown.as_ref() == Some(&leader) {
            continue;
        }
        match &leader {
            Some((node, term)) => println!("{node} leads in term {term}"),
            None => println!("nobody leads"),
        }
        shown = Some(leader);
        count += 1;
    }
    Ok(())
}
