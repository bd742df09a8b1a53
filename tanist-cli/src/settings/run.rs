use std::time::Duration;

use tanist::Timing;

use super::names::{check_address, check_election, check_node, host_name};
use super::{
    ChildSettings, HealthSettings, Layers, Place, PolicySettings, Setting, Source, timing,
};
use crate::args::RunArgs;
use crate::exit::{Code, Exit};
use crate::problem::Problem;
use crate::span::Span;

/// All that `tanist run` goes by.
#[derive(Clone, Debug)]
pub(crate) struct RunSettings {
    /// The election to stand in.
    pub(crate) election: Setting<String>,
    /// This node's name.
    pub(crate) node: Setting<String>,
    /// What it advertises.
    pub(crate) address: Setting<String>,
    /// Who goes first.
    pub(crate) priority: Setting<u32>,
    /// Lead once, then end.
    pub(crate) once: bool,
    /// How long to stand by before the first election.
    pub(crate) patience: Patience,
    /// What to end with when patience is over.
    pub(crate) conflict: Exit,
    /// What to end with when the leadership is lost with `once`.
    pub(crate) lost: Exit,
    /// The child.
    pub(crate) child: ChildSettings,
    /// What its end means.
    pub(crate) policy: PolicySettings,
    /// Whether service and node are well.
    pub(crate) health: HealthSettings,
    /// The spans.
    pub(crate) timing: Timing,
    /// Store and directories.
    pub(crate) place: Place,
}

/// How long to stand by before the first election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// For ever.
    Endless,
    /// Only if nobody is in the way.
    None,
    /// This long.
    For(Duration),
}

impl RunSettings {
    /// Resolves and checks all of it; touches nothing.
    pub(crate) fn resolve(layers: Layers<'_>, args: RunArgs) -> Result<Self, Problem> {
        let election = election(layers, args.election)?;
        let node = layers.pick("node", args.node, host_name);
        check_node(&node)?;
        let address = layers.pick("address", args.address, String::new);
        check_address(&address)?;
        // One layer cannot say both; of two layers the stronger one is meant.
        let waits = !args.no_wait || layers.source("wait") < layers.source("no_wait");
        let patience = match args.wait {
            Some(Span(span)) if waits => Patience::For(span),
            None if waits => Patience::Endless,
            _ => Patience::None,
        };
        let number = |given: Option<u8>, reason| {
            given.map_or_else(
                || Exit::of(Code::TempFail, reason),
                |code| Exit::numbered(code, reason),
            )
        };
        Ok(Self {
            election,
            node,
            address,
            priority: layers.pick("priority", args.priority, || {
                tanist::core::Member::DEFAULT_PRIORITY
            }),
            once: args.once,
            patience,
            conflict: number(args.conflict_exit_code, "not-elected"),
            lost: number(args.lost_exit_code, "lease-lost"),
            policy: PolicySettings::resolve(layers, &args.policy, args.once)?,
            health: HealthSettings::resolve(layers, args.health)?,
            timing: timing::resolve(layers, &args.timing)?,
            child: ChildSettings::resolve(layers, args.child, args.command)?,
            place: Place::resolve(layers, &args.place, args.state_dir)?,
        })
    }
}

/// The election's name, which is the one thing that has no default.
fn election(layers: Layers<'_>, given: Option<String>) -> Result<Setting<String>, Problem> {
    let Some(value) = given else {
        return Err(Problem::usage("election::none", "which election?")
            .next("name it: tanist run -e NAME -- CMD; all copies of the service use one name"));
    };
    let election = Setting {
        value,
        source: layers.source("election"),
    };
    check_election(&election)?;
    // A child inherits the variable from the tanist that leads for it, and would stand by behind
    // its own parent for ever.
    let led = std::env::var_os("TANIST_TERM").is_some();
    if led && matches!(election.source, Source::Environment(_)) {
        return Err(Problem::usage(
            "election::own",
            format!(
                "this process already runs under the election {:?}",
                election.value
            ),
        )
        .because("the name was inherited from the tanist that started it")
        .next("name the inner election: tanist run -e NAME -- CMD"));
    }
    Ok(election)
}
