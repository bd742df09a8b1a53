//! A command for every exit code.

use rustix::process::Signal;

use super::Scene;

pub(super) const UNSHOWN: &[(&str, &str)] =
    &[("70", "it would be a fault of tanist, and none is known")];

pub(super) const SCENES: &[Scene] = &[
    ("0", |s| {
        s.sh("tanist run -qq -e demo -- true");
        s.node("--node a", false);
        s.sh("tanist status demo");
        s.sh("tanist leader demo --is-me");
        s.ends("it is told TERM", |node| node.signal(Signal::TERM));
    }),
    ("the child's", |s| {
        s.sh("tanist run -qq -e demo --once -- sh -c 'exit 7'");
        s.sh("tanist run -qq -e demo --on-failure exit -- sh -c 'exit 8'");
    }),
    ("128+N", |s| {
        s.sh("tanist run -qq -e demo --once -- sh -c 'kill -9 $$'");
    }),
    ("1", |s| {
        s.node("--node a", false);
        s.sh("tanist leader demo --is-me --node b");
        s.sh("tanist leader demo --address");
        s.sh("tanist doctor --run-dir /proc > /dev/null");
    }),
    ("2", |s| {
        s.node("--node a", false);
        s.sh(
            "tanist pause demo > /dev/null; tanist doctor demo -o tsv | grep paused; \
              tanist doctor demo > /dev/null",
        );
    }),
    ("3", |s| {
        s.node("--node a", false).all_end();
        s.sh("tanist status demo");
        s.sh("tanist leader demo --is-me");
    }),
    ("4", |s| {
        s.sh("tanist status demo");
        s.sh("tanist leader demo");
    }),
    ("64", |s| {
        s.sh("tanist run -qq -e demo --lease 8 -- true");
        s.sh("tanist switchover 'My Job'");
    }),
    ("69", |s| {
        s.node("--node a", false)
            .all_end()
            .holds("run/.tanist/demo/mutex");
        s.sh("tanist status demo --timeout 300ms");
    }),
    ("71", |s| {
        s.sh("tanist explain > /dev/full");
    }),
    ("73", |s| {
        s.quietly("mkdir -m 755 open");
        s.sh("tanist run -qq -e demo --state-dir open -- true");
    }),
    ("75", |s| {
        s.node("--node a", false);
        s.sh("tanist run -qq -e demo --no-wait -- true");
        s.sh("tanist wait demo --for none --timeout 300ms");
    }),
    ("76", |s| {
        s.node("--node a", false).all_end();
        s.quietly("echo nonsense > run/.tanist/demo/record");
        s.sh("tanist status demo");
    }),
    ("77", |s| {
        s.ordinary("tanist run -qq -e demo --user root -- true");
    }),
    ("78", |s| {
        s.quietly("echo 'leese = \"8s\"' > demo.toml");
        s.sh("tanist config check demo.toml");
    }),
    ("126", |s| {
        s.quietly("touch work");
        s.sh("tanist run -qq -e demo -- ./work");
    }),
    ("127", |s| {
        s.sh("tanist run -qq -e demo -- ./work");
    }),
];
