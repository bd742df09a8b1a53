use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::Signal;

use super::mask::mask;
use crate::stage::{Node, Stage};

/// An ordinary user of every Linux.
const NOBODY: u32 = 65534;

/// What is typed on a machine of its own, and what is printed.
pub(crate) struct Script {
    stage: Stage,
    text: String,
    nodes: Vec<Node>,
    others: Vec<Child>,
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::new(),
            text: String::new(),
            nodes: Vec::new(),
            others: Vec::new(),
        }
    }

    /// All of it, masked.
    pub(super) fn text(&self) -> String {
        let dir = self.stage.path("");
        let program = Path::new(env!("CARGO_BIN_EXE_tanist"));
        let text = self
            .text
            .replace(program.parent().unwrap().to_str().unwrap(), "BIN");
        mask(&text, dir.to_str().unwrap().trim_end_matches('/'))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.stage.path(name)
    }

    fn shell(&self, line: &str) -> Command {
        let tanist = self.stage.tanist();
        let program = Path::new(tanist.get_program()).to_owned();
        let mut shell = self.shell_of(&tanist, &program, line);
        shell.current_dir(self.stage.path(""));
        shell
    }

    fn shell_of(&self, tanist: &Command, program: &Path, line: &str) -> Command {
        let mut shell = Command::new("sh");
        for (name, value) in tanist.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", program.parent().unwrap().display());
        shell
            .args(["-c", line])
            .env("PATH", path)
            .env("HOME", self.stage.path("home"))
            .env("TANIST_LOG_FORMAT", "human")
            .env("COLUMNS", "100")
            .env("LC_ALL", "C")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null());
        shell
    }

    /// What a command prints on standard output, without a trace here.
    pub(super) fn output(&mut self, line: &str) -> String {
        let output = self.shell(line).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// A preparation that prints nothing.
    pub(super) fn quietly(&mut self, line: &str) -> &mut Self {
        let status = self.shell(line).status().unwrap();
        assert!(status.success(), "{line}");
        self.text.push_str(&format!("$ {line}\n"));
        self
    }

    /// A command with all that it prints, and its exit code.
    pub(super) fn sh(&mut self, line: &str) -> &mut Self {
        let shell = self.shell(line);
        self.show(line, shell)
    }

    /// The same as an ordinary user, in a directory of its own.
    pub(super) fn ordinary(&mut self, line: &str) -> &mut Self {
        let (tanist, home) = self.stage.tanist_of_an_ordinary_user();
        let program = Path::new(tanist.get_program()).to_owned();
        let mut shell = self.shell_of(&tanist, &program, line);
        shell.current_dir(&home);
        if rustix::process::geteuid().is_root() {
            shell.uid(NOBODY).gid(NOBODY);
        }
        self.text.push_str("# as an ordinary user\n");
        self.show(line, shell)
    }

    fn show(&mut self, line: &str, mut shell: Command) -> &mut Self {
        let output = shell.output().unwrap();
        self.tell(line, output)
    }

    fn tell(&mut self, line: &str, output: Output) -> &mut Self {
        let printed = [output.stdout, output.stderr].concat();
        let mut printed = String::from_utf8_lossy(&printed).into_owned();
        if !printed.is_empty() && !printed.ends_with('\n') {
            printed.push('\n');
        }
        let code = output.status.code().unwrap();
        self.text
            .push_str(&format!("$ {line}\n{printed}exit status {code}\n"));
        self
    }

    /// Starts a node that leads or, if another does, stands by; returns when it does.
    pub(super) fn node(&mut self, flags: &str, standing: bool) -> &mut Self {
        let work = "sh -c 'echo up; exec sleep 1000'";
        self.node_with(flags, work, standing)
    }

    /// The same with another command, which says `up`.
    pub(super) fn node_with(&mut self, flags: &str, work: &str, standing: bool) -> &mut Self {
        let line = format!("tanist run -e demo {flags} -- {work}");
        let mut shell = self.shell(&format!("exec {line}"));
        shell.env("TANIST_LOG_FORMAT", "json");
        let mut node = Node::start(shell);
        if standing {
            node.event("standby");
        } else {
            assert_eq!(node.line(), "up");
            node.event("started");
        }
        self.text.push_str(&format!("$ {line} &\n"));
        self.nodes.push(node);
        self
    }

    /// The latest node is told something; what it ends with is shown.
    pub(super) fn ends(&mut self, how: &str, act: impl FnOnce(&mut Node)) -> &mut Self {
        let mut node = self.nodes.pop().unwrap();
        act(&mut node);
        self.text.push_str(&format!("# {how}\n"));
        let (code, message) = node.last_words();
        self.text
            .push_str(&format!("TIME  exit      {message}\nexit status {code}\n"));
        self
    }

    /// A command that goes on while something happens.
    pub(super) fn during(
        &mut self,
        line: &str,
        how: &str,
        act: impl FnOnce(&mut [Node]),
    ) -> &mut Self {
        let mut shell = self.shell(line);
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = shell.spawn().unwrap();
        act(&mut self.nodes);
        self.text.push_str(&format!("# {how}\n"));
        self.tell(line, child.wait_with_output().unwrap())
    }

    /// The latest node is killed, without a word here.
    pub(super) fn forget_latest(&mut self) -> &mut Self {
        self.nodes.pop();
        self
    }

    /// All nodes end, the latest first.
    pub(super) fn all_end(&mut self) -> &mut Self {
        while let Some(node) = self.nodes.pop() {
            node.signal(Signal::TERM);
            node.ended();
        }
        self.text.push_str("# they are stopped\n");
        self
    }

    /// A process that holds a kernel lock on a file.
    pub(super) fn holds(&mut self, file: &str) -> &mut Self {
        let open = std::fs::File::open(self.stage.path(file)).unwrap();
        open.lock().unwrap();
        let holder = Command::new("sleep").arg("1000").stdin(open).spawn();
        self.others.push(holder.unwrap());
        self.text
            .push_str(&format!("# sleep 1000 has a lock on {file}\n"));
        self
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        for other in &mut self.others {
            // It may have ended; then there is nothing to do.
            let _ = other.kill();
            let _ = other.wait();
        }
    }
}
