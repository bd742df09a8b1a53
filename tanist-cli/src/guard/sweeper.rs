use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::cgroup::Cgroup;
use super::orphans;
use super::report::GuardReport;

/// The thread that clears up after a guard that has died.
///
/// It is there from the beginning, because the system may give none when it is needed: the limit on
/// processes counts threads too.
#[derive(Debug)]
pub(super) struct Sweeper {
    orders: Sender<Order>,
}

/// What is to be swept, and whom to tell.
struct Order {
    guard: i32,
    since: u64,
    cgroup: Option<Arc<Cgroup>>,
    tell: UnboundedSender<GuardReport>,
}

/// Between two attempts, where one ends in a panic.
const BREATH: Duration = Duration::from_millis(50);

impl Sweeper {
    /// Has the thread wait.
    pub(super) fn ready() -> io::Result<Self> {
        let (orders, ordered) = channel::<Order>();
        let wait = move || {
            // Nobody may ever need it.
            if let Ok(order) = ordered.recv() {
                order.carry_out();
            }
        };
        let thread = std::thread::Builder::new().name("sweep".to_owned());
        thread.spawn(wait)?;
        Ok(Self { orders })
    }

    /// Has everything killed that `guard` left behind. [`GuardReport::Gone`] is the last thing told,
    /// and it is told only when nothing is left.
    pub(super) fn sweep(
        &self,
        guard: i32,
        since: u64,
        cgroup: Option<Arc<Cgroup>>,
    ) -> UnboundedReceiver<GuardReport> {
        let (tell, told) = unbounded_channel();
        let order = Order {
            guard,
            since,
            cgroup,
            tell,
        };
        // The thread waits for nothing else.
        let _ = self.orders.send(order);
        told
    }
}

impl Order {
    fn carry_out(self) {
        let tell = |report| {
            // Nobody may be left to hear it.
            let _ = self.tell.send(report);
        };
        let sweep = || orphans::sweep(self.guard, self.since, self.cgroup.as_deref(), tell);
        // A panic is not proof of anything, so it is done again.
        while catch_unwind(AssertUnwindSafe(sweep)).is_err() {
            std::thread::sleep(BREATH);
        }
        tell(GuardReport::Gone);
    }
}
