use std::path::PathBuf;
use std::time::Duration;

use tanist::Timing;

use super::directories::made_absolute;
use super::names::{check_address, check_election, check_node, host_name};
use super::{
    ChildSettings, HealthSettings, HookSettings, Layers, Place, PolicySettings, Setting, Source,
    timing,
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
    /// What is run when something happens.
    pub(crate) hooks: HookSettings,
    /// The spans.
    pub(crate) timing: Timing,
    /// Store and directories.
    pub(crate) place: Place,
    /// The file with the role's word, where it is not in the run directory.
    pub(crate) role_file: Option<PathBuf>,
    /// The file with the role's number.
    pub(crate) track_file: Option<PathBuf>,
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
        let absolute =
            |path: Option<PathBuf>, what| path.map(|path| made_absolute(&path, what)).transpose();
        // To a child of tanist the variable tells of its own leader's file.
        let own = is_led() && matches!(layers.source("role_file"), Source::Environment(_));
        let role_file = absolute(args.role_file.filter(|_| !own), "the role file")?;
        let track_file = absolute(args.track_file, "the track file")?;
        if role_file.is_some() && role_file == track_file {
            let what = "role file and track file are one file";
            return Err(Problem::usage("role-file::twice", what)
                .because(format_args!(
                    "one comes from {}",
                    layers.source("role_file")
                ))
                .because(format_args!(
                    "the other from {}",
                    layers.source("track_file")
                ))
                .next("one holds a word, the other a number: give each its own"));
        }
        Ok(Self {
            role_file,
            track_file,
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
            hooks: HookSettings::resolve(layers, args.hooks)?,
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
    if is_led() && matches!(election.source, Source::Environment(_)) {
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

/// Whether this process runs under another tanist.
fn is_led() -> bool {
    std::env::var_os("TANIST_TERM").is_some()
}
