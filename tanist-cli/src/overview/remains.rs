use std::time::Duration;

use tanist::Holder;

use crate::guard::{self, Part};
use crate::span::Span;

/// Who holds the lock of a leader that has no right to it any more: what is left of its tanist, and
/// what else there is, which is its work.
pub(super) struct Remains<'a> {
    own: Vec<(Part, &'a Holder)>,
    work: Vec<&'a Holder>,
}

impl<'a> Remains<'a> {
    pub(super) fn of(holders: &'a [Holder]) -> Self {
        let part = |it: &'a Holder| guard::part(&it.name).map(|part| (part, it));
        Self {
            own: holders.iter().filter_map(part).collect(),
            work: holders.iter().filter(|it| part(it).is_none()).collect(),
        }
    }

    /// Of one that still stands, and whose lease ran out so long ago.
    pub(super) fn lapsed(&self, node: &str, since: Duration) -> String {
        let begun = format!(
            "{node} has not renewed its lease, which ran out {} ago",
            Span(since)
        );
        let work = if !self.work.is_empty() {
            format!("but its work may still run: {}", names(&self.work))
        } else if self.own.is_empty() {
            "and whether its work has stopped cannot be seen from here".to_owned()
        } else if self
            .own
            .iter()
            .any(|(part, it)| part.ends_work() && it.frozen)
        {
            "and whether its work has stopped is not known, as its guard is frozen".to_owned()
        } else {
            "and of its work nothing is seen that holds its lock".to_owned()
        };
        let hint = self.thaw().unwrap_or_else(|| {
            "its tanist keeps its place; look whether it is frozen, and continue or kill it"
                .to_owned()
        });
        format!("{begun}, {work}; {hint}")
    }

    /// Of one that stands no more.
    pub(super) fn lingering(&self, node: &str) -> String {
        let all: Vec<&Holder> = self.all().collect();
        let lives = self.own.iter().any(|(part, _)| *part == Part::Supervisor);
        let begun = if lives {
            format!("{node} stands no more, but its tanist lives and keeps its lock")
        } else {
            format!("{node} has gone, and what it started still runs and keeps its lock")
        };
        if all.is_empty() {
            return format!("{begun}; nobody leads until that has ended");
        }
        let names = names(&all);
        if let Some(thaw) = self.thaw() {
            return format!("{begun}: {names}; nobody leads until that has ended; {thaw}");
        }
        if self.own.iter().any(|(part, _)| part.ends_work()) {
            return format!("{begun}: {names}; its guard is ending it");
        }
        let pids = pids(all.into_iter());
        format!("{begun}: {names}; nobody leads until that has ended: kill {pids}")
    }

    /// What to do about what is frozen, if that is why nothing ends.
    fn thaw(&self) -> Option<String> {
        let frozen: Vec<&Holder> = self
            .own
            .iter()
            .map(|(_, it)| *it)
            .filter(|it| it.frozen)
            .collect();
        if frozen.is_empty() {
            return None;
        }
        let pids_of_all = pids(self.all());
        Some(format!(
            "frozen, so that it ends nothing: {}; continue it: kill -CONT {}; or end all that \
             is left: kill -KILL {pids_of_all}",
            names(&frozen),
            pids(frozen.iter().copied()),
        ))
    }

    fn all(&self) -> impl Iterator<Item = &'a Holder> {
        let own = self.own.iter().map(|(_, it)| *it);
        self.work.iter().copied().chain(own)
    }
}

fn names(holders: &[&Holder]) -> String {
    let names: Vec<String> = holders.iter().map(|it| it.to_string()).collect();
    names.join(", ")
}

fn pids<'a>(holders: impl Iterator<Item = &'a Holder>) -> String {
    let pids: Vec<String> = holders.map(|it| it.pid.to_string()).collect();
    pids.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(pid: u32, name: &str, frozen: bool) -> Holder {
        Holder {
            pid,
            command: format!("{name} --x"),
            name: name.to_owned(),
            frozen,
        }
    }

    fn lapsed(holders: &[Holder]) -> String {
        Remains::of(holders).lapsed("a", Duration::from_secs(2))
    }

    #[test]
    fn that_the_work_was_stopped_is_never_said_unseen() {
        let all = [
            holder(1, "tanist", true),
            holder(2, "tanist-guard", true),
            holder(3, "postgres", false),
        ];
        let text = lapsed(&all);
        assert!(
            text.contains("2s ago, but its work may still run: pid 3 (postgres --x); frozen"),
            "{text}"
        );
        assert!(
            text.ends_with("kill -CONT 1 2; or end all that is left: kill -KILL 3 1 2"),
            "{text}"
        );
        assert!(lapsed(&all[..2]).contains("not known, as its guard is frozen"));
        assert!(lapsed(&[]).contains("cannot be seen from here"));
        let ended = [holder(1, "tanist", true), holder(2, "tanist-guard", false)];
        assert!(lapsed(&ended).contains("nothing is seen that holds its lock"));
    }

    #[test]
    fn a_frozen_guard_ends_nothing() {
        let guard = |frozen| {
            let holders = [holder(2, "tanist-guard", frozen), holder(3, "x", false)];
            Remains::of(&holders).lingering("a")
        };
        assert!(guard(false).ends_with("its guard is ending it"));
        assert!(!guard(true).contains("is ending it") && guard(true).contains("kill -CONT 2;"));
        let evicted = [holder(1, "tanist", true)];
        let text = Remains::of(&evicted).lingering("a");
        assert!(
            text.starts_with("a stands no more, but its tanist lives"),
            "{text}"
        );
    }
}
