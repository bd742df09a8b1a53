use crate::candidate::{Candidate, EntryId, Health, Member, Owner};
use crate::record::RecordState;
use crate::view::View;

/// Where one candidate stands among those who may lead next.
///
/// The line is read up to the first foreign entry. Within that stretch the order is: healthy
/// before warning, the named successor, the higher priority, the store's own creation order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// We are not in the line as the view shows it.
    Absent,
    /// A foreign candidate stands before us and leads, or will, by its own rules.
    BehindForeign {
        /// Its place.
        entry: EntryId,
        /// What its entry shows of it.
        label: String,
        /// Whether the store will ever remove it.
        session: bool,
    },
    /// We stand in the stretch but may not lead.
    Barred,
    /// We may lead, after this many others.
    Ranked {
        /// How many may go first.
        rank: u32,
        /// The one just above us.
        above: Option<EntryId>,
    },
}

/// Where `own` stands in the line of `view` at the wall-clock second `unix`.
pub(crate) fn standing(view: &View, own: &EntryId, unix: u64) -> Standing {
    let Some(place) = view
        .line
        .iter()
        .position(|candidate| candidate.entry == *own)
    else {
        return Standing::Absent;
    };
    let ahead = view.line[..place].iter().rev();
    for candidate in ahead {
        if let Owner::Foreign { label, session } = &candidate.owner {
            return Standing::BehindForeign {
                entry: candidate.entry.clone(),
                label: label.clone(),
                session: *session,
            };
        }
    }
    // Whoever asks stands by: a record that names this very place is one that it gave up.
    let order = ranked(view, unix, |entry| entry == own || !leads(view, entry));
    match order.iter().position(|candidate| candidate.entry == *own) {
        None => Standing::Barred,
        Some(rank) => Standing::Ranked {
            rank: u32::try_from(rank).unwrap_or(u32::MAX),
            above: rank.checked_sub(1).map(|above| order[above].entry.clone()),
        },
    }
}

/// Who may lead next, the tanist first.
pub(crate) fn succession(view: &View, unix: u64) -> Vec<&Candidate> {
    ranked(view, unix, |entry| !leads(view, entry))
}

fn ranked(view: &View, unix: u64, counts: impl Fn(&EntryId) -> bool) -> Vec<&Candidate> {
    let mut order: Vec<(Key, &Candidate)> = stretch(view)
        .enumerate()
        .filter(|(_, candidate)| counts(&candidate.entry))
        .filter_map(|(index, candidate)| Some((key(view, candidate, index, unix)?, candidate)))
        .collect();
    order.sort_by_key(|(key, _)| *key);
    order.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The candidate that the directive names, if it could lead now.
pub(crate) fn able_successor<'a>(view: &'a View, node: &str, unix: u64) -> Option<&'a EntryId> {
    succession(view, unix)
        .into_iter()
        .find(|candidate| member(view, candidate).is_some_and(|member| member.node == node))
        .map(|candidate| &candidate.entry)
}

/// Whether a foreign candidate stands anywhere in the line.
pub(crate) fn has_foreign(view: &View) -> bool {
    view.line
        .iter()
        .any(|candidate| candidate.instance().is_none())
}

fn stretch(view: &View) -> impl Iterator<Item = &Candidate> {
    view.line
        .iter()
        .take_while(|candidate| candidate.instance().is_some())
}

/// Health, successor, priority, place: smaller goes first.
type Key = (Health, bool, std::cmp::Reverse<u32>, usize);

fn key(view: &View, candidate: &Candidate, index: usize, unix: u64) -> Option<Key> {
    let Some(member) = member(view, candidate) else {
        // It stands but has not told of itself, so nothing speaks against it.
        return Some((
            Health::Healthy,
            true,
            std::cmp::Reverse(Member::DEFAULT_PRIORITY),
            index,
        ));
    };
    let aside = member.aside || view.directive.aside(unix) == Some(member.node.as_str());
    if member.priority == 0 || !member.health.may_lead() || aside {
        return None;
    }
    let named = view.directive.successor(unix) == Some(member.node.as_str());
    Some((
        member.health,
        !named,
        std::cmp::Reverse(member.priority),
        index,
    ))
}

fn member<'a>(view: &'a View, candidate: &Candidate) -> Option<&'a Member> {
    view.members.get(&candidate.instance()?)
}

/// By its place and not by its instance: who lost or gave up the place of that record, and stands
/// anew, leads no more.
fn leads(view: &View, entry: &EntryId) -> bool {
    view.record
        .known()
        .is_some_and(|r| r.state != RecordState::Resigned && r.entry == *entry)
}
