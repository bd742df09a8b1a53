use clap::{Args, ValueEnum};

/// Print what makes a shell complete tanist's words.
#[derive(Args, Debug)]
#[command(
    after_help = "The script asks tanist itself for every answer, so it stays right when tanist is replaced, and
knows the elections of the store that the line names. tanist has to be found in PATH.

Examples:
  source <(tanist completions bash)                                       in this shell
  tanist completions bash > /usr/share/bash-completion/completions/tanist for all users
  tanist completions zsh > \"${fpath[1]}/_tanist\"
  tanist completions fish > ~/.config/fish/completions/tanist.fish
  eval (tanist completions elvish | slurp)                                in rc.elv
  tanist completions powershell | Out-String | Invoke-Expression          in $PROFILE

Exit codes: 0 printed, 64 no such shell."
)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// A shell that can ask a program for completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// GNU bash, 4 or later.
    Bash,
    /// The Z shell.
    Zsh,
    /// fish.
    Fish,
    /// Elvish.
    Elvish,
    /// PowerShell.
    Powershell,
}
