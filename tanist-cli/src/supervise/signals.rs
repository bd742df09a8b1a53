use std::io;

use rustix::process::Signal;
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
}

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
        for number in REAL_TIME {
            let name = SignalName::numbered(number);
            listen(name, Told::Dropped(name), &tell)?;
        }
        Ok(Self { told })
    }

    /// The next one. Cancel safe: none is lost.
    pub(crate) async fn next(&mut self) -> Told {
        match self.told.recv().await {
            Some(told) => told,
            // The senders live in tasks that never end.
            None => std::future::pending().await,
        }
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
