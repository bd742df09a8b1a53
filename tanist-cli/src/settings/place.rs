use std::path::{Path, PathBuf};

use tanist::Target;

use super::directories::{self, default_run_dir, default_state_dir};
use super::{Layers, Setting};
use crate::args::PlaceArgs;
use crate::problem::Problem;

/// The store and the directories.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Where the election is held.
    pub(crate) target: Setting<Target>,
    /// Sockets, role files and the local store.
    pub(crate) run_dir: Setting<PathBuf>,
    /// The highest term this machine ever saw; `None` where there is no place for it.
    pub(crate) state_dir: Setting<Option<PathBuf>>,
}

impl Place {
    /// Resolves and checks; touches nothing.
    pub(super) fn resolve(
        layers: Layers<'_>,
        args: &PlaceArgs,
        state_dir: Option<PathBuf>,
    ) -> Result<Self, Problem> {
        Ok(Self {
            target: target(layers, args)?,
            run_dir: Setting {
                value: run_dir(args)?,
                source: layers.source("run_dir"),
            },
            state_dir: Setting {
                value: self::state_dir(state_dir.as_deref())?,
                source: layers.source("state_dir"),
            },
        })
    }
}

/// Where the election is held. Needs no run directory unless the store lies in it.
pub(super) fn target(layers: Layers<'_>, args: &PlaceArgs) -> Result<Setting<Target>, Problem> {
    let store = layers.pick("store", args.store.clone(), || "local:".to_owned());
    // The library knows no flag for the run directory, so a bare `local:` is completed here.
    let address = match store.value.as_str() {
        "local:" | "local" => format!("local:{}", run_dir(args)?.display()),
        other => local_place(other)?.unwrap_or_else(|| other.to_owned()),
    };
    let target = Target::parse(&address).map_err(|error| {
        Problem::usage("store::address", format!("{:?} is no store", store.value))
            .because(error)
            .set_by(&store.source)
            .next("write local: for this machine, or local:/DIR")
    })?;
    target
        .check_compiled()
        .map_err(|error| Problem::of(error).set_by(&store.source))?;
    Ok(Setting {
        value: target,
        source: store.source,
    })
}

/// A `local:` whose directory is meant from where we are, written out. The library takes none: it
/// cannot know whose directory is meant.
fn local_place(store: &str) -> Result<Option<String>, Problem> {
    let Some(rest) = store.strip_prefix("local:") else {
        return Ok(None);
    };
    let (dir, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    if dir.is_empty() || dir.starts_with('/') {
        return Ok(None);
    }
    let dir = directories::place(Path::new(dir), "the store's directory")?;
    Ok(Some(format!("local:{}{query}", dir.display())))
}

/// The highest term this machine ever saw; `None` where there is no place for it.
pub(crate) fn state_dir(given: Option<&Path>) -> Result<Option<PathBuf>, Problem> {
    match given {
        Some(dir) => directories::place(dir, "the state directory").map(Some),
        None => Ok(default_state_dir()),
    }
}

/// Sockets, role files and the local store.
pub(super) fn run_dir(args: &PlaceArgs) -> Result<PathBuf, Problem> {
    match &args.run_dir {
        Some(dir) => directories::place(dir, "the run directory"),
        None => default_run_dir(),
    }
}
