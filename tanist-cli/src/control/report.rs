use serde_json::{Value, json};
use tanist::Moment;

/// What this process tells of itself.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The election.
    pub(crate) election: String,
    /// Our name.
    pub(crate) node: String,
    /// This start of it.
    pub(crate) instance: String,
    /// What we are.
    pub(crate) role: Role,
    /// Whether a leader is `leader` only when its child has said that it serves.
    pub(crate) waits_ready: bool,
    /// The term we lead or led last.
    pub(crate) term: Option<u64>,
    /// Until when it is ours for sure.
    pub(crate) safe_until: Option<Moment>,
    /// The child.
    pub(crate) pid: Option<u32>,
}

/// What a node is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It leads and its work runs.
    Leader,
    /// It stands by, or its work is being stopped.
    Standby,
    /// Its work failed too often; it stays out.
    Failed,
}

impl Role {
    /// The word in files, answers and the child's environment.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Standby => "standby",
            Self::Failed => "failed",
        }
    }
}

impl Report {
    /// The answer to `status`.
    pub(super) fn status(&self, now: Moment) -> Value {
        let mut answer = self.term(now);
        answer["instance"] = self.instance.clone().into();
        answer["pid"] = self.pid.into();
        answer["waits_ready"] = self.waits_ready.into();
        answer["version"] = env!("CARGO_PKG_VERSION").into();
        answer
    }

    /// The answer to `term`. Never more than what is ours now: when the lease is over or the role
    /// is not `leader`, nothing is left of it.
    pub(super) fn term(&self, now: Moment) -> Value {
        let valid = match (self.role, self.safe_until) {
            (Role::Leader, Some(safe_until)) => safe_until.since(now),
            _ => std::time::Duration::ZERO,
        };
        json!({
            "v": 1,
            "ok": true,
            "election": self.election,
            "node": self.node,
            "role": self.role.word(),
            "term": self.term,
            "valid_ms": u64::try_from(valid.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_lease_that_is_over_is_never_reported_as_valid() {
        let at = |secs| Moment::after_origin(Duration::from_secs(secs));
        let report = Report {
            election: "demo".to_owned(),
            node: "a".to_owned(),
            instance: "0".to_owned(),
            role: Role::Leader,
            waits_ready: false,
            term: Some(7),
            safe_until: Some(at(10)),
            pid: Some(1),
        };
        assert_eq!(report.term(at(8))["valid_ms"], 2000);
        assert_eq!(report.term(at(11))["valid_ms"], 0);
        let standby = Report {
            role: Role::Standby,
            ..report
        };
        assert_eq!(standby.status(at(8))["valid_ms"], 0);
    }
}
