use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use rustix::process::Signal;

use super::runtime;
use crate::args::{Contain, RunArgs, SpeechArgs, Stdin};
use crate::exit::{Code, Exit};
use crate::guard::{self, Account, ChildStdin, GuardSpec, NoUser};
use crate::health::Probe;
use crate::log::{Level, Log, LogLine};
use crate::printer;
use crate::problem::Problem;
use crate::settings::{Layers, RunSettings};
use crate::supervise::{RunsAs, Supervisor, base_environment, resolve_command, resolve_hooks};

/// Keeps one copy of a command active, until there is an exit code.
pub(super) fn main(layers: Layers<'_>, args: RunArgs) -> Exit {
    printer::choose_colors(&args.speech);
    let log = Log::open(&args.speech);
    log.take_diagnostics();
    let exit = run(layers, args, &log).unwrap_or_else(|problem| said(&log, &problem));
    log.last(exit);
    exit
}

/// The end before anything was begun.
pub(super) fn refused(speech: &SpeechArgs, problem: &Problem) -> Exit {
    printer::choose_colors(speech);
    let log = Log::open(speech);
    let exit = said(&log, problem);
    log.last(exit);
    exit
}

fn said(log: &Log, problem: &Problem) -> Exit {
    log.say(LogLine::new(Level::Error, "error", problem.to_string()));
    problem.exit()
}

fn run(layers: Layers<'_>, args: RunArgs, log: &Log) -> Result<Exit, Problem> {
    let settings = RunSettings::resolve(layers, args).map_err(|it| layers.point_out(it))?;
    log.name(&settings.election.value, &settings.node.value);
    let spec = plan(&settings).map_err(|it| layers.point_out(it))?;
    runtime()?.block_on(async {
        let (supervisor, guard) = Supervisor::start(settings, spec, log.clone()).await?;
        Ok(supervisor.run(guard).await)
    })
}

/// What can be checked before standing in the line, all of it: what passes here, `run` stands with.
pub(super) fn plan(settings: &RunSettings) -> Result<GuardSpec, Problem> {
    let spec = specify(settings)?;
    resolve_hooks(settings)?;
    Ok(spec)
}

/// All that a guard has to know, checked as far as that goes without touching anything.
pub(super) fn specify(settings: &RunSettings) -> Result<GuardSpec, Problem> {
    let child = &settings.child;
    let user = child.user.value.as_ref();
    if let Some(user) = user {
        guard::check_user(user.as_ref())
            .map_err(|why| no_user(user, &why).set_by(&child.user.source))?;
    }
    let runs_as = match user.map(|user| Account::find(user.as_ref())) {
        Some(Ok(account)) => RunsAs::Another(account),
        // That it cannot be looked up is said by whoever becomes that user.
        None | Some(Err(_)) => RunsAs::Us,
    };
    let env = base_environment(child, std::env::vars_os(), &runs_as);
    let path = env
        .iter()
        .find(|(name, _)| name == "PATH")
        .map(|(_, value)| value.as_os_str());
    let command = child
        .command
        .first()
        .map_or_else(|| OsStr::new(""), |command| command.as_os_str());
    if let Some(dir) = &child.cwd.value
        && !dir.is_dir()
    {
        return Err(Problem::usage(
            "run::cwd",
            format!("{} is no directory to start in", dir.display()),
        )
        .set_by(&child.cwd.source));
    }
    let cwd = child.cwd.value.as_deref();
    resolve_command(command, path, cwd).map_err(|problem| problem.set_by(&child.command_source))?;
    for check in &settings.health.checks {
        if let Probe::Exec(command) = &check.probe {
            let program = command.first().map_or_else(OsString::new, Clone::clone);
            resolve_command(&program, path, cwd).map_err(|problem| {
                problem.because(format_args!("it is the health check {}", check.name))
            })?;
        }
    }
    let stop_signal = child.stop_signal.value;
    let named = Signal::from_named_raw(stop_signal.number()).ok_or_else(|| {
        Problem::usage(
            "run::stop-signal",
            format!("{stop_signal} cannot be the stop signal"),
        )
        .because("real-time signals have no fixed meaning a program could stop by")
        .set_by(&child.stop_signal.source)
    })?;
    Ok(GuardSpec {
        program: PathBuf::from(GuardSpec::SELF),
        timing: settings.timing,
        contain: match child.contain.value {
            Contain::Auto => guard::Contain::Auto,
            Contain::Cgroup => guard::Contain::Cgroup,
            Contain::Pidns => guard::Contain::Pidns,
            Contain::Sweep => guard::Contain::Sweep,
        },
        require_cgroup: child.require_cgroup.value,
        command: child.command.clone(),
        cwd: child.cwd.value.clone(),
        user: child.user.value.as_ref().map(Into::into),
        stdin: stdin(&child.stdin.value).map_err(|problem| problem.set_by(&child.stdin.source))?,
        stop_signal: named,
        env,
    })
}

fn no_user(user: &str, why: &NoUser) -> Problem {
    let what = format!("the child cannot run as {user}");
    match why {
        NoUser::Unknown(why) => Problem::usage("run::user-unknown", what).because(why),
        NoUser::Denied => Problem::new(Code::NoPerm, "run::user-denied", what)
            .because("this process may not change users: it lacks CAP_SETUID or CAP_SETGID")
            .next("start tanist as root, or leave --user out"),
    }
}

/// A file becomes our own standard input, which the child then inherits: it is opened once, with
/// our rights, and a restarted child goes on where the last one stopped reading.
fn stdin(wanted: &Stdin) -> Result<ChildStdin, Problem> {
    let path = match wanted {
        Stdin::Null => return Ok(ChildStdin::Null),
        Stdin::Inherit => return Ok(ChildStdin::Inherit),
        Stdin::File(path) => path,
    };
    let opened = std::fs::File::open(path)
        .and_then(|file| rustix::stdio::dup2_stdin(&file).map_err(Into::into));
    opened.map_err(|error| {
        Problem::new(
            Code::Usage,
            "run::stdin",
            format!("the child cannot read from {}", path.display()),
        )
        .because(error)
        .next("write null, inherit or the path of a file")
    })?;
    Ok(ChildStdin::Inherit)
}
