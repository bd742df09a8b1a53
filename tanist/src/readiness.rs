use std::io;
use std::os::fd::OwnedFd;

use tokio::io::unix::AsyncFd;

/// Lets tokio tell when `fd` is ready.
#[expect(
    deprecated,
    reason = "the successor is unsafe because a type may swap its descriptor, which `OwnedFd` cannot"
)]
pub(crate) fn of(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}
