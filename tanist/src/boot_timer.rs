use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tanist_core::Moment;
use tokio::io::unix::AsyncFd;

use crate::{clock, readiness};

/// A timer on the boot-time clock. The timers of tokio stand still while the machine sleeps, which
/// would let a leader go on for that long after it woke.
#[derive(Debug)]
pub(crate) struct BootTimer {
    fd: AsyncFd<OwnedFd>,
    armed: bool,
}

impl BootTimer {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Boottime, flags)?;
        Ok(Self {
            fd: readiness::of(fd)?,
            armed: false,
        })
    }

    /// Lets [`BootTimer::expired`] resolve at `moment`, or never.
    pub(crate) fn arm(&mut self, moment: Option<Moment>) -> io::Result<()> {
        self.armed = moment.is_some();
        let Some(moment) = moment else {
            return Ok(());
        };
        // A span, not an absolute time: so the only clock that counts is the one that is read.
        // Zero would disarm it.
        let span = moment.since(clock::now().at).max(Duration::from_nanos(1));
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let value = Timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: span.subsec_nanos().into(),
        };
        let spec = Itimerspec {
            it_interval: zero,
            it_value: value,
        };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &spec)?;
        Ok(())
    }

    /// Resolves when the armed moment has come, once. Cancel-safe.
    pub(crate) async fn expired(&mut self) -> io::Result<()> {
        if !self.armed {
            return std::future::pending().await;
        }
        loop {
            let mut ready = self.fd.readable().await?;
            let mut expirations = [0; 8];
            match rustix::io::read(self.fd.get_ref(), &mut expirations) {
                Ok(_) => {
                    self.armed = false;
                    return Ok(());
                }
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_expires_no_earlier_than_it_was_armed_for_and_only_once() {
        let mut timer = BootTimer::new().unwrap();
        let due = clock::now().at + Duration::from_millis(15);
        timer.arm(Some(due)).unwrap();
        timer.expired().await.unwrap();
        assert!(clock::now().at >= due);
        let again = tokio::time::timeout(Duration::from_millis(30), timer.expired()).await;
        assert!(again.is_err());
    }

    #[tokio::test]
    async fn a_moment_that_has_passed_expires_at_once_and_a_later_one_replaces_it() {
        let mut timer = BootTimer::new().unwrap();
        timer.arm(Some(Moment::ORIGIN)).unwrap();
        timer.expired().await.unwrap();
        timer.arm(Some(Moment::ORIGIN)).unwrap();
        timer
            .arm(Some(clock::now().at + Duration::from_secs(3600)))
            .unwrap();
        let expired = tokio::time::timeout(Duration::from_millis(20), timer.expired()).await;
        assert!(expired.is_err());
    }
}
