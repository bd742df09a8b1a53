use std::ffi::OsString;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::environment::{Mandate, mandated};
use crate::args::{HookCommand, HookEvent};

/// What one hook is told.
#[derive(Clone, Debug)]
pub(in super::super) struct Call {
    /// What happens.
    pub(in super::super) event: HookEvent,
    /// What the child is told, or would be.
    pub(in super::super) mandate: Mandate,
    /// The node that leads, or led before.
    pub(in super::super) from: String,
    /// The node that leads now, or will.
    pub(in super::super) to: String,
}

impl Call {
    /// The hook's command line: its own words, the event, election, node and role.
    pub(super) fn words(&self, command: &HookCommand) -> Vec<OsString> {
        let own = command.words.iter().map(OsString::from);
        let of = |name: &str| self.variable(name);
        let told = [
            self.event.word().into(),
            of("ELECTION"),
            of("NODE"),
            of("ROLE"),
        ];
        own.chain(told).collect()
    }

    /// The variables it adds.
    pub(super) fn env(&self, budget: Duration) -> Vec<(OsString, OsString)> {
        let mut mandate = self.mandate.clone();
        mandate.variables.extend([
            ("EVENT", self.event.word().into()),
            ("FROM", (&self.from).into()),
            ("TO", (&self.to).into()),
            ("DEADLINE_MS", budget.as_millis().to_string().into()),
        ]);
        mandated(&mandate)
    }

    /// The same as one JSON document. A number where the value is one, in `term` and `deadline_ms`.
    pub(super) fn json(&self, budget: Duration) -> String {
        let mut object = Map::new();
        object.insert("v".to_owned(), 1.into());
        for (name, value) in self.env(budget) {
            let name = name.to_string_lossy();
            let name = name.trim_start_matches("TANIST_").to_lowercase();
            let text = value.to_string_lossy().into_owned();
            let number = match name.as_str() {
                "term" | "deadline_ms" => text.parse::<u64>().ok(),
                _ => None,
            };
            object.insert(name, number.map_or_else(|| text.into(), Value::from));
        }
        Value::Object(object).to_string() + "\n"
    }

    fn variable(&self, name: &str) -> OsString {
        let mut all = self.mandate.variables.iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        let variables = vec![
            ("ELECTION", "demo".into()),
            ("NODE", "b".into()),
            ("ROLE", "leader".into()),
            ("TERM", "42".into()),
            ("ADDRESS", "$(id)\n\"x".into()),
        ];
        Call {
            event: HookEvent::Fence,
            mandate: Mandate { variables },
            from: "a".to_owned(),
            to: "b".to_owned(),
        }
    }

    #[test]
    fn words_variables_and_document_say_the_same() {
        let command: HookCommand = "fence=/bin/off --now".parse().unwrap();
        let words = call().words(&command);
        let expected = ["/bin/off", "--now", "fence", "demo", "b", "leader"];
        assert_eq!(words, expected.map(OsString::from));
        let budget = Duration::from_millis(1_500);
        let env = call().env(budget);
        for (name, value) in [
            ("TANIST_EVENT", "fence"),
            ("TANIST_FROM", "a"),
            ("TANIST_TO", "b"),
            ("TANIST_TERM", "42"),
            ("TANIST_DEADLINE_MS", "1500"),
        ] {
            assert!(env.contains(&(name.into(), value.into())), "{name}");
        }
        let text = call().json(budget);
        assert_eq!(text.lines().count(), 1);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&json["v"], &json["term"]), (&1.into(), &42.into()));
        assert_eq!(json["deadline_ms"], 1500);
        assert_eq!(json["from"], "a");
        assert_eq!(json["address"], "$(id)\n\"x");
    }
}
