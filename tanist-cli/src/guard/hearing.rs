use std::io;

use rustix::net::RecvFlags;
use tanist_core::WorkInput;

use super::channel::{self, Descriptors};
use super::process::{GuardProcess, send_notice};
use super::wire::{Notice, Request};

/// What the guard hears, one message of each speaker at a time.
impl GuardProcess {
    /// What the launcher says of the exec. A good one shows by its saying no more: the line closes.
    pub(super) fn hear_launcher(&mut self) {
        while self.progress.launched {
            let Some(gate) = &self.gate else { return };
            let mut none = Descriptors::default();
            let heard = channel::receive(gate, &mut self.inbox, &mut none, RecvFlags::DONTWAIT);
            let length = match heard {
                Ok(Some(length)) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Without the word before, it was stopped or killed: its end says how.
                Ok(None) | Err(_) => {
                    self.gate = None;
                    if self.progress.going {
                        self.child_runs();
                    }
                    return;
                }
            };
            match Notice::decode(&self.inbox[..length]) {
                Some(Notice::Going) => self.progress.going = true,
                Some(notice @ (Notice::TooLate | Notice::ExecFailed { .. })) => {
                    send_notice(self.line.as_ref(), notice);
                    self.gate = None;
                    self.child_never_was();
                }
                _ => {}
            }
        }
    }

    fn child_runs(&mut self) {
        self.progress.child = if self.namespaced {
            self.root.pid.and_then(|init| self.tree.first_child(init))
        } else {
            self.root.pid
        };
        let pid = self.progress.child.unwrap_or_default().cast_unsigned();
        self.report(Notice::Started { pid });
        self.feed(WorkInput::Started);
        let early = std::mem::take(&mut self.early);
        for number in (1..u64::BITS).filter(|number| early & (1 << number) != 0) {
            self.signal_child(number.cast_signed());
        }
    }

    pub(super) fn child_never_was(&mut self) {
        self.progress.ended = true;
        self.feed(WorkInput::Exited);
    }

    /// The child itself has ended with `status`, as `wait` gives it.
    pub(super) fn child_ended(&mut self, status: i32) {
        // It may have said why, or become the child, just before it ended.
        self.hear_launcher();
        if self.progress.launched && !self.progress.ended {
            self.progress.ended = true;
            self.report(Notice::Exited { status });
            self.feed(WorkInput::Exited);
        }
    }

    /// Inside a PID namespace it is its first process that learns how the child ended.
    pub(super) fn hear_init(&mut self) {
        let Some(line) = &self.root.line else { return };
        let mut none = Descriptors::default();
        let heard = channel::receive(line, &mut self.inbox, &mut none, RecvFlags::DONTWAIT);
        match heard {
            Ok(Some(length)) => {
                if let Some(Notice::Exited { status }) = Notice::decode(&self.inbox[..length]) {
                    self.child_ended(status);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(None) | Err(_) => self.root.line = None,
        }
    }

    /// One request of the supervisor, or its end.
    pub(super) fn hear_supervisor(&mut self) {
        let Some(line) = &self.line else { return };
        let mut passed = Descriptors::default();
        let heard = channel::receive(line, &mut self.inbox, &mut passed, RecvFlags::DONTWAIT);
        match heard {
            Ok(Some(length)) => self.take_request(length, passed),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(None) | Err(_) => {
                self.line = None;
                self.feed(WorkInput::SupervisorGone);
            }
        }
    }

    fn take_request(&mut self, length: usize, passed: Descriptors) {
        let input = match Request::decode(&self.inbox[..length]) {
            Some(Request::Begin { safe_until, env }) => {
                if !self.progress.launched {
                    self.variables.keep(env);
                    self.holds = passed;
                }
                WorkInput::Begin { safe_until }
            }
            Some(Request::Until(safe_until)) => WorkInput::Until { safe_until },
            Some(Request::End(grace)) => WorkInput::End { grace },
            Some(Request::Dismiss) => WorkInput::Dismissed,
            Some(Request::Signal(number)) => return self.signal_child(number),
            Some(Request::Release(bytes)) => {
                self.release_bytes.keep(bytes);
                self.release_along = passed;
                return;
            }
            Some(Request::Stdin) | None => return,
        };
        self.feed(input);
    }
}
