//! Errors that need nothing but a command.

use super::{Scene, Script};

/// Slugs that no command can be made to print here, and why.
pub(super) const UNSHOWN: &[(&str, &str)] = &[
    (
        "config::unusable",
        "what the check of single values lets through is not known; `config/check.rs`",
    ),
    (
        "demo::node",
        "a node of the demo that dies on its own; nothing is known to do that",
    ),
    (
        "demo::violated",
        "two leaders at once; the demo's test shows that a false history is found",
    ),
    (
        "guard::system",
        "no process or descriptor is left, and then there is no log either; `guard/error.rs`",
    ),
    (
        "guard-unusable",
        "a guard that dies between its start and its first message",
    ),
    (
        "hook::unsafe",
        "root alone is refused it; `hooks_refused.rs` shows it",
    ),
    (
        "resign::refused",
        "the leader's tanist is leaving in that very moment",
    ),
    (
        "session-over",
        "the store's client gives up; the local one never does",
    ),
    (
        "store::changed",
        "somebody else writes in that very moment, and again; `tanist/tests/operator.rs`",
    ),
    (
        "store::closed",
        "the store's client gives up; the local one never does",
    ),
    (
        "store::garbage",
        "a state file that is none, in the way of `tanist repair`; `state_dir.rs`",
    ),
    ("store::unreachable", "for stores with servers"),
    ("store::unsupported", "for stores of other programs"),
    ("store-unreachable", "for stores with servers"),
    (
        "system::runtime",
        "no event queue: a limit below which no shell starts a program either",
    ),
    (
        "system::signals",
        "the kernel always lets signals be caught",
    ),
];

pub(super) const SCENES: &[Scene] = &[
    ("address::text", |s| run(s, "--address 'a b'")),
    ("config::contradiction", |s| {
        file(s, r#"wait = \"1s\"\nno_wait = true"#);
    }),
    ("config::exists", |s| {
        s.quietly("touch demo.toml");
        s.sh("tanist config init demo.toml");
    }),
    ("config::missing", |s| run(s, "--config none.toml")),
    ("config::none", |s| {
        s.ordinary("tanist config check");
    }),
    ("config::other-name", |s| file(s, r#"ttl = \"8s\""#)),
    ("config::syntax", |s| file(s, "lease =")),
    ("config::type", |s| file(s, "lease = 8")),
    ("config::unknown-key", |s| file(s, r#"leese = \"8s\""#)),
    ("config::unreadable", |s| {
        s.quietly("mkdir demo.toml");
        run(s, "--config demo.toml");
    }),
    ("config::unwritable", |s| {
        s.quietly("touch file");
        s.sh("tanist config init file/demo.toml");
    }),
    ("config::value", |s| file(s, r#"lease = \"soon\""#)),
    ("config::variable", |s| {
        s.sh("TANIST_LEASE=soon tanist config show");
    }),
    ("demo::directory", |s| {
        s.quietly("touch file");
        s.sh("tanist demo --keep-history file");
    }),
    ("demo::script", |s| {
        s.sh("tanist demo --nodes 1");
    }),
    ("directory::not-private", |s| {
        s.quietly("mkdir -m 755 open");
        run(s, "--run-dir open");
    }),
    ("directory::unusable", |s| {
        s.quietly("touch file");
        s.sh("TANIST_RUN_DIR=file/run tanist run -e demo -- true");
    }),
    ("election::name", |s| {
        s.sh("tanist status 'My Job'");
    }),
    ("election::none", |s| {
        s.sh("tanist leader");
    }),
    ("election::none-in-store", |s| {
        s.sh("tanist watch");
    }),
    ("election::own", |s| {
        s.sh("TANIST_TERM=7 TANIST_ELECTION=demo tanist run -- true");
    }),
    ("election::two", |s| {
        s.sh("tanist leader demo -e mail");
    }),
    ("election::unknown", |s| {
        s.sh("tanist leader demo");
    }),
    ("evict::entry", |s| {
        s.sh("tanist evict -e demo nonsense");
    }),
    ("exec-failed", |s| {
        s.quietly(r"printf '#!/no/such/shell\n' > work; chmod +x work");
        s.sh("tanist run -qq -e demo -- ./work");
    }),
    ("explain::unknown", |s| {
        s.sh("tanist explain config::exist");
    }),
    ("guard::refused", |s| {
        s.ordinary(
            "tanist run --run-dir $PWD/run --state-dir $PWD/state -e demo --contain cgroup -- true",
        );
    }),
    ("health::name", |s| {
        run(
            s,
            "--health a=tcp://localhost:1 --health a=tcp://localhost:2",
        );
    }),
    ("health::none", |s| run(s, "--renew-needs-health 10s")),
    ("health::of-service", |s| run(s, "--health-standby notify")),
    ("health::too-short", |s| {
        run(s, "--health tcp://localhost:1 --health-interval 1ms");
    }),
    ("man::unwritable", |s| {
        s.quietly("touch file");
        s.sh("tanist man file/man1");
    }),
    ("node::name", |s| run(s, "--node 'a b'")),
    ("output::unwritable", |s| {
        s.sh("tanist explain > /dev/full");
    }),
    ("path::unusable", |s| {
        s.sh("tanist status --run-dir a/../b");
    }),
    ("pause::span", |s| {
        s.sh("tanist pause demo --for 0s");
        s.sh("tanist pause demo --for 721h");
    }),
    ("role-file::twice", |s| {
        run(s, "--role-file file --track-file file")
    }),
    ("run-dir::none", |s| {
        s.ordinary("unset TANIST_RUN_DIR; tanist run -e demo -- true");
    }),
    ("hook::not-executable", |s| {
        s.quietly("printf x > file");
        run(s, "--hook fence=./file");
    }),
    ("hook::not-found", |s| run(s, "--hook fence=/no/such")),
    ("hook::timeout", |s| run(s, "--hook-timeout 1ms")),
    ("hook::twice", |s| {
        run(s, "--hook on-change=true --hook on-change=false");
    }),
    ("hook-refused", |s| {
        run(s, "-qq --once --hook before-promote=false");
    }),
    ("run::command-not-executable", |s| {
        s.quietly("touch work");
        s.sh("tanist run -e demo -- ./work");
    }),
    ("run::command-not-found", |s| {
        s.sh("PATH=/none:$(dirname $(command -v tanist)) tanist run -e demo -- maild");
    }),
    ("run::contain", |s| {
        run(s, "--contain sweep --require-cgroup")
    }),
    ("run::cwd", |s| run(s, "--cwd none")),
    ("run::env", |s| run(s, "--env A")),
    ("run::env-reserved", |s| run(s, "--env TANIST_TERM=9")),
    ("run::once-and-policy", |s| {
        run(s, "--once --on-failure failover")
    }),
    ("run::stdin", |s| run(s, "--stdin ./none")),
    ("run::stop-signal", |s| run(s, "--stop-signal 40")),
    ("run::user-denied", |s| {
        s.ordinary("tanist run -e demo --user root -- true");
    }),
    ("run::user-unknown", |s| run(s, "--user no-such-user")),
    ("store::address", |s| run(s, "--store redis://host")),
    ("store::invalid", |s| {
        s.sh("tanist status -s 'local:store?allow_network_fs=2'");
    }),
    ("store::not-compiled", |s| {
        run(s, "--store etcd://host/demo")
    }),
    ("store::unsafe", |s| {
        s.quietly("mkdir -m 755 open");
        s.sh("tanist status -s local:open");
    }),
    ("timeout::zero", |s| {
        s.sh("tanist status --timeout 0s");
    }),
    ("timing::one-lost-request", |s| {
        run(s, "--renew-every 1500ms --request-timeout 3s");
    }),
    ("timing::stop-exceeds-lease", |s| {
        run(s, "--lost-stop-timeout 9s")
    }),
    ("timing::too-long", |s| run(s, "--lease 10000h")),
    ("timing::too-short", |s| run(s, "--lease 1ms")),
    ("usage", |s| {
        s.sh("tanist fly");
        s.sh("TANIST_LEASE=soon tanist run -e demo -- true");
    }),
];

fn run(script: &mut Script, flags: &str) {
    script.sh(&format!("tanist run -e demo {flags} -- true"));
}

fn file(script: &mut Script, text: &str) {
    script.quietly(&format!("printf \"{text}\\n\" > demo.toml"));
    script.sh("tanist config check demo.toml");
}
