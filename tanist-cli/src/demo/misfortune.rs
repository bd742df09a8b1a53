use std::io;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// What befalls a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfortune {
    /// The process that talks to the store is killed.
    SupervisorKilled,
    /// The process that holds the deadline is killed.
    GuardKilled,
    /// The work is killed.
    WorkKilled,
    /// The node is told to stop.
    Stopped,
}

impl Misfortune {
    const ALL: [Self; 4] = [
        Self::SupervisorKilled,
        Self::GuardKilled,
        Self::WorkKilled,
        Self::Stopped,
    ];

    /// For people.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::SupervisorKilled => "kill -9 of its supervisor",
            Self::GuardKilled => "kill -9 of its guard",
            Self::WorkKilled => "kill -9 of its work",
            Self::Stopped => "SIGTERM",
        }
    }

    /// The signal that brings it.
    pub(super) const fn signal(self) -> Signal {
        match self {
            Self::SupervisorKilled | Self::GuardKilled | Self::WorkKilled => Signal::KILL,
            Self::Stopped => Signal::TERM,
        }
    }
}

/// Chance that repeats itself for the same seed: splitmix64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Luck(u64);

impl Luck {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next misfortune.
    pub(super) fn draw(&mut self) -> Misfortune {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        Misfortune::ALL[(z % 4) as usize]
    }
}

/// Signals `pid`, if it is still a child of `parent`: a number alone may be another's by now.
pub(super) fn signal_child_of(parent: u32, pid: u32, signal: Signal) -> io::Result<()> {
    let numbered = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let process = pidfd_open(
        numbered.ok_or(io::ErrorKind::NotFound)?,
        PidfdFlags::empty(),
    )?;
    // Looked at after the descriptor is ours, which names one process for good.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let its_parent = fields.split_whitespace().nth(1);
    if its_parent.and_then(|parent| parent.parse().ok()) != Some(parent) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(pidfd_send_signal(process, signal)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_brings_the_same_and_everything_comes() {
        let run = |seed| {
            let mut luck = Luck::new(seed);
            (0..40).map(|_| luck.draw()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        for misfortune in Misfortune::ALL {
            assert!(run(7).contains(&misfortune), "{misfortune:?}");
        }
    }

    #[test]
    fn nobody_elses_process_is_signalled() {
        let own = std::process::id();
        let refused = signal_child_of(own, own, Signal::KILL);
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
