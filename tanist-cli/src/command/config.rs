//! Settings files, looked at and written.

mod check;
mod init;
mod show;

use std::path::Path;

use crate::args::{ConfigAct, ConfigArgs};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::check_election_name;

/// Check, show or write.
pub(super) fn main(args: ConfigArgs) -> Result<Exit, Problem> {
    match args.act {
        ConfigAct::Check(args) => check::main(&args),
        ConfigAct::Show(args) => show::main(&args),
        ConfigAct::Init(args) => init::main(&args),
    }
}

/// Refuses a name that no election can have: its file would be that of all elections.
fn check_name(election: Option<&str>) -> Result<(), Problem> {
    election.map_or(Ok(()), check_election_name)
}

/// The places, one for each line.
fn listed(places: &[impl AsRef<Path>]) -> String {
    let places = places
        .iter()
        .map(|place| place.as_ref().display().to_string());
    places.collect::<Vec<_>>().join("\n")
}
