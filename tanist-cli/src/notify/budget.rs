use std::time::Duration;

use tanist::Moment;

/// What listening may cost in a while, and to whom nothing is given any more.
///
/// Whoever sends more is not read for the rest of that while: his messages wait in the socket, and he
/// with them.
#[derive(Debug)]
pub(super) struct Budget {
    began: Moment,
    spent: u32,
    /// Users who were found to have no business here in this while.
    refused: Vec<u32>,
    /// Users of whom one was found to be of the child's tree.
    proven: Vec<u32>,
}

const WHILE: Duration = Duration::from_millis(100);

/// In the price of a message that is dropped unseen, some microseconds.
const MOST: u32 = 1600;

/// The way from a sender up to the guard.
const WALK: u32 = 64;

/// How many strange users are looked at in a while, and how many are remembered.
const USERS: usize = 8;

impl Budget {
    pub(super) const fn new(now: Moment) -> Self {
        Self {
            began: now,
            spent: 0,
            refused: Vec::new(),
            proven: Vec::new(),
        }
    }

    /// How long to read nothing from `now` on, if all is spent.
    pub(super) fn pause(&mut self, now: Moment) -> Option<Duration> {
        let left = WHILE.saturating_sub(now.since(self.began));
        let is_spent = self.spent >= MOST;
        if left.is_zero() || is_spent {
            self.began = now + left;
            self.spent = 0;
            self.refused.clear();
        }
        (is_spent && !left.is_zero()).then_some(left)
    }

    /// Whether a message of `user` is worth the way up from its sender. It always is where the user
    /// `is_known`, and for others until one of theirs was looked at in vain.
    pub(super) fn allows(&mut self, user: u32, is_known: bool) -> bool {
        let is_proven = is_known || self.proven.contains(&user);
        let is_new = self.refused.len() < USERS && !self.refused.contains(&user);
        let allows = is_proven || is_new;
        self.spent += if allows { WALK } else { 1 };
        allows
    }

    /// What the look at a message of `user` came to.
    pub(super) fn found(&mut self, user: u32, counts: bool) {
        let list = if counts {
            &mut self.proven
        } else {
            &mut self.refused
        };
        if list.len() < USERS && !list.contains(&user) {
            list.push(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(millis: u64) -> Moment {
        Moment::after_origin(Duration::from_millis(millis))
    }

    #[test]
    fn a_flood_is_read_for_a_part_of_the_time_only() {
        let mut budget = Budget::new(after(0));
        let mut read = 0;
        let pause = loop {
            if let Some(pause) = budget.pause(after(30)) {
                break pause;
            }
            read += 1;
            let looked = budget.allows(7, false);
            assert_eq!(looked, read == 1, "a stranger is looked at once in a while");
            budget.found(7, false);
        };
        assert_eq!(pause, Duration::from_millis(70));
        assert_eq!(read, MOST - WALK + 1);
        // The next while begins with nothing spent, and with another look.
        assert_eq!(budget.pause(after(100)), None);
        assert!(budget.allows(7, false));
    }

    #[test]
    fn who_was_of_the_tree_once_is_always_worth_a_look() {
        let mut budget = Budget::new(after(0));
        for stranger in 100..120 {
            let looked = budget.allows(stranger, false);
            assert_eq!(
                looked,
                stranger < 108,
                "as many strangers as there is room for"
            );
            budget.found(stranger, false);
        }
        assert!(budget.allows(1, true));
        assert!(!budget.allows(33, false));
        assert_eq!(budget.pause(after(100)), None);
        assert!(budget.allows(33, false));
        budget.found(33, true);
        budget.found(33, false);
        assert!(budget.allows(33, false));
    }
}
