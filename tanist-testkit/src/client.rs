use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use tanist_core::Moment;

use crate::boot_clock;
use crate::free_port::FreePort;
use crate::work::Work;

/// A client of the service that connects all the time and asks who serves.
#[derive(Debug)]
pub struct Client {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What one service said of itself, as long as it said the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Who it is.
    pub identity: String,
    /// When the first answer of it was asked for.
    pub first: Moment,
    /// When the last was.
    pub last: Moment,
    /// How many there were.
    pub answers: usize,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    services: Mutex<Vec<Service>>,
    answered: Condvar,
}

/// A service that accepts and does not answer is as absent as one that does not accept.
const PATIENCE: Duration = Duration::from_secs(1);
/// From one attempt to the next: often enough to meet every gap, without taking a core.
const PACE: Duration = Duration::from_millis(2);

impl Client {
    /// Begins to connect to `port`.
    pub(crate) fn start(work: Work, port: &FreePort) -> Self {
        let shared = Arc::new(Shared::default());
        let (address, thread_shared) = (port.address(), Arc::clone(&shared));
        let thread = thread::spawn(move || {
            while !thread_shared.stop.load(Ordering::Relaxed) {
                let asked_at = boot_clock::now();
                if let Ok(identity) = ask(&work, &address) {
                    thread_shared.note(identity, asked_at);
                }
                thread::park_timeout(PACE);
            }
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// The services that answered, in the order of their first answers. One that answers again
    /// after another appears again.
    pub fn services(&self) -> Vec<Service> {
        self.shared
            .services
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for an answer to a question asked at `since` or later.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] when `until` has passed without one.
    pub fn wait_answer(&self, since: Moment, until: Moment) -> io::Result<Service> {
        let mut services = self
            .shared
            .services
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(service) = services.last().filter(|service| service.last >= since) {
                return Ok(service.clone());
            }
            let left = until.since(boot_clock::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody serves"));
            }
            let waited = self.shared.answered.wait_timeout(services, left);
            services = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A client that panicked has said so on standard error.
            let _panicked = thread.join();
        }
    }
}

impl Shared {
    fn note(&self, identity: String, asked_at: Moment) {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        match services
            .last_mut()
            .filter(|service| service.identity == identity)
        {
            Some(service) => {
                service.last = asked_at;
                service.answers += 1;
            }
            None => services.push(Service {
                identity,
                first: asked_at,
                last: asked_at,
                answers: 1,
            }),
        }
        self.answered.notify_all();
    }
}

fn ask(work: &Work, address: &str) -> io::Result<String> {
    let address = address.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // Closed by a reset, so that thousands of attempts leave no port waiting.
    set_socket_linger(&stream, Some(Duration::ZERO))?;
    work.ask(&mut stream)
}
