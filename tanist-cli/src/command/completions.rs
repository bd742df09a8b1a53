use crate::args::{CompletionsArgs, Shell};
use crate::command::status::unwritten;
use crate::completion;
use crate::exit::{Code, Exit};
use crate::printer::Printer;
use crate::problem::Problem;

/// Prints what a shell has to read once.
pub(super) fn main(args: &CompletionsArgs) -> Result<Exit, Problem> {
    let shell = match args.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Elvish => "elvish",
        Shell::Powershell => "powershell",
    };
    let script = completion::script(shell).map_err(unwritten)?;
    Printer::default().print(&script).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "completions"))
}
