use std::path::PathBuf;

use rustix::process::geteuid;

use crate::error::{Error, ErrorKind};

/// Where this machine keeps what must not outlive a boot: `/run/tanist` for root, else
/// `$XDG_RUNTIME_DIR/tanist`. Never a place that others can write to.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] for an ordinary user without `XDG_RUNTIME_DIR`.
pub fn run_dir() -> Result<PathBuf, Error> {
    if geteuid().is_root() {
        return Ok(PathBuf::from("/run/tanist"));
    }
    choose(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
}

fn choose(xdg: Option<PathBuf>) -> Result<PathBuf, Error> {
    match xdg {
        Some(dir) if dir.is_absolute() => Ok(dir.join("tanist")),
        _ => Err(Error::new(
            ErrorKind::Invalid,
            "choose the run directory",
            "XDG_RUNTIME_DIR is not set to an absolute path",
        )
        .hint("name a private directory, as in local:/home/me/.tanist")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_user_needs_a_private_place() {
        assert_eq!(
            choose(Some("/run/user/7".into())).unwrap(),
            PathBuf::from("/run/user/7/tanist")
        );
        assert_eq!(choose(None).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(
            choose(Some("relative".into())).unwrap_err().kind(),
            ErrorKind::Invalid
        );
    }
}
