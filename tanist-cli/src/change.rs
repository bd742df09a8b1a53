use serde_json::{Value, json};

use crate::overview::{Leader, Overview, Place, State, health_word};

/// One difference between two looks at an election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Who leads is another, or nobody; also the first line of a watch.
    Leader {
        /// The new state.
        state: State,
        /// Its term.
        term: Option<u64>,
        /// Why the record was written.
        reason: String,
        /// Who led before.
        from: Option<String>,
    },
    /// A candidate came.
    Joined(Box<Place>),
    /// A candidate went.
    Left(Box<Place>),
    /// A candidate tells something else of its health.
    Health(Box<Place>),
    /// An operator's pause began or ended.
    Paused {
        /// Until when, in seconds since 1970.
        until: Option<u64>,
    },
    /// The store can be reached again, or no longer.
    Connection {
        /// Whether it can.
        connected: bool,
    },
}

/// What differs from `last` to `now`; everything, if there is no `last`.
pub(crate) fn changes(last: Option<&Overview>, now: &Overview) -> Vec<Change> {
    let mut found = Vec::new();
    if last.is_none_or(|last| last.state != now.state || last.term != now.term) {
        found.push(Change::Leader {
            state: now.state.clone(),
            term: now.term,
            reason: now.reason.clone(),
            from: last
                .and_then(|last| last.leader())
                .map(|leader| leader.node.clone()),
        });
    }
    let before: &[Place] = last.map_or(&[], |last| &last.members);
    let same = |a: &Place, b: &Place| a.entry == b.entry && a.instance == b.instance;
    for place in &now.members {
        match before.iter().find(|old| same(old, place)) {
            None => found.push(Change::Joined(Box::new(place.clone()))),
            Some(old) => {
                let health = |place: &Place| place.member.as_ref().map(|member| member.health);
                if health(old) != health(place) {
                    found.push(Change::Health(Box::new(place.clone())));
                }
            }
        }
    }
    for old in before
        .iter()
        .filter(|old| !now.members.iter().any(|place| same(old, place)))
    {
        found.push(Change::Left(Box::new(old.clone())));
    }
    if last.and_then(|last| last.paused_until) != now.paused_until {
        found.push(Change::Paused {
            until: now.paused_until,
        });
    }
    found
}

impl Change {
    const fn word(&self) -> &'static str {
        match self {
            Self::Leader { .. } => "leader",
            Self::Joined(_) => "joined",
            Self::Left(_) => "left",
            Self::Health(_) => "health",
            Self::Paused { .. } => "paused",
            Self::Connection { .. } => "connection",
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Leader {
                state,
                term,
                reason,
                from,
            } => leader_text(state, *term, reason, from),
            Self::Joined(place) if place.role == "leader" => {
                format!("{} has joined, and leads", place.node)
            }
            Self::Joined(place) => format!("{} stands by", place.node),
            Self::Left(place) => format!("{} has left", place.node),
            Self::Health(place) => format!("{} is {}", place.node, health(place)),
            Self::Paused { until: Some(_) } => "paused: nobody new leads".to_owned(),
            Self::Paused { until: None } => "resumed".to_owned(),
            Self::Connection { connected: true } => "the store is reached again".to_owned(),
            Self::Connection { connected: false } => "the store cannot be reached".to_owned(),
        }
    }

    /// For programs: the fields beside time and election.
    pub(crate) fn json(&self) -> Value {
        let mut fields = match self {
            Self::Leader {
                state,
                term,
                reason,
                from,
            } => {
                let leader = match state {
                    State::Leading(leader) => Some(leader),
                    _ => None,
                };
                json!({
                    "state": state.word(),
                    "node": leader.map(|leader| &leader.node),
                    "instance": leader.map(|leader| leader.instance.to_string()),
                    "address": leader.and_then(Leader::advertised),
                    "term": term,
                    "reason": Some(reason).filter(|reason| !reason.is_empty()),
                    "from": from,
                })
            }
            Self::Joined(place) | Self::Left(place) | Self::Health(place) => json!({
                "node": place.node,
                "instance": place.instance.map(|instance| instance.to_string()),
                "role": place.role,
                "health": health(place),
            }),
            Self::Paused { until } => json!({ "until": until }),
            Self::Connection { connected } => json!({ "connected": connected }),
        };
        fields["event"] = self.word().into();
        fields
    }

    /// For programs that split at tabs: time, election, event, node, term or health.
    pub(crate) fn tsv(&self, election: &str) -> String {
        let (node, detail) = match self {
            Self::Leader {
                state: State::Leading(leader),
                term,
                ..
            } => (
                leader.node.clone(),
                term.map(|term| term.to_string()).unwrap_or_default(),
            ),
            Self::Leader { state, .. } => (String::new(), state.word().to_owned()),
            Self::Joined(place) | Self::Left(place) | Self::Health(place) => {
                (place.node.clone(), health(place).to_owned())
            }
            Self::Paused { until } => (
                String::new(),
                until.map(|until| until.to_string()).unwrap_or_default(),
            ),
            Self::Connection { connected } => (String::new(), connected.to_string()),
        };
        let at = format!("{:.3}", jiff::Timestamp::now());
        let node = crate::printer::printable(&node);
        [at.as_str(), election, self.word(), &node, &detail].join("\t")
    }
}

fn leader_text(state: &State, term: Option<u64>, reason: &str, from: &Option<String>) -> String {
    let before = from
        .as_ref()
        .map(|from| format!(", before it {from}"))
        .unwrap_or_default();
    match state {
        State::Leading(leader) => {
            let term = term.unwrap_or_default();
            format!("{} leads in term {term} ({reason}{before})", leader.node)
        }
        State::Vacant | State::Unknown => match from {
            Some(from) => format!("nobody leads; {from} did ({reason})"),
            None => "nobody leads".to_owned(),
        },
        other => other.detail().unwrap_or_else(|| other.word().to_owned()),
    }
}

fn health(place: &Place) -> &'static str {
    place
        .member
        .as_ref()
        .map_or("unknown", |member| health_word(member.health))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::tests::{seen, view};
    use tanist::RecordState;
    use tanist::core::Vacancy;

    #[test]
    fn the_first_look_tells_how_things_stand_and_the_same_again_tells_nothing() {
        let now = seen(&view(
            &[("a", 100), ("b", 100)],
            RecordState::Leading,
            Vacancy::Held,
        ));
        let words: Vec<_> = changes(None, &now).iter().map(Change::word).collect();
        assert_eq!(words, ["leader", "joined", "joined"]);
        assert_eq!(changes(Some(&now), &now), []);
    }

    #[test]
    fn a_leader_that_goes_is_told_with_its_name() {
        let before = seen(&view(
            &[("a", 100), ("b", 100)],
            RecordState::Leading,
            Vacancy::Held,
        ));
        let mut after = view(
            &[("a", 100), ("b", 100)],
            RecordState::Resigned,
            Vacancy::Free,
        );
        after.line.remove(0);
        let texts: Vec<_> = changes(Some(&before), &seen(&after))
            .iter()
            .map(Change::text)
            .collect();
        assert_eq!(texts, ["nobody leads; a did (start)", "a has left"]);
        let json = changes(Some(&before), &seen(&after))[0].json();
        assert_eq!(
            (&json["event"], &json["from"]),
            (&"leader".into(), &"a".into())
        );
    }
}
