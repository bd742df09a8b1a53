use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::report::Report;
use super::settings::Plan;
use crate::span::Span;

const AREA: &str = "systemd";

const PROPERTIES: &str = "KillMode,WatchdogUSec,TimeoutStopUSec,Delegate";

/// The unit that this runs in, if it runs in one.
pub(super) fn look(report: &mut Report, plan: &Plan) {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some((unit, of_user)) = unit(&own) else {
        report.ok(
            AREA,
            "not run by a unit; as ExecStart= of one it would be looked at",
        );
        return;
    };
    let mut ask = Command::new("systemctl");
    if of_user {
        ask.arg("--user");
    }
    ask.args(["show", "--property", PROPERTIES, "--", &unit]);
    let told = ask.stdin(Stdio::null()).stderr(Stdio::null()).output();
    match told {
        Ok(told) if told.status.success() => {
            let properties = String::from_utf8_lossy(&told.stdout);
            judge(report, &unit, &properties, plan.timing());
        }
        Ok(_) | Err(_) => report.ok(AREA, format!("{unit}; systemctl cannot be asked for more")),
    }
}

/// The last unit on the way down to this process, and whether a user's manager has it.
fn unit(cgroup: &str) -> Option<(String, bool)> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.iter().rposition(|part| part.ends_with(".service"))?;
    let is_manager = |part: &&str| part.starts_with("user@");
    if is_manager(&parts[at]) {
        return None;
    }
    let of_user = parts[..at].iter().any(is_manager);
    Some((parts[at].to_owned(), of_user))
}

fn judge(report: &mut Report, unit: &str, properties: &str, timing: &tanist::Timing) {
    let value = |name: &str| {
        let mut pairs = properties.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    match value("KillMode") {
        Some(mode @ ("process" | "none")) => report.warn(
            AREA,
            format!("{unit}: KillMode={mode} lets the service outlive tanist; use KillMode=mixed"),
        ),
        Some(mode) => report.ok(AREA, format!("{unit}: KillMode={mode}")),
        None => report.ok(AREA, unit),
    }
    let lease = timing.lease();
    if let Some(watchdog) = value("WatchdogUSec").and_then(span)
        && !watchdog.is_zero()
        && watchdog >= lease
    {
        report.warn(
            AREA,
            format!(
                "WatchdogSec={} is not below the lease of {}: a tanist that hangs is noticed after it",
                Span(watchdog),
                Span(lease)
            ),
        );
    }
    let stop = timing.stop_timeout() + timing.kill_time();
    if let Some(limit) = value("TimeoutStopUSec").and_then(span)
        && limit < stop
    {
        report.warn(
            AREA,
            format!(
                "TimeoutStopSec={} is less than the {} that a planned stop may take: the child is \
                 killed before its time",
                Span(limit),
                Span(stop)
            ),
        );
    }
}

/// A span as systemctl shows it: `1min 30s`, `500ms`, `infinity`.
fn span(text: &str) -> Option<Duration> {
    if text == "infinity" {
        return None;
    }
    let mut sum = Duration::ZERO;
    for part in text.split_whitespace() {
        let end = part
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(part.len());
        let number: f64 = part[..end].parse().ok()?;
        let unit = match &part[end..] {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" | "" => 1.0,
            "min" => 60.0,
            "h" => 3600.0,
            "d" | "day" => 86_400.0,
            _ => return None,
        };
        sum += Duration::try_from_secs_f64(number * unit).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::Form;
    use tanist::Timing;

    #[test]
    fn the_unit_is_the_last_service_on_the_way() {
        let of = |path: &str| unit(&format!("1:cpu:/x.service\n0::{path}\n"));
        assert_eq!(
            of("/system.slice/mail.service"),
            Some(("mail.service".to_owned(), false))
        );
        assert_eq!(
            of("/user.slice/user-1.slice/user@1.service/app.slice/mail.service"),
            Some(("mail.service".to_owned(), true))
        );
        assert_eq!(of("/user.slice/user@1.service/app.slice/x.scope"), None);
        assert_eq!(of("/"), None);
    }

    #[test]
    fn a_unit_that_undoes_what_tanist_does_is_warned_of() {
        let timing = Timing::from_lease(Timing::DEFAULT_LEASE).unwrap();
        let said = |properties: &str| {
            let mut report = Report::default();
            judge(&mut report, "m.service", properties, &timing);
            report.text(Form::Tsv)
        };
        let good =
            said("KillMode=mixed\nWatchdogUSec=5s\nTimeoutStopUSec=1min 30s\nDelegate=yes\n");
        assert_eq!(good, "systemd\tok\tm.service: KillMode=mixed\n");
        let bad = said("KillMode=process\nWatchdogUSec=8s\nTimeoutStopUSec=10s\n");
        assert_eq!(bad.matches("\tWARN\t").count(), 3, "{bad}");
        assert!(
            bad.contains("outlive tanist") && bad.contains("10.5s"),
            "{bad}"
        );
        let endless = said("KillMode=control-group\nWatchdogUSec=0\nTimeoutStopUSec=infinity\n");
        assert_eq!(endless.matches("\tWARN\t").count(), 0, "{endless}");
    }

    #[test]
    fn spans_are_read_as_systemctl_writes_them() {
        assert_eq!(span("1min 30s"), Some(Duration::from_secs(90)));
        assert_eq!(span("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(span("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(span("infinity"), None);
        assert_eq!(span("soon"), None);
    }
}
