use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tanist::Moment;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::signal_name::SignalName;

/// What a signal to tanist means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Stop: the child, the leadership, and ourselves.
    Stop(SignalName),
    /// For the child, not for us.
    Forward(Signal),
    /// For the child, but it cannot be passed on: a real-time signal.
    Dropped(SignalName),
}

/// Every signal that can be caught and means something.
#[derive(Debug)]
pub(crate) struct Signals {
    told: mpsc::UnboundedReceiver<Told>,
    /// The last stop that counted, and when.
    stop: Option<(SignalName, Moment)>,
}

/// The same stop again within this span is the first one: timeout(1) and service managers signal a
/// process and its group, and the kernel tells both.
const ECHO: Duration = Duration::from_millis(100);

/// Hang-up, interrupt, ... up to the stops of job control: a stopped supervisor cannot renew, so
/// tanist itself never stops by them.
const STOPS: [&str; 3] = ["TERM", "INT", "QUIT"];
const FORWARDED: [Signal; 10] = [
    Signal::HUP,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
    Signal::CONT,
    Signal::ALARM,
    Signal::IO,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
];
/// The real-time signals that are not the C library's own. Caught, because their default would end
/// tanist and with it the child.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn catch() -> io::Result<Self> {
        let (tell, told) = mpsc::unbounded_channel();
        let named = |name: &str| name.parse().map_err(io::Error::other);
        for name in STOPS {
            let name = named(name)?;
            listen(name, Told::Stop(name), &tell)?;
        }
        let ignored = ignored()?;
        for signal in FORWARDED {
            // Started by nohup: child and tanist are to outlive the terminal alike.
            if signal == Signal::HUP && ignored & 1 == 1 {
                continue;
            }
            listen(
                SignalName::numbered(signal.as_raw()),
                Told::Forward(signal),
                &tell,
            )?;
        }
        // A file that may not grow is an error where it is written, and no reason to end. Caught, not
        // ignored: the child is to have its default.
        signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::default())?;
        for number in REAL_TIME {
            let name = SignalName::numbered(number);
            listen(name, Told::Dropped(name), &tell)?;
        }
        Ok(Self { told, stop: None })
    }

    /// The next one. Cancel safe: none is lost.
    pub(crate) async fn next(&mut self) -> Told {
        loop {
            match self.told.recv().await {
                Some(Told::Stop(signal)) if self.is_echo(signal, tanist::clock::now().at) => {}
                Some(told) => return told,
                // The senders live in tasks that never end.
                None => std::future::pending().await,
            }
        }
    }

    fn is_echo(&mut self, signal: SignalName, now: Moment) -> bool {
        let echo = |(last, at): (SignalName, Moment)| last == signal && now.since(at) < ECHO;
        let is_echo = self.stop.is_some_and(echo);
        if !is_echo {
            self.stop = Some((signal, now));
        }
        is_echo
    }
}

/// The signals that were ignored when we were started, as the kernel's bit mask: HUP is the lowest.
fn ignored() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    Ok(mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default())
}

fn listen(name: SignalName, told: Told, tell: &mpsc::UnboundedSender<Told>) -> io::Result<()> {
    let mut stream = signal(SignalKind::from_raw(name.number()))?;
    let tell = tell.clone();
    tokio::spawn(async move { while stream.recv().await.is_some() && tell.send(told).is_ok() {} });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_stop_right_behind_the_first_is_no_second_one() {
        let mut signals = Signals {
            told: mpsc::unbounded_channel().1,
            stop: None,
        };
        let (term, int) = ("TERM".parse().unwrap(), "INT".parse().unwrap());
        let at = |millis| Moment::after_origin(Duration::from_millis(millis));
        assert!(!signals.is_echo(term, at(1_000)));
        assert!(signals.is_echo(term, at(1_099)));
        // Counted from the first one, so that a stream of them does end it.
        assert!(!signals.is_echo(term, at(1_100)));
        assert!(
            !signals.is_echo(int, at(1_101)),
            "another signal is another word"
        );
        assert!(!signals.is_echo(term, at(1_102)));
    }
}
