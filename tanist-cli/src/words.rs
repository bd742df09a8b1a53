//! A command in one line of text, without a shell; and numbers in a sentence.

use std::ffi::OsString;

/// What a shell would act on outside of quotes. Nothing here does, so it is refused rather than
/// passed on as it stands.
const OF_A_SHELL: &str = "|&;<>()$`";

/// The words of `text`.
///
/// Blanks separate them. Between single quotes everything is meant as it stands; between double
/// quotes too, but for a backslash before a double quote or a backslash. Elsewhere a backslash takes
/// the next character as it stands. There are no variables, patterns, pipes or substitutions.
///
/// # Errors
///
/// A text for the one who wrote it: a quote that does not end, no word at all, or something that
/// only a shell could act on.
pub(crate) fn split(text: &str) -> Result<Vec<OsString>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' => quoted(c, &mut rest, word.get_or_insert_default())?,
            '\\' => {
                let next = rest.next().ok_or("a backslash at the end takes nothing")?;
                word.get_or_insert_default().push(next);
            }
            '\0' => return Err("no word can hold a zero byte".to_owned()),
            c if c.is_whitespace() => words.extend(word.take().map(OsString::from)),
            c if OF_A_SHELL.contains(c) => {
                return Err(format!(
                    "there is no shell here that would act on {c}; quote it if it is meant as it \
                     stands, or write sh -c '...'"
                ));
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.map(OsString::from));
    if words.first().is_none_or(|command| command.is_empty()) {
        return Err("a command has at least one word".to_owned());
    }
    Ok(words)
}

/// `number` and what is counted: `1 setting`, `2 settings`.
pub(crate) fn counted(number: usize, one: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {one}{ending}")
}

/// `words` as [`split`] reads them back.
pub(crate) fn join(words: &[String]) -> String {
    let written: Vec<String> = words.iter().map(|word| written(word)).collect();
    written.join(" ")
}

fn written(word: &str) -> String {
    let meant = |c: char| {
        c.is_whitespace() || c.is_control() || "\"'\\".contains(c) || OF_A_SHELL.contains(c)
    };
    if !word.is_empty() && !word.contains(meant) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn quoted(quote: char, rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(c) = rest.next() {
        match c {
            c if c == quote => return Ok(()),
            '\0' => return Err("no word can hold a zero byte".to_owned()),
            '\\' if quote == '"' => match rest.next() {
                Some(next @ ('"' | '\\')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err(format!("the quote {quote} does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let words = split(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        words
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect()
    }

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        assert_eq!(words("  a  b\tc\n"), ["a", "b", "c"]);
        assert_eq!(
            words(r#"sh -c 'a | "b" $c\'"#),
            ["sh", "-c", r#"a | "b" $c\"#]
        );
        assert_eq!(
            words(r#"a "b \" \\ \n $(c)" d\ e\$"#),
            ["a", r#"b " \ \n $(c)"#, "d e$"]
        );
        assert_eq!(words("a '' b''c"), ["a", "", "bc"]);
        assert_eq!(words("ls *.txt ~ #x"), ["ls", "*.txt", "~", "#x"]);
    }

    #[test]
    fn one_is_not_many() {
        let said = [0, 1, 2].map(|number| counted(number, "setting"));
        assert_eq!(said, ["0 settings", "1 setting", "2 settings"]);
    }

    #[test]
    fn what_only_a_shell_could_act_on_is_refused() {
        for text in [
            "a | b", "a && b", "a; b", "a > b", "a $HOME", "a `b`", "(a)", "a < b",
        ] {
            let why = split(text).unwrap_err();
            assert!(
                why.contains("no shell") && why.contains("sh -c"),
                "{text}: {why}"
            );
        }
    }

    #[test]
    fn a_quote_ends_and_there_is_a_word() {
        for (text, why) in [
            ("a 'b", "the quote ' does not end"),
            ("\"b\\", "the quote \" does not end"),
            ("a \\", "a backslash at the end takes nothing"),
            ("", "at least one word"),
            (" \n ", "at least one word"),
            ("'' a", "at least one word"),
            ("a '\0'", "zero byte"),
        ] {
            let said = split(text).unwrap_err();
            assert!(said.contains(why), "{text:?}: {said}");
        }
    }

    #[test]
    fn what_is_joined_is_split_again_as_it_was() {
        let odd = [
            "/a",
            "",
            "b c",
            "d'e",
            "f\"g",
            "h\\i",
            "\t",
            "ä ö",
            "'",
            "$(id) | x;",
        ];
        let odd = odd.map(str::to_owned);
        assert_eq!(words(&join(&odd)), odd);
    }
}
