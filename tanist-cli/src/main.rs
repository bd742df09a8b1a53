//! tanist keeps exactly one copy of a service active and promotes a standby when it fails.
//!
//! One program, several modes:
//!
//! | first word | mode | where |
//! |---|---|---|
//! | `__guard`, `__launch`, ... | a part of `tanist run` that it starts itself | `guard/` |
//! | `run` | the supervisor | `command/run.rs`, `supervise/` |
//! | `status`, `leader`, `watch`, `wait`, `history` | look at an election | `command/` |
//! | `switchover`, `resign`, `pause`, `resume` | what an operator asks of it | `command/` |
//! | `repair`, `evict`, `doctor` | when something is wrong | `command/` |
//! | `demo`; `__demo-node`, `__demo-work` | real nodes to look at | `demo/` |

mod args;
mod change;
mod command;
mod completion;
mod control;
mod demo;
mod exit;
mod glob;
mod guard;
mod health;
mod log;
mod notify;
mod overview;
mod printer;
mod problem;
mod release;
mod settings;
mod signal_name;
mod span;
mod supervise;
mod table;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    guard::hidden_verb(&arguments, release::by_library)
        .or_else(|| demo::hidden_verb(&arguments))
        .or_else(|| completion::answer(&arguments))
        .unwrap_or_else(command::main)
}
