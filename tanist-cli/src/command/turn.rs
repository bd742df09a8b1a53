use serde_json::{Value, json};

use super::status::unwritten;
use crate::overview::{Leader, Overview};
use crate::printer::{Form, Printer, printable};
use crate::problem::Problem;

/// A change of leader that was asked for: who led before and who leads after.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    election: String,
    before: Tenure,
    printer: Printer,
}

/// Who leads in which term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tenure {
    /// Who.
    pub(super) leader: Leader,
    /// The term.
    pub(super) term: u64,
}

impl Tenure {
    /// Who leads as `overview` has it.
    pub(super) fn of(overview: &Overview) -> Option<Self> {
        Some(Self {
            leader: overview.leader()?.clone(),
            term: overview.term?,
        })
    }

    fn json(&self) -> Value {
        json!({
            "node": self.leader.node,
            "instance": self.leader.instance.to_string(),
            "term": self.term,
        })
    }
}

impl Turn {
    /// The change that begins with `before`. People read of it at once.
    pub(super) fn begin(election: &str, before: Tenure, printer: Printer) -> Result<Self, Problem> {
        let this = Self {
            election: election.to_owned(),
            before,
            printer,
        };
        this.row("before", Some(&this.before))?;
        Ok(this)
    }

    /// The change is over.
    pub(super) fn end(&self, after: Option<&Tenure>) -> Result<(), Problem> {
        if self.printer.form() != Form::Json {
            return self.row("after", after);
        }
        let text = json!({
            "v": 1,
            "election": self.election,
            "before": self.before.json(),
            "after": after.map(Tenure::json),
        });
        self.printer.print(&format!("{text}\n")).map_err(unwritten)
    }

    fn row(&self, when: &str, tenure: Option<&Tenure>) -> Result<(), Problem> {
        let (node, term) = match tenure {
            Some(Tenure { leader, term }) => (printable(&leader.node), term.to_string()),
            None => (String::new(), String::new()),
        };
        let text = match (self.printer.form(), tenure) {
            (Form::Json, _) => return Ok(()),
            (Form::Tsv, _) => format!("{when}\t{}\t{node}\t{term}\n", self.election),
            (_, Some(_)) => format!("{when}: {node} leads {} in term {term}\n", self.election),
            (_, None) => format!("{when}: nobody leads {}\n", self.election),
        };
        self.printer.print(&text).map_err(unwritten)
    }
}
