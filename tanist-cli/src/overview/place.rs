use serde_json::{Value, json};
use tanist::core::{Candidate, Member, Owner};
use tanist::{Health, InstanceId, View};

/// One candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The node's name, or what a foreign entry shows.
    pub(crate) node: String,
    /// That start of it; none for foreign clients.
    pub(crate) instance: Option<InstanceId>,
    /// `leader`, `standby`, or `foreign`.
    pub(crate) role: &'static str,
    /// What it tells of itself.
    pub(crate) member: Option<Member>,
    /// Where it stands.
    pub(crate) entry: String,
    /// Whether it would lead next.
    pub(crate) next: bool,
}

impl Place {
    /// What it tells of its health; who has not told of itself yet counts as healthy.
    pub(crate) fn health(&self) -> Health {
        self.member
            .as_ref()
            .map_or(Health::Healthy, |member| member.health)
    }

    /// Why it would not lead next, in a few words.
    pub(crate) fn bar(&self) -> String {
        match &self.member {
            _ if self.role == "foreign" => "it is no tanist, and leads by its own rules".to_owned(),
            Some(member) if member.priority == 0 => {
                "its priority is 0, so it never leads".to_owned()
            }
            Some(member) if !member.health.may_lead() => {
                format!("its health is {}", health_word(member.health))
            }
            Some(member) if member.aside => {
                "it resigned a moment ago and lets others go first".to_owned()
            }
            _ => "it stands aside, or behind a client that is no tanist".to_owned(),
        }
    }

    /// The part of the document that programs read.
    pub(super) fn json(&self) -> Value {
        let member = self.member.as_ref();
        json!({
            "node": self.node,
            "instance": self.instance.map(|instance| instance.to_string()),
            "role": self.role,
            "next": self.next,
            "address": member.map(|member| member.address.as_str()).filter(|text| !text.is_empty()),
            "health": member.map(|member| health_word(member.health)),
            "note": member.map(|member| member.note.as_str()).filter(|text| !text.is_empty()),
            "priority": member.map(|member| member.priority),
            "aside": member.map(|member| member.aside),
            "version": member.map(|member| member.version.clone()),
            "entry": self.entry,
        })
    }
}

/// The word for a health.
pub(crate) const fn health_word(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Warning => "warning",
        Health::Critical => "critical",
        Health::Parked => "parked",
    }
}

pub(super) fn place(view: &View, candidate: &Candidate, leader: Option<InstanceId>) -> Place {
    let entry = candidate.entry.to_string();
    match &candidate.owner {
        Owner::Foreign { label, .. } => Place {
            node: label.clone(),
            instance: None,
            role: "foreign",
            member: None,
            entry,
            next: false,
        },
        Owner::Instance(instance) => {
            let member = view.members.get(instance).cloned();
            Place {
                node: member
                    .as_ref()
                    .map_or_else(|| instance.to_string(), |m| m.node.clone()),
                instance: Some(*instance),
                role: if leader == Some(*instance) {
                    "leader"
                } else {
                    "standby"
                },
                member,
                entry,
                next: false,
            }
        }
    }
}
