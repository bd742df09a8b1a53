//! Spans of time as flags write them.

use std::time::Duration;

/// Reads a span such as `5ms`, `2s` or `10m`. A number needs its unit.
///
/// # Errors
///
/// Says what was read and what would do.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "us" => Some(Duration::from_micros(1)),
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "m" => Some(Duration::from_secs(60)),
        _ => None,
    };
    number
        .parse()
        .ok()
        .zip(scale)
        .and_then(|(number, scale): (u32, Duration)| scale.checked_mul(number))
        .ok_or_else(|| format!("{text:?} is not a span such as 5ms, 2s or 10m"))
}

/// Writes a span so that [`parse`] reads it back, to the microsecond.
pub fn show(span: Duration) -> String {
    if span.subsec_nanos() == 0 {
        format!("{}s", span.as_secs())
    } else if span.as_micros().is_multiple_of(1000) {
        format!("{}ms", span.as_millis())
    } else {
        format!("{}us", span.as_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_they_were_written() {
        for micros in [0, 1, 999, 5_000, 250_000, 2_000_000, 600_000_000, 1_500_000] {
            let span = Duration::from_micros(micros);
            assert_eq!(parse(&show(span)), Ok(span));
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in ["", "5", "ms", "5 ms", "-5ms", "5h", "99999999999s"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
