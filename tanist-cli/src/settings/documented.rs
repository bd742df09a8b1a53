//! What the manual says of files and of variables that are nobody's flag.

use std::path::Path;

use super::file::places_in;

/// Variables that are no flag's, and what they do.
pub(crate) const LATER: [(&str, &str); 10] = [
    ("CLICOLOR_FORCE", "colours also where there is no terminal"),
    (
        "HOME",
        "where XDG_CONFIG_HOME and XDG_STATE_HOME are not set, they are .config and .local/state in it",
    ),
    (
        "JOURNAL_STREAM",
        "where it names standard error, the log goes to the journal with its fields",
    ),
    (
        "LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID",
        "sockets of the service manager, which are passed on to the child",
    ),
    ("NO_COLOR", "no colours, unless --color says so"),
    (
        "NOTIFY_SOCKET",
        "where the service manager is told that tanist stands, and what it does",
    ),
    (
        "WATCHDOG_USEC, WATCHDOG_PID",
        "how often the service manager wants a sign of life",
    ),
    (
        "XDG_CONFIG_HOME",
        "an ordinary user's settings files are in tanist/ in it",
    ),
    (
        "XDG_RUNTIME_DIR",
        "an ordinary user's run directory is tanist/ in it",
    ),
    (
        "XDG_STATE_HOME",
        "an ordinary user's state directory is tanist/ in it",
    ),
];

/// Every file that tanist reads or writes, and what it is. Capitals stand for names.
pub(crate) fn file_names() -> Vec<(String, String)> {
    let places = places_in(Some(Path::new("$XDG_CONFIG_HOME")), Some("election"));
    let settings = places.iter().map(|path| {
        let path = path.display().to_string();
        let what = "settings; the first of these that is there, the user's only for ordinary users";
        (path.replace("election.toml", "ELECTION.toml"), what)
    });
    let run = [
        (
            "/run/tanist, $XDG_RUNTIME_DIR/tanist",
            "the run directory, of root and of others; every copy on a machine has to use the same",
        ),
        ("RUN_DIR/ELECTION.NODE.sock", "the control socket of a node"),
        (
            "RUN_DIR/ELECTION.NODE.role",
            "its role, one word; unless --role-file names another",
        ),
        (
            "RUN_DIR/ELECTION.NODE.name",
            "held for as long as a node of that name runs",
        ),
        (
            "RUN_DIR/ELECTION/lock",
            "the local store: the lock of the leader",
        ),
        (
            "RUN_DIR/ELECTION/entry-INSTANCE",
            "the local store: a place in the line",
        ),
        (
            "RUN_DIR/.tanist/ELECTION/",
            "the local store: record, directive, history and what nodes tell of themselves",
        ),
        (
            "/var/lib/tanist, $XDG_STATE_HOME/tanist",
            "the state directory, of root and of others",
        ),
        (
            "STATE_DIR/ELECTION.json",
            "the highest term that this machine ever saw",
        ),
    ];
    let all = settings.chain(run.map(|(name, what)| (name.to_owned(), what)));
    all.map(|(name, what)| (name, what.to_owned())).collect()
}
