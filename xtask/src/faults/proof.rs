/// A test that says which faults it injects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The numbers of the faults.
    pub(crate) faults: Vec<u8>,
    /// The name of the function, with the file it is in.
    pub(crate) function: String,
    /// What runs it; empty if it is no test.
    pub(crate) command: String,
}

/// The tests of a file that carry a mark: a line of their documentation that begins with the
/// numbers, as in `/// F07, F08: what is done`.
pub(crate) fn marked<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = Proof> + 'a {
    let mut faults = Vec::new();
    let mut is_test = false;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(said) = line.strip_prefix("/// ") {
            faults.extend(numbers(said));
            return None;
        }
        if line.starts_with("#[") || line.starts_with("//") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            return None;
        }
        let (faults, is_test) = (std::mem::take(&mut faults), std::mem::take(&mut is_test));
        let name = function(line)?;
        (!faults.is_empty()).then(|| Proof {
            faults,
            function: format!("{path}: {name}"),
            command: command(path, text, name, is_test).unwrap_or_default(),
        })
    })
}

/// The numbers at the beginning of a line, up to a colon.
fn numbers(said: &str) -> Vec<u8> {
    let Some((head, _)) = said.split_once(':') else {
        return Vec::new();
    };
    let number = |word: &str| word.trim().strip_prefix('F')?.parse().ok();
    let all: Option<Vec<u8>> = head.split(',').map(number).collect();
    all.unwrap_or_default()
}

fn function(line: &str) -> Option<&str> {
    let line = line
        .strip_prefix("pub(crate) ")
        .unwrap_or(line)
        .trim_start_matches("async ");
    let name = line.strip_prefix("fn ")?;
    name.split(['(', '<']).next()
}

fn command(path: &str, text: &str, name: &str, is_test: bool) -> Option<String> {
    let (package, rest) = path.split_once('/')?;
    let Some(file) = rest.strip_prefix("tests/") else {
        let target = if package == "tanist-cli" {
            " --bin tanist"
        } else if package == "tanist-sim" {
            ""
        } else {
            " --lib"
        };
        return is_test.then(|| format!("cargo test -p {package}{target} {name}"));
    };
    let file = file.strip_suffix(".rs")?;
    let Some((target, module)) = file.split_once('/') else {
        return is_test.then(|| format!("cargo test -p {package} --test {file} {name}"));
    };
    let name = if is_test { name } else { listed(text, name)? };
    Some(format!(
        "cargo test -p {package} --test {target} -- {module}::{name}"
    ))
}

/// The name under which a list of tests, `("name", function)` each, has this function.
fn listed<'a>(text: &'a str, function: &str) -> Option<&'a str> {
    let mut pieces = text.split('"').skip(1);
    while let Some(name) = pieces.next() {
        let after = pieces.next()?;
        let after = after.strip_prefix(',').map(str::trim_start);
        let is_it = after
            .and_then(|after| after.strip_prefix(function))
            .is_some_and(|rest| rest.starts_with([',', ')']));
        if is_it {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_of(path: &str, text: &str) -> String {
        let proofs: Vec<_> = marked(path, text).collect();
        assert_eq!(proofs.len(), 1, "{proofs:?}");
        proofs[0].command.clone()
    }

    #[test]
    fn a_test_is_called_by_where_it_is() {
        let test = "/// Said.\n/// F82, F84: more.\n#[test]\nfn it_ends() {";
        let at = |path| command_of(path, test);
        assert_eq!(at("a/tests/b.rs"), "cargo test -p a --test b it_ends");
        assert_eq!(
            at("a/tests/b/c.rs"),
            "cargo test -p a --test b -- c::it_ends"
        );
        assert_eq!(at("a/src/c.rs"), "cargo test -p a --lib it_ends");
        let listed = "const T: &[T] = &[(\"x\", y), (\n  \"it_ends\",\n  ends,\n)];\n\
                      /// F01: it.\nfn ends() {";
        assert_eq!(
            command_of("a/tests/b/c.rs", listed),
            "cargo test -p a --test b -- c::it_ends"
        );
    }

    #[test]
    fn what_is_no_mark_is_none_and_a_mark_on_no_test_has_no_command() {
        let text = "/// From F82 on: more.\n#[test]\nfn a() {}\n/// F82: x.\nlet y = 1;\nfn b() {}";
        assert_eq!(marked("a/src/b.rs", text).count(), 0);
        assert_eq!(command_of("a/src/b.rs", "/// F82: x.\nfn c() {}"), "");
    }
}
