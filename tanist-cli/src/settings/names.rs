use crate::problem::Problem;

use super::Setting;

/// The longest name of an election or a node.
const LONGEST: usize = 63;

/// This machine's name, as far as it can be one of a node.
pub(crate) fn host_name() -> String {
    let uname = rustix::system::uname();
    let name: String = uname
        .nodename()
        .to_string_lossy()
        .chars()
        .map(|c| if in_node_name(c) { c } else { '-' })
        .take(LONGEST)
        .collect();
    let name = name.trim_start_matches(['.', '-']).to_owned();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}

/// Refuses what cannot be an election's name in every store.
pub(super) fn check_election(election: &Setting<String>) -> Result<(), Problem> {
    check_election_name(&election.value).map_err(|problem| problem.set_by(&election.source))
}

/// Refuses what cannot be an election's name in every store.
pub(crate) fn check_election_name(name: &str) -> Result<(), Problem> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let fits = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'));
    if starts_well && fits && name.len() <= LONGEST {
        return Ok(());
    }
    Err(Problem::usage(
        "election::name",
        format!("{name:?} cannot be the name of an election"),
    )
    .because(
        "a name has 1 to 63 of a-z, 0-9, dot, underscore and dash, and starts with a letter or \
             a digit: it becomes a key, a znode or a directory",
    )
    .next(format_args!("try -e {}", suggestion(name))))
}

/// Refuses what cannot be a node's name.
pub(super) fn check_node(node: &Setting<String>) -> Result<(), Problem> {
    let name = &node.value;
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if starts_well && name.chars().all(in_node_name) && name.len() <= LONGEST {
        return Ok(());
    }
    Err(Problem::usage(
        "node::name",
        format!("{name:?} cannot be the name of a node"),
    )
    .because("a name has 1 to 63 letters, digits, dots, underscores and dashes")
    .set_by(&node.source))
}

/// Refuses what no terminal, log or environment should have to carry.
pub(super) fn check_address(address: &Setting<String>) -> Result<(), Problem> {
    let text = &address.value;
    if text.len() <= 255 && !text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Ok(());
    }
    Err(
        Problem::usage("address::text", format!("{text:?} cannot be advertised"))
            .because("an address has at most 255 bytes and neither blanks nor control characters")
            .set_by(&address.source),
    )
}

const fn in_node_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn suggestion(name: &str) -> String {
    let mapped: String = name
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .take(LONGEST)
        .collect();
    let mapped = mapped.trim_matches(['-', '.']).to_owned();
    if mapped.is_empty() {
        "demo".to_owned()
    } else {
        mapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elections_are_named_so_that_every_store_can_hold_them() {
        for name in ["demo", "a", "0", "mail.eu-1_x", &"a".repeat(63)] {
            assert_eq!(check_election_name(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "Demo",
            "-a",
            ".a",
            "a/b",
            "a b",
            "ä",
            &"a".repeat(64),
            "a\n",
        ] {
            assert!(check_election_name(name).is_err(), "{name:?}");
        }
        let hint = check_election_name("My Job").unwrap_err().to_string();
        assert!(hint.contains("try -e my-job"), "{hint}");
    }

    #[test]
    fn the_host_name_is_a_node_name() {
        let node = Setting {
            value: host_name(),
            source: crate::settings::Source::Default,
        };
        assert_eq!(check_node(&node), Ok(()));
    }
}
