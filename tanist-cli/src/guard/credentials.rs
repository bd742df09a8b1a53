use std::ffi::{CString, OsStr, OsString};

use nix::unistd::{
    Gid, Group, Uid, User, getgroups, getresgid, getresuid, initgroups, setgid, setgroups, setuid,
};
use rustix::thread::{CapabilitySet, capabilities};

/// What the system's accounts say of a user, for the child's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// `USER` and `LOGNAME`.
    pub(crate) name: OsString,
    /// `HOME`.
    pub(crate) home: OsString,
    /// `SHELL`.
    pub(crate) shell: OsString,
}

impl Account {
    /// The account of `NAME`, `UID`, `NAME:GROUP` or `UID:GID`; none for a bare number without one.
    ///
    /// # Errors
    ///
    /// The accounts cannot be looked up.
    pub(crate) fn find(user: &OsStr) -> Result<Option<Self>, String> {
        let text = user.to_string_lossy();
        let name = text.split(':').next().unwrap_or_default();
        Ok(look_up(name)?.map(|account| Self {
            name: account.name.into(),
            home: account.dir.into(),
            shell: account.shell.into(),
        }))
    }
}

/// Why a child cannot run as a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoUser {
    /// There is no such user or group.
    Unknown(String),
    /// This process may not become another user.
    Denied,
}

/// Whether a child could run as `user`, as far as that can be known before it is tried.
///
/// # Errors
///
/// Why not.
pub(crate) fn check_user(user: &OsStr) -> Result<(), NoUser> {
    let name = user.to_string_lossy();
    // That the accounts cannot be read is said by whoever becomes that user.
    if look_up(name.split(':').next().unwrap_or_default()).is_err() {
        return Ok(());
    }
    Credentials::find(user).map_err(NoUser::Unknown)?;
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID;
    match capabilities(None) {
        Ok(sets) if !sets.effective.contains(needed) => Err(NoUser::Denied),
        _ => Ok(()),
    }
}

/// Whom a child runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    uid: Uid,
    gid: Gid,
    /// The account whose further groups are taken; none for a bare number.
    account: Option<CString>,
}

impl Credentials {
    /// Reads `NAME`, `UID`, `NAME:GROUP` or `UID:GID` and looks the names up.
    pub(super) fn find(user: &OsStr) -> Result<Self, String> {
        let text = user
            .to_str()
            .ok_or_else(|| format!("user {user:?} is not text"))?;
        let (name, group) = match text.split_once(':') {
            Some((name, group)) => (name, Some(group)),
            None => (text, None),
        };
        let account = look_up(name)?;
        let gid = group.map(find_group).transpose()?;
        match account {
            Some(account) => Ok(Self {
                uid: account.uid,
                gid: gid.unwrap_or(account.gid),
                account: CString::new(account.name).ok(),
            }),
            None => {
                let uid = name
                    .parse()
                    .map_err(|_| format!("there is no user {name}"))?;
                let gid = gid.ok_or_else(|| {
                    format!("uid {uid} has no account and so no group: write {uid}:GID")
                })?;
                Ok(Self {
                    uid: Uid::from_raw(uid),
                    gid,
                    account: None,
                })
            }
        }
    }

    /// Becomes that user for good, and makes sure of it.
    pub(super) fn assume(&self) -> Result<(), String> {
        let failed = |what: &str, error| {
            format!(
                "cannot run as uid {} gid {}: {what}: {error}; only root may change users",
                self.uid, self.gid
            )
        };
        match &self.account {
            Some(name) => initgroups(name, self.gid).map_err(|e| failed("initgroups", e))?,
            None => setgroups(&[self.gid]).map_err(|e| failed("setgroups", e))?,
        }
        setgid(self.gid).map_err(|e| failed("setgid", e))?;
        setuid(self.uid).map_err(|e| failed("setuid", e))?;
        self.verify()
    }

    fn verify(&self) -> Result<(), String> {
        let (uids, gids) = getresuid()
            .and_then(|u| Ok((u, getresgid()?)))
            .map_err(text)?;
        let changed = [uids.real, uids.effective, uids.saved]
            .iter()
            .all(|uid| *uid == self.uid)
            && [gids.real, gids.effective, gids.saved]
                .iter()
                .all(|gid| *gid == self.gid);
        let kept_root_group = self.gid.as_raw() != 0
            && self.account.is_none()
            && getgroups().map_err(text)?.contains(&Gid::from_raw(0));
        let may_return = !self.uid.is_root() && setuid(Uid::from_raw(0)).is_ok();
        if !changed || kept_root_group || may_return {
            return Err(format!(
                "cannot run as uid {}: the change did not hold",
                self.uid
            ));
        }
        Ok(())
    }
}

fn look_up(name: &str) -> Result<Option<User>, String> {
    let found = match name.parse() {
        Ok(uid) => User::from_uid(Uid::from_raw(uid)),
        Err(_) => User::from_name(name),
    };
    found.map_err(|error| format!("user {name} could not be looked up: {error}"))
}

fn find_group(group: &str) -> Result<Gid, String> {
    if let Ok(gid) = group.parse() {
        return Ok(Gid::from_raw(gid));
    }
    let found = Group::from_name(group)
        .map_err(|error| format!("group {group} could not be looked up: {error}"))?;
    found
        .map(|group| group.gid)
        .ok_or_else(|| format!("there is no group {group}"))
}

fn text(error: nix::errno::Errno) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Result<Credentials, String> {
        Credentials::find(OsStr::new(text))
    }

    #[test]
    fn names_and_numbers_mean_the_same() {
        let nobody = find("nobody").unwrap();
        assert_eq!(find(&nobody.uid.to_string()), Ok(nobody));
        assert_eq!(find("nobody:0").unwrap().gid, Gid::from_raw(0));
        assert_eq!(find("nobody:root").unwrap().gid, Gid::from_raw(0));
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert!(
            find("no-such-user")
                .unwrap_err()
                .contains("no user no-such-user")
        );
        assert!(
            find("nobody:no-such-group")
                .unwrap_err()
                .contains("no group no-such-group")
        );
        assert!(
            find("3999999999")
                .unwrap_err()
                .contains("write 3999999999:GID")
        );
        let bare = find("3999999999:7").unwrap();
        assert_eq!(
            (bare.uid.as_raw(), bare.gid.as_raw(), bare.account),
            (3_999_999_999, 7, None)
        );
    }
}
