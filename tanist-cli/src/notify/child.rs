use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

use rustix::net::sockopt::set_socket_passcred;
use tanist::InstanceId;

use super::listener::Listener;

/// Where our child says how it is, in place of our own service manager.
///
/// Where every child is of our own user it is a path in a directory of this user alone. A child of
/// root may be, or become, any user, so there its name is abstract, and every process of the machine
/// can reach it. What is not of the child's tree is not heard, either way.
#[derive(Debug)]
pub(crate) struct ChildSocket {
    listener: Option<Listener>,
    /// What the child is told.
    address: OsString,
    path: Option<PathBuf>,
}

/// What a child says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChildWord {
    /// It serves.
    Ready,
    /// A line for people.
    Status(String),
    /// It makes progress.
    Alive,
    /// It asks to be taken for stuck.
    Stuck,
}

impl ChildSocket {
    /// The socket of one start of a node. `own` is the path to take, if every child is of our own
    /// user; one that is too long for a socket is not taken.
    ///
    /// # Errors
    ///
    /// What the system says; the child can do without.
    pub(crate) fn open(
        election: &str,
        instance: InstanceId,
        own: Option<&Path>,
    ) -> io::Result<Self> {
        let at = own.and_then(|path| Some((path, SocketAddr::from_pathname(path).ok()?)));
        let (address, path, socket) = match at {
            Some((path, address)) => {
                // The name is ours: what is there was left by a process that was killed.
                let _ = fs::remove_file(path);
                let socket = UnixDatagram::bind_addr(&address)?;
                (path.into(), Some(path.to_owned()), socket)
            }
            None => {
                let name = format!("tanist/{election}/{instance}");
                let address = SocketAddr::from_abstract_name(&name)?;
                let socket = UnixDatagram::bind_addr(&address)?;
                (format!("@{name}").into(), None, socket)
            }
        };
        set_socket_passcred(&socket, true)?;
        Ok(Self {
            listener: Some(Listener::start(socket)?),
            address,
            path,
        })
    }

    /// In place of one that cannot be had.
    pub(crate) fn none() -> Self {
        Self {
            listener: None,
            address: OsString::new(),
            path: None,
        }
    }

    /// What the child finds in its environment.
    pub(crate) fn variable(&self) -> Option<(OsString, OsString)> {
        let is_open = self.listener.is_some();
        is_open.then(|| ("NOTIFY_SOCKET".into(), self.address.clone()))
    }

    /// From now on those below this guard are heard, and nobody else. What came before is forgotten.
    pub(crate) fn hear_below(&self, guard: u32) {
        if let Some(listener) = &self.listener {
            listener.hear_below(guard);
        }
    }

    /// The child runs as this process.
    pub(crate) fn child_runs(&self, child: u32) {
        if let Some(listener) = &self.listener {
            listener.child_runs(child);
        }
    }

    /// The next word of the child. Cancel safe.
    pub(crate) async fn next(&self) -> ChildWord {
        match &self.listener {
            Some(listener) => listener.next().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for ChildSocket {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Only for tidiness.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn instance() -> InstanceId {
        InstanceId::new(u128::from(std::process::id()))
    }

    async fn is_deaf(socket: &ChildSocket) {
        let next = tokio::time::timeout(Duration::from_millis(50), socket.next());
        assert!(next.await.is_err());
    }

    async fn hears_its_tree(ours: ChildSocket, to: SocketAddr) {
        let child = UnixDatagram::unbound().unwrap();
        let say = |text: &str| child.send_to_addr(text.as_bytes(), &to).unwrap();
        // Nobody is below a process that is none.
        ours.hear_below(u32::MAX - 1);
        say("STATUS=from a stranger");
        is_deaf(&ours).await;
        // Said by the child before, and not read: the next one is not ready for that.
        ours.hear_below(std::process::id());
        say("READY=1");
        ours.hear_below(std::process::id());
        ours.child_runs(std::process::id());
        is_deaf(&ours).await;
        say("READY=1\nSTATUS=up");
        assert_eq!(ours.next().await, ChildWord::Ready);
        assert_eq!(ours.next().await, ChildWord::Status("up".to_owned()));
        is_deaf(&ours).await;
    }

    #[tokio::test]
    async fn only_those_below_the_guard_are_heard() {
        let ours = ChildSocket::open("demo", instance(), None).unwrap();
        let (_, address) = ours.variable().unwrap();
        let name = address.to_str().unwrap().strip_prefix('@').unwrap();
        let to = SocketAddr::from_abstract_name(name).unwrap();
        hears_its_tree(ours, to).await;
    }

    #[tokio::test]
    async fn a_path_is_taken_where_it_fits_and_removed_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.a.notify");
        drop(UnixDatagram::bind(&path).unwrap());
        let ours = ChildSocket::open("path", instance(), Some(&path)).unwrap();
        assert_eq!(ours.variable().unwrap().1, path);
        hears_its_tree(ours, SocketAddr::from_pathname(&path).unwrap()).await;
        assert!(!path.exists());
        let long = dir.path().join("x".repeat(108));
        let ours = ChildSocket::open("path", instance(), Some(&long)).unwrap();
        let (_, address) = ours.variable().unwrap();
        assert!(address.to_str().unwrap().starts_with('@'), "{address:?}");
    }
}
