use tokio::net::UnixStream;

/// Whether the process at the other end may speak to us: our own user, or root.
///
/// The directory and the socket's mode say the same; this also holds when somebody changed them.
pub(super) fn may_speak(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}
