use serde_json::Value;

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Who we are and how things stand.
    Status,
    /// The term and for how long it is ours.
    Term,
    /// Let another lead.
    Resign,
}

impl Request {
    /// More than any request needs.
    pub(super) const LONGEST: u64 = 1024;

    /// Reads one line.
    ///
    /// # Errors
    ///
    /// A text for the client.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(line).map_err(|_| "the request is no text".to_owned())?;
        let text = text.trim();
        let word = if text.starts_with('{') {
            let value: Value =
                serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
            let word = value.get("do").and_then(Value::as_str);
            word.ok_or_else(|| "the request has no \"do\"".to_owned())?
                .to_owned()
        } else {
            text.to_owned()
        };
        match word.as_str() {
            "status" => Ok(Self::Status),
            "term" => Ok(Self::Term),
            "resign" => Ok(Self::Resign),
            other => Err(format!(
                "{other:?} is unknown; there is status, term and resign"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_objects_mean_the_same() {
        assert_eq!(Request::read(b"status\n"), Ok(Request::Status));
        assert_eq!(
            Request::read(b"{\"do\":\"term\",\"more\":1}\n"),
            Ok(Request::Term)
        );
        assert_eq!(Request::read(b" resign "), Ok(Request::Resign));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        for line in [
            &b""[..],
            b"{}",
            b"{\"do\":7}",
            b"{",
            b"stop",
            b"\xff\xfe",
            b"GET / HTTP/1.1",
        ] {
            assert!(!Request::read(line).unwrap_err().is_empty());
        }
    }
}
