use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;

/// In front of the name of each variable of the child, as long as it is not the child that runs.
///
/// The guard, the release program and the launcher are ours: a library to preload, a locale or a
/// switch of a runtime that is meant for the child must not change what they do.
const COVER: &[u8] = b"TANIST__CHILD_";

/// What our settings are called, which the programs of the guard have no use for.
const SETTINGS: &[u8] = b"TANIST_";

/// Gives `command`, one of our own programs, this process's environment, and `child`'s under cover.
pub(super) fn cover(command: &mut Command, child: &[(OsString, OsString)]) {
    let own = std::env::vars_os().filter(|(name, _)| !name.as_bytes().starts_with(SETTINGS));
    command.env_clear().envs(own);
    for (name, value) in child {
        let covered = [COVER, name.as_bytes()].concat();
        command.env(OsString::from_vec(covered), value);
    }
}

/// Gives `command`, which becomes the child, what was under cover and nothing else.
pub(super) fn uncover(command: &mut Command) {
    command.env_clear();
    for (name, value) in std::env::vars_os() {
        if let Some(name) = name.as_bytes().strip_prefix(COVER) {
            command.env(OsStr::from_bytes(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_child_is_in_force_under_cover() {
        let mut command = Command::new("x");
        let child = [
            ("LD_PRELOAD".into(), "/no/such".into()),
            ("A".into(), "".into()),
        ];
        cover(&mut command, &child);
        let value = |name: &str| {
            let mut envs = command.get_envs();
            envs.find(|(known, _)| *known == name)
                .and_then(|(_, value)| value.map(OsStr::to_owned))
        };
        assert_eq!(value("LD_PRELOAD"), std::env::var_os("LD_PRELOAD"));
        assert_eq!(value("TANIST__CHILD_LD_PRELOAD"), Some("/no/such".into()));
        assert_eq!(value("PATH"), std::env::var_os("PATH"));
    }
}
