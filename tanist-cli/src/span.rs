use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

/// A length of time as people write it: `8s`, `300ms`, `1m30s`.
///
/// A bare number is refused: half of the readers take it for seconds, the others for milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    /// So that reading it gives the same span again, to the nanosecond.
    pub(crate) fn exact(self) -> String {
        let (secs, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        match nanos {
            0 => format!("{secs}s"),
            _ if nanos % 1_000_000 == 0 => format!("{}ms", self.0.as_millis()),
            _ => format!("{}ns", self.0.as_nanos()),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(format!("{text:?} has no unit; write {text}s or {text}ms"));
        }
        let example = "write for example 8s, 300ms or 1m30s";
        let signed: SignedDuration = text
            .parse()
            .map_err(|_| format!("{text:?} is no length of time; {example}"))?;
        let span =
            Duration::try_from(signed).map_err(|_| format!("{text:?} is negative; {example}"))?;
        Ok(Self(span))
    }
}

impl fmt::Display for Span {
    /// Short, and as exact as a reader needs: `300ms`, `8.1s`, `41m`, `2h13m`, `3d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, millis) = (self.0.as_secs(), self.0.subsec_millis());
        match secs {
            0 if millis == 0 => write!(f, "0s"),
            0 => write!(f, "{millis}ms"),
            1..60 if millis < 100 => write!(f, "{secs}s"),
            1..60 => write!(f, "{secs}.{}s", millis / 100),
            60..3600 if secs.is_multiple_of(60) => write!(f, "{}m", secs / 60),
            60..600 => write!(f, "{}m{}s", secs / 60, secs % 60),
            600..3600 => write!(f, "{}m", secs / 60),
            3600..86_400 if secs % 3600 < 60 => write!(f, "{}h", secs / 3600),
            3600..86_400 => write!(f, "{}h{}m", secs / 3600, secs % 3600 / 60),
            _ => write!(f, "{}d", secs / 86_400),
        }
    }
}

/// That span from now as a time of the day, for those who look from other machines.
pub(crate) fn wall_clock(span: Duration) -> String {
    let at = jiff::Timestamp::now().checked_add(SignedDuration::try_from(span).unwrap_or_default());
    at.map_or_else(
        |_| "some time".to_owned(),
        |at| at.strftime("%H:%M:%SZ").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Duration, String> {
        text.parse::<Span>().map(|span| span.0)
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        assert_eq!(read("8s"), Ok(Duration::from_secs(8)));
        assert_eq!(read("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(read("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(read("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(read("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn a_number_without_unit_and_nonsense_are_refused() {
        for (text, says) in [
            ("8", "has no unit"),
            ("1.5", "has no unit"),
            ("", "is no length of time"),
            ("-3s", "is negative"),
            ("soon", "is no length of time"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_span_written_exactly_is_read_as_the_same() {
        for nanos in [0, 1, 1_500_000_000, 8_000_000_000, 12_345_678_901] {
            let span = Duration::from_nanos(nanos);
            assert_eq!(read(&Span(span).exact()), Ok(span));
        }
        assert_eq!(Span(Duration::from_millis(1_250)).exact(), "1250ms");
    }

    #[test]
    fn spans_are_written_short() {
        for (millis, text) in [
            (0, "0s"),
            (300, "300ms"),
            (8_100, "8.1s"),
            (10_000, "10s"),
            (90_000, "1m30s"),
            (2_460_000, "41m"),
            (7_980_000, "2h13m"),
            (3_600_000, "1h"),
            (259_200_000, "3d"),
        ] {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), text);
        }
    }
}
