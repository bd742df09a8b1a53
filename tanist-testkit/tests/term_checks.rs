//! The programs of `docs/checking-the-term.md`, as they stand there, against real resources.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tanist_testkit::{FreePort, Need};

type Checked = Result<(), Box<dyn Error>>;

const PAGE: &str = include_str!("../../docs/checking-the-term.md");

/// The block of the page that begins with this mark.
fn block(mark: &str) -> String {
    let mark = format!("```{mark}\n");
    let (_, rest) = PAGE.split_once(&mark).expect(&mark);
    let (block, _) = rest.split_once("\n```\n").expect("an end of the block");
    block.to_owned()
}

#[test]
fn a_database_refuses_an_old_term() -> Checked {
    if !Need::Python.go_on() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("database");
    let script = "import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
if sys.argv[3]:
    changed = database.execute(sys.argv[2], {'term': int(sys.argv[3])}).rowcount
    print(changed)
else:
    database.executescript(sys.argv[2])
database.commit()";
    let run = |sql: &str, term: &str| -> Result<String, Box<dyn Error>> {
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(&database).args([sql, term]);
        let output = succeeded(python.output()?)?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    run(&block("sql setup"), "")?;
    let check = block("sql check");
    for (term, changed) in [("7", "1"), ("7", "1"), ("9", "1"), ("8", "0"), ("9", "1")] {
        assert_eq!(run(&check, term)?, changed, "term {term}");
    }
    Ok(())
}

#[test]
fn redis_refuses_an_old_term() -> Checked {
    if !Need::Redis.go_on() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let redis = Redis::start(folder.path())?;
    let script = folder.path().join("write.lua");
    fs::write(&script, block("lua"))?;
    for (term, answer) in [("7", "OK"), ("9", "OK"), ("8", "FENCED"), ("9", "OK")] {
        let mut write = redis.cli();
        write.arg("--eval").arg(&script);
        write.args(["mail:term", "mail:state", ",", term, term]);
        let said = String::from_utf8(succeeded(write.output()?)?.stdout)?;
        assert!(said.contains(answer), "term {term}: {said}");
    }
    let state = succeeded(redis.cli().args(["get", "mail:state"]).output()?)?;
    assert_eq!(String::from_utf8(state.stdout)?.trim(), "9");
    Ok(())
}

#[test]
fn a_file_refuses_an_old_term() -> Checked {
    let folder = tempfile::tempdir()?;
    let (script, file) = (folder.path().join("append"), folder.path().join("file"));
    fs::write(&script, block("sh"))?;
    for (term, accepted) in [("7", true), ("9", true), ("8", false), ("9", true)] {
        let mut append = Command::new("sh");
        append
            .arg(&script)
            .arg(&file)
            .arg(term)
            .env("TANIST_TERM", term);
        let output = append.output()?;
        assert_eq!(output.status.success(), accepted, "{output:?}");
    }
    assert_eq!(fs::read_to_string(&file)?, "7\n9\n9\n");
    Ok(())
}

fn succeeded(output: Output) -> Result<Output, Box<dyn Error>> {
    if output.status.success() {
        Ok(output)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}

struct Redis {
    port: FreePort,
    server: Child,
}

impl Redis {
    fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let port = FreePort::find()?;
        let mut server = Command::new("redis-server");
        server
            .args(["--bind", "127.0.0.1", "--save", "", "--port"])
            .arg(port.number().to_string())
            .current_dir(folder);
        let mut server = server.stdout(Stdio::piped()).spawn()?;
        let said = server.stdout.take().ok_or("no output")?;
        let mut redis = Self { port, server };
        let ready = |line: &std::io::Result<String>| {
            line.as_ref()
                .is_ok_and(|line| line.contains("Ready to accept connections"))
        };
        if !BufReader::new(said).lines().any(|line| ready(&line)) {
            return Err(format!("redis-server: {}", redis.server.wait()?).into());
        }
        Ok(redis)
    }

    fn cli(&self) -> Command {
        let mut cli = Command::new("redis-cli");
        cli.arg("-p").arg(self.port.number().to_string());
        cli
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // One that is gone already is as good.
        let _gone = self.server.kill();
        let _reaped = self.server.wait();
    }
}
