use std::path::{Path, PathBuf};
use std::time::Duration;

use tanist::{InstanceId, Moment};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::role_file::{Form, RoleFile};
use super::role_files::RoleFiles;
use super::run_files::RunFiles;
use crate::control::{ControlSocket, Instruction, Report, Role};
use crate::log::{Log, LogLine};
use crate::notify::ServiceManager;
use crate::settings::RunSettings;

/// What the outside sees of this process, and what it may ask: control socket, role file, and the
/// service manager.
///
/// None is needed for the work, so what goes wrong with them is told and no more.
#[derive(Debug)]
pub(super) struct Desk {
    report: watch::Sender<Report>,
    manager: ServiceManager,
    instructions: mpsc::Receiver<Instruction>,
    role_file: Option<PathBuf>,
    written: Option<RoleFiles>,
    control: Option<PathBuf>,
    task: Option<JoinHandle<()>>,
}

impl Desk {
    /// Opens both.
    pub(super) fn open(
        settings: &RunSettings,
        files: &RunFiles,
        instance: InstanceId,
        manager: ServiceManager,
        log: &Log,
    ) -> Self {
        let report = watch::Sender::new(Report {
            election: settings.election.value.clone(),
            node: files.node.clone(),
            instance: instance.to_string(),
            role: Role::Standby,
            waits_ready: false,
            term: None,
            safe_until: None,
            pid: None,
        });
        let (instruct, instructions) = mpsc::channel(4);
        let missed = |what: &str, path: &Path, error: std::io::Error| {
            let text = format!("no {what} at {}: {error}", path.display());
            log.say(LogLine::warn("desk", text));
        };
        let file = |what: &str, path: &Path, form| {
            RoleFile::create(path, form, Role::Standby)
                .map_err(|error| missed(what, path, error))
                .ok()
        };
        let role_path = settings.role_file.as_ref().unwrap_or(&files.role);
        let role_file = file("role file", role_path, Form::Word);
        let track_path = settings.track_file.as_ref();
        let track_file = track_path.and_then(|path| file("track file", path, Form::Track));
        let role_path = role_file.as_ref().map(|file| file.path().to_owned());
        let written = write_files(role_file.into_iter().chain(track_file).collect(), log);
        let socket = ControlSocket::bind(&files.socket)
            .map_err(|error| missed("control socket", &files.socket, error))
            .ok();
        let control = socket.is_some().then(|| files.socket.clone());
        let task = socket.map(|socket| tokio::spawn(socket.serve(report.subscribe(), instruct)));
        Self {
            report,
            manager,
            instructions,
            role_file: role_path.filter(|_| written.is_some()),
            written,
            control,
            task,
        }
    }

    /// Where the control socket is, if there is one.
    pub(super) const fn control(&self) -> Option<&PathBuf> {
        self.control.as_ref()
    }

    /// Where the role file is, if there is one.
    pub(super) fn role_file(&self) -> Option<&Path> {
        self.role_file.as_deref()
    }

    /// The next instruction; meanwhile the service manager gets its signs of life. Cancel safe.
    pub(super) async fn next(&mut self) -> Instruction {
        loop {
            tokio::select! {
                biased;
                () = self.manager.due() => self.manager.sign(),
                instruction = self.instructions.recv() => match instruction {
                    Some(instruction) => return instruction,
                    None => std::future::pending().await,
                },
            }
        }
    }

    /// We stand in the line.
    pub(super) fn stands(&mut self) {
        self.manager.ready();
        self.tell_manager();
    }

    /// We leave the election for good, and end within this span.
    pub(super) fn leaves(&self, within: Duration) {
        self.manager.stopping(within);
    }

    /// What the child says of itself.
    pub(super) fn relay(&mut self, word: &str) {
        self.manager.relay(word);
    }

    fn tell_manager(&mut self) {
        let report = self.report.borrow();
        let (role, election) = (report.role.word(), &report.election);
        let role = match report.term.filter(|_| report.role == Role::Leader) {
            Some(term) => format!("{role} in {election}, term {term}"),
            None => format!("{role} in {election}"),
        };
        drop(report);
        self.manager.role(role);
    }

    /// The work runs.
    pub(super) fn leads(&mut self, term: u64, safe_until: Moment, pid: u32) {
        self.report.send_modify(|report| {
            report.term = Some(term);
            report.safe_until = Some(safe_until);
            report.pid = Some(pid);
        });
        self.role(Role::Leader);
    }

    /// We are the leader to others only when our child has said that it serves.
    pub(super) fn waits_ready(&self, waits: bool) {
        self.report.send_modify(|report| report.waits_ready = waits);
    }

    /// The deadline moved.
    pub(super) fn until(&self, safe_until: Moment) {
        self.report
            .send_modify(|report| report.safe_until = Some(safe_until));
    }

    /// We are something else now. The files say so a moment later.
    pub(super) fn role(&mut self, role: Role) {
        self.report.send_modify(|report| {
            report.role = role;
            if role != Role::Leader {
                report.pid = None;
                report.safe_until = None;
            }
        });
        self.tell_manager();
        if let Some(files) = &self.written {
            files.say(role);
        }
    }
}

fn write_files(files: Vec<RoleFile>, log: &Log) -> Option<RoleFiles> {
    let told = log.clone();
    let missed = move |file: &RoleFile, error| {
        let path = file.path().display();
        let text = format!("the file {path} is out of date: {error}");
        told.say(LogLine::warn("desk", text));
    };
    RoleFiles::keep(files, missed)
        .map_err(|error| {
            let text = format!("no role file: {error}");
            log.say(LogLine::warn("desk", text));
        })
        .ok()
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
