use std::io::{self, BufRead, IsTerminal, Write};

use crate::problem::Problem;

/// Something that is asked of a person before it is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// The election that it is about, which a grave question wants typed.
    pub(super) election: &'a str,
    /// What is about to happen, a sentence or several.
    pub(super) what: &'a str,
    /// The slug of a refusal.
    pub(super) slug: &'static str,
    /// How the command goes on that needs no question, without what confirms it.
    pub(super) command: &'a str,
    /// Whether a simple yes is not enough.
    pub(super) grave: bool,
}

impl Question<'_> {
    /// Goes on where the flags or a person at the terminal say so.
    ///
    /// # Errors
    ///
    /// Nobody says so.
    pub(super) fn put(&self, yes: bool, confirm: Option<&str>) -> Result<(), Problem> {
        match confirm {
            Some(name) if name == self.election => return Ok(()),
            Some(name) => {
                return Err(self
                    .refused(&format!(
                        "--confirm names {name:?}, and this is {:?}",
                        self.election
                    ))
                    .next("nothing was changed"));
            }
            None if yes && !self.grave => return Ok(()),
            None => {}
        }
        let ask = if self.grave {
            format!("{}\nType the name of the election to go on: ", self.what)
        } else {
            format!("{}\nContinue? [y/N] ", self.what)
        };
        let agreed = match answer(&ask) {
            None => return Err(self.nobody_there(yes)),
            Some(answer) if self.grave => answer == self.election,
            Some(answer) => matches!(answer.to_lowercase().as_str(), "y" | "yes"),
        };
        if agreed {
            return Ok(());
        }
        Err(self
            .refused("it was not confirmed")
            .next("nothing was changed"))
    }

    fn nobody_there(&self, yes: bool) -> Problem {
        let what = if yes {
            "--yes is not enough for this"
        } else {
            "nobody is there to confirm it"
        };
        let flag = if self.grave {
            format!("--confirm {}", self.election)
        } else {
            "--yes".to_owned()
        };
        self.refused(what)
            .because(self.what)
            .next("nothing was changed")
            .next(format_args!("to go ahead: {} {flag}", self.command))
    }

    fn refused(&self, what: &str) -> Problem {
        Problem::usage(self.slug, what)
    }
}

/// What a person at the terminal answers; `None` if there is no terminal.
fn answer(question: &str) -> Option<String> {
    if !io::stdin().is_terminal() {
        return None;
    }
    let mut answer = String::new();
    let asked = anstream::stderr()
        .lock()
        .write_all(question.as_bytes())
        .and_then(|()| io::stdin().lock().read_line(&mut answer));
    // A terminal that is gone has not said yes.
    Some(asked.map(|_| answer.trim().to_owned()).unwrap_or_default())
}
