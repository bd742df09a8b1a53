//! What differs with each run, written in capitals; all else is left as it was printed.

/// The text with its volatile parts masked. `dir` is where it was made.
pub(super) fn mask(text: &str, dir: &str) -> String {
    let text = text.replace(dir, "DIR");
    let mut masked = String::new();
    for line in text.lines() {
        masked.push_str(&mask_line(line));
        masked.push('\n');
    }
    masked
}

fn mask_line(line: &str) -> String {
    // Why there is no control group, each machine says in its own words.
    let own = "not to be had: ";
    let known = line.find(own).map_or(line.len(), |at| at + own.len());
    let (mut rest, reason) = line.split_at(known);
    let mut out = String::new();
    while !rest.is_empty() {
        let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        // What ends a sentence is no part of it.
        let length = rest[..length].trim_end_matches(['.', ':']).len();
        let (word, after) = rest.split_at(length);
        out.push_str(&mask_word(word, &out, after));
        let dots = after.len() - after.trim_start_matches(['.', ':']).len();
        let next = after[dots..].find(is_of_word);
        let next = next.map_or(after.len(), |next| dots + next);
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
    if !reason.is_empty() {
        out.push_str("REASON");
    }
    out.trim_end().to_owned()
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.' || c == ':'
}

fn mask_word(word: &str, before: &str, after: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if word.len() == 32 && hex(word) {
        "INSTANCE".to_owned()
    } else if word.len() == 10 && digits(word) {
        // A term, or a second since 1970.
        "TERM".to_owned()
    } else if digits(word) && before.ends_with("pid ") {
        "PID".to_owned()
    } else if digits(word) && before.ends_with('@') {
        "CREATED".to_owned()
    } else if is_clock(word) {
        "TIME".to_owned()
    } else if is_span(word)
        && ([" ago", " more"].iter().any(|end| after.starts_with(end))
            || before.ends_with("another "))
    {
        "SPAN".to_owned()
    } else {
        word.to_owned()
    }
}

/// `12:34:56.789`
fn is_clock(word: &str) -> bool {
    let shape: String = word
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "00:00:00.000"
}

fn is_span(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    unit.len() < word.len() && word.ends_with(['s', 'm', 'h', 'd'])
}

#[test]
fn only_what_differs_is_masked() {
    let line =
        "12:34:56.789  error  a leads in term 1790000000, pid 7, 8s, renewed 0.3s ago in /t/x/run";
    let expected = "TIME  error  a leads in term TERM, pid PID, 8s, renewed SPAN ago in DIR/run\n";
    assert_eq!(mask(line, "/t/x"), expected);
    let line = "demo/entry-0123456789abcdef0123456789abcdef@12 paused for another 29m";
    assert_eq!(
        mask(line, "/t/x"),
        "demo/entry-INSTANCE@CREATED paused for another SPAN\n"
    );
}
