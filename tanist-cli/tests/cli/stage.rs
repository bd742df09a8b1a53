use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes on the slowest machine; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// An ordinary user of every Linux.
const NOBODY: u32 = 65534;

/// A machine of its own: run directory, state directory, nothing inherited from other tanists.
pub(crate) struct Stage {
    dir: TempDir,
}

/// One `tanist run`.
pub(crate) struct Node {
    child: Child,
    log: Receiver<Value>,
    lines: Receiver<String>,
    readers: Vec<JoinHandle<()>>,
    /// All of the log so far, for whoever looks at a failure.
    heard: Vec<String>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::with_prefix("tanist-").unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.path("run")
    }

    /// `tanist` with these directories and no settings from outside.
    pub(crate) fn tanist(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tanist"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TANIST_") {
                command.env_remove(name);
            }
        }
        command
            .env("TANIST_RUN_DIR", self.run_dir())
            .env("TANIST_STATE_DIR", self.path("state"))
            .stdin(Stdio::null());
        command
    }

    /// The same as an ordinary user, with a directory to call its own.
    pub(crate) fn tanist_of_an_ordinary_user(&self) -> (Command, PathBuf) {
        let home = self.path("home");
        std::fs::create_dir_all(&home).unwrap();
        let mut inner = self.tanist();
        if !rustix::process::geteuid().is_root() {
            return (inner, home);
        }
        // The build's directory may be closed to others.
        let program = self.path("tanist");
        if !program.exists() {
            // By another process: a descriptor of ours, open for writing, could be inherited by what
            // a parallel test starts, and then nobody can execute the file.
            let copied = Command::new("cp")
                .arg(env!("CARGO_BIN_EXE_tanist"))
                .arg(&program)
                .status();
            assert!(copied.unwrap().success());
        }
        std::fs::set_permissions(self.dir.path(), Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
        let variables: Vec<_> = inner
            .get_envs()
            .map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned)))
            .collect();
        inner = Command::new(program);
        for (name, value) in variables {
            match value {
                Some(value) => inner.env(name, value),
                None => inner.env_remove(name),
            };
        }
        inner
            .uid(NOBODY)
            .gid(NOBODY)
            .current_dir("/")
            .stdin(Stdio::null());
        (inner, home)
    }

    /// The answer of a command that ends by itself.
    pub(crate) fn ask<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.tanist().args(args).output().unwrap()
    }

    /// `tanist run -e demo FLAGS -- sh -c SCRIPT`.
    pub(crate) fn run(&self, flags: &[&str], script: &str) -> Node {
        let mut command = self.tanist();
        command.args(["run", "-e", "demo"]).args(flags);
        command.args(["--", "sh", "-c", script]);
        Node::start(command)
    }
}

impl Node {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell_log, log) = channel();
        let (tell_line, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let readers = vec![
            std::thread::spawn(move || {
                for line in stderr.lines().map_while(Result::ok) {
                    let value = serde_json::from_str(&line)
                        .unwrap_or_else(|_| serde_json::json!({ "event": "raw", "line": line }));
                    let _ = tell_log.send(value);
                }
            }),
            std::thread::spawn(move || {
                for line in stdout.lines().map_while(Result::ok) {
                    let _ = tell_line.send(line);
                }
            }),
        ];
        Self {
            child,
            log,
            lines,
            readers,
            heard: Vec::new(),
        }
    }

    /// Waits for a line of the log with this event.
    pub(crate) fn event(&mut self, event: &str) -> Value {
        loop {
            let Ok(line) = self.log.recv_timeout(PATIENCE) else {
                panic!("no event {event:?}; heard:\n{}", self.heard.join("\n"));
            };
            self.heard.push(line.to_string());
            if line["event"] == event {
                return line;
            }
        }
    }

    /// A line of the log that was heard before.
    pub(crate) fn heard(&self, event: &str) -> Value {
        let lines = self.heard.iter();
        let values = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        values.rev().find(|value| value["event"] == event).unwrap()
    }

    /// Waits for the next line of the log.
    pub(crate) fn any(&mut self) -> Value {
        let line = self.log.recv_timeout(PATIENCE).unwrap();
        self.heard.push(line.to_string());
        line
    }

    /// Waits for a line of the child.
    pub(crate) fn line(&mut self) -> String {
        let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
            self.heard
                .extend(self.log.try_iter().map(|line| line.to_string()));
            panic!("the child says nothing; heard:\n{}", self.heard.join("\n"));
        };
        line
    }

    /// Lines of the child that came already.
    pub(crate) fn no_line(&self) -> bool {
        self.lines.try_recv().is_err()
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ended: code, source and reason of the last line agree with the real code.
    pub(crate) fn ended(mut self) -> (i32, String) {
        let last = self.event("exit");
        let status = self.child.wait().unwrap();
        let code = status.code().unwrap_or_else(|| panic!("{status}"));
        assert_eq!(last["exit"], code, "{last}");
        let word = |name: &str| last[name].as_str().unwrap().to_owned();
        (code, format!("{}:{}", word("source"), word("reason")))
    }

    /// Waits until it ended: its exit code, and the last line of its log.
    pub(crate) fn last_words(mut self) -> (i32, String) {
        let last = self.event("exit");
        let status = self.child.wait().unwrap();
        let code = status.code().unwrap_or_else(|| panic!("{status}"));
        assert_eq!(last["exit"], code, "{last}");
        (code, last["message"].as_str().unwrap().to_owned())
    }

    /// Waits until it ended, and answers with its code and all that the child said and was not asked
    /// for.
    pub(crate) fn all_said(mut self) -> (Option<i32>, Vec<String>) {
        let code = self.child.wait().unwrap().code();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (code, self.lines.try_iter().collect())
    }

    /// Kills tanist itself and waits for its end; its guard takes the rest down.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // They end when the last process that holds the streams has ended.
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

/// Waits until it is so. For what the kernel shows and tells nobody of.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::yield_now();
    }
}

/// The children of a process.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")));
    let lists: Vec<String> = lists.map_while(Result::ok).collect();
    let words = lists.iter().flat_map(|list| list.split_whitespace());
    words.map(|word| word.parse().unwrap()).collect()
}

/// The letter by which the kernel calls what a process is doing; `None` if there is no such process.
pub(crate) fn state_of(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// Kills a process that is known by its number.
pub(crate) fn kill(pid: u64) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

/// Standard output as text.
pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard error as text.
pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// How a question ends: the exit code, and what it said on standard error.
pub(crate) fn ends(stage: &Stage, args: &[&str]) -> (i32, String) {
    let output = stage.ask(args);
    (output.status.code().unwrap(), err(&output))
}

/// The answer to a question in JSON.
pub(crate) fn json(stage: &Stage, args: &[&str]) -> Value {
    let output = stage.ask(args);
    let text = out(&output);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:?}, {}", err(&output)))
}

/// One question to a control socket.
pub(crate) fn control(path: &Path, request: &str) -> Value {
    use std::io::Write;
    let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(b"\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// Runs `command` with a terminal of its own as standard input. When standard error ends in `prompt`,
/// `answer` gets all of it, and what it says is typed. The rest of standard error is in the output.
pub(crate) fn at_a_terminal(
    mut command: Command,
    prompt: &str,
    answer: impl FnOnce(&str) -> String,
) -> Output {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::io::Write;
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    command.stdin(theirs).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    // The question has no end of line.
    let mut said = String::new();
    let mut from = child.stderr.take().unwrap();
    while !said.ends_with(prompt) {
        let mut byte = [0];
        assert_eq!(from.read(&mut byte).unwrap(), 1, "{said}");
        said.push(char::from(byte[0]));
    }
    let answer = answer(&said);
    let mut terminal = std::fs::File::from(ours);
    terminal
        .write_all(format!("{answer}\n").as_bytes())
        .unwrap();
    child.stderr = Some(from);
    child.wait_with_output().unwrap()
}
