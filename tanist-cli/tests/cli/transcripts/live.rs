//! Errors of elections that are held.

use rustix::process::Signal;

use super::{Scene, Script};
use crate::stage::kill;

pub(super) const SCENES: &[Scene] = &[
    ("election::foreign", |s| {
        s.node("--node a", false).all_end().holds("run/demo/lock");
        s.sh("tanist switchover demo --yes");
    }),
    ("election::no-leader", |s| {
        s.node("--node a", false).all_end();
        s.sh("tanist leader demo");
    }),
    ("election::paused", |s| {
        s.node("--node a", false).node("--node b", true);
        s.sh("tanist pause demo");
        s.sh("tanist switchover demo --yes");
    }),
    ("election::refused", |s| {
        damaged(s, "nonsense");
        s.sh("tanist leader demo");
    }),
    ("evict::changed", |s| {
        s.node("--node a", false);
        s.sh(&format!("tanist evict -e demo \"$({ENTRY})9\" --yes"));
    }),
    ("evict::gone", |s| {
        s.node("--node a", false);
        s.sh("tanist evict -e demo demo/entry-0@1 --yes");
    }),
    ("evict::held", |s| {
        s.node("--node a", false).all_end().holds("run/demo/lock");
        s.sh("tanist evict -e demo demo/lock@0 --confirm demo");
    }),
    ("evict::unconfirmed", |s| {
        s.node("--node a", false);
        s.sh(&format!("tanist evict -e demo \"$({ENTRY})\""));
    }),
    ("guard-lost", |s| {
        s.node("--node a --once", false);
        s.ends("its guard is killed", |node| {
            let started = node.heard("started");
            kill(started["guard"].as_u64().unwrap());
        });
    }),
    ("interrupted", |s| {
        let work = "sh -c 'trap \"echo asked\" TERM; echo up; while :; do sleep 0.05; done'";
        s.node_with("--node a", work, false);
        s.ends("it is told TERM, then INT", |node| {
            node.signal(Signal::TERM);
            assert_eq!(node.line(), "asked");
            node.signal(Signal::INT);
        });
    }),
    ("leader::no-address", |s| {
        s.node("--node a", false);
        s.sh("tanist leader demo --address");
    }),
    ("lease-lost", |s| {
        s.node("--node a --lease 500ms --once", false);
        let lock = s.path("run/demo/lock");
        s.ends("run/demo/lock is removed", |_| {
            std::fs::remove_file(lock).unwrap()
        });
    }),
    ("not-elected", |s| {
        s.node("--node a", false);
        s.sh("tanist run -qq -e demo --no-wait -- true");
    }),
    ("parked", |s| {
        let work = "sh -c 'echo up; exit 7'";
        s.node_with("--node a --max-failovers 0/1m", work, false);
        s.ends("its child has failed, and it is told TERM", |node| {
            node.event("parked");
            node.event("released");
            node.signal(Signal::TERM);
        });
    }),
    ("repair::newer", |s| {
        damaged(s, "{\\\"format\\\": 2, \\\"version\\\": \\\"9.0.0\\\"}");
        s.sh("tanist repair demo --yes");
    }),
    ("repair::unconfirmed", |s| {
        damaged(s, "nonsense");
        s.sh("tanist repair demo");
    }),
    ("resign::not-here", |s| {
        s.node("--node a", false);
        s.sh("tanist resign demo -s local:run --run-dir elsewhere");
    }),
    ("resign::not-in-time", |s| {
        stubborn(s);
        s.node("--node b", true);
        s.sh("tanist resign demo --timeout 300ms");
        s.ends("b is stopped", |node| node.signal(Signal::TERM));
    }),
    ("resign::not-leader", |s| {
        s.node("--node a", false);
        s.sh("tanist resign demo --node b");
    }),
    ("resigned", |s| {
        s.node("--node a --once", false).node("--node b", true);
        s.sh("tanist resign demo");
        s.forget_latest();
        s.ends("and a has ended", |_| {});
    }),
    ("store::denied", |s| {
        s.ordinary(
            "chmod 700 .; mkdir -p -m 700 run; export TANIST_RUN_DIR=$PWD/run TANIST_STATE_DIR=$PWD/state; \
             tanist run -qq -e demo --once -- true && chmod 500 run/.tanist/demo && tanist pause demo",
        );
    }),
    ("store::io", |s| {
        s.node("--node a", false).all_end();
        s.quietly("rm run/.tanist/demo/record; mkdir run/.tanist/demo/record");
        s.sh("tanist status demo");
    }),
    ("store::no-answer", |s| {
        s.node("--node a", false)
            .all_end()
            .holds("run/.tanist/demo/mutex");
        s.sh("tanist status demo --timeout 300ms");
    }),
    ("switchover::another", |s| {
        let slow = "sh -c 'trap \"echo stopping; while ! test -e go; do sleep 0.02; done; exit\" \
                    TERM; echo up; while :; do sleep 0.02; done'";
        s.node_with("--node a --stop-timeout 50s", slow, false);
        s.node("--node b", true).node("--node c", true);
        let go = s.path("go");
        let switch = "tanist switchover demo --to b --yes --timeout 50s";
        s.during(switch, "meanwhile b is killed, then a ends", |nodes| {
            assert_eq!(nodes[0].line(), "stopping");
            nodes[1].kill();
            std::fs::write(go, "").unwrap();
        });
    }),
    ("switchover::candidate-absent", |s| {
        s.node("--node a", false);
        s.sh("tanist switchover demo --to b --yes");
    }),
    ("switchover::candidate-unable", |s| {
        s.node("--node a", false)
            .node("--node b --priority 0", true);
        s.sh("tanist switchover demo --to b --yes");
    }),
    ("switchover::candidate-unhealthy", |s| {
        s.node("--node a", false).node("--node b", true);
        s.node("--node c --health-standby 'disk=exec:false'", true);
        s.quietly("until tanist status demo -o json | grep -q warning; do :; done");
        s.sh("tanist switchover demo --to c --yes");
    }),
    ("switchover::no-candidate", |s| {
        s.node("--node a", false);
        s.sh("tanist switchover demo --yes");
    }),
    ("switchover::not-in-time", |s| {
        stubborn(s);
        s.node("--node b", true);
        s.sh("tanist switchover demo --yes --timeout 300ms");
    }),
    ("switchover::other-leader", |s| {
        s.node("--node a", false).node("--node b", true);
        s.sh("tanist switchover demo --from b --yes");
    }),
    ("switchover::unconfirmed", |s| {
        s.node("--node a", false).node("--node b", true);
        s.sh("tanist switchover demo");
    }),
    ("wait::not-in-time", |s| {
        s.node("--node a", false);
        s.sh("tanist wait demo --for none --timeout 300ms");
    }),
    ("unhealthy", |s| {
        let check = "'well=exec:sh -c \"test ! -e ill || exit 2\"'";
        let flags = format!("--node a --once --health-interval 50ms --health {check}");
        s.node(&flags, false);
        let ill = s.path("ill");
        s.ends("the file ill is made", |node| {
            node.event("health");
            std::fs::write(ill, "").unwrap();
        });
    }),
];

/// The leader's entry, as `tanist evict` takes it.
const ENTRY: &str = "tanist status -o json | grep -o 'demo/entry-[^\"]*'";

/// An election whose record is this text.
fn damaged(script: &mut Script, record: &str) {
    script.node("--node a", false).all_end();
    script.quietly(&format!("printf \"{record}\" > run/.tanist/demo/record"));
}

/// A leader whose child takes long to stop.
fn stubborn(script: &mut Script) {
    let work = "sh -c 'trap : TERM; echo up; while :; do sleep 0.05; done'";
    script.node_with("--node a --lease 60s --stop-timeout 40s", work, false);
}
