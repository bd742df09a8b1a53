//! What of an election cannot be read, and what takes its place.

use std::io;
use std::path::PathBuf;

use serde_json::Value;
use tanist_core::{Directive, InstanceId, Member, Outcome, Reading, Receipt, Refusal};

use super::ledger::{Ledger, stamp_of};
use super::pen::Pen;
use crate::backend::Transition;
use crate::damage::{Damage, Fault, Mend, Part};
use crate::private_dir::{self, Durability};

impl Ledger {
    /// Creates nothing: where a directory is missing, there is nothing that could be damaged.
    pub(super) fn damage(&self) -> io::Result<Vec<Damage>> {
        let pen = match self.pen() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            pen => pen?,
        };
        let mut all = Vec::new();
        for part in Part::ALL {
            all.extend(pen.damage_of(part)?);
        }
        Ok(all)
    }

    fn part_path(&self, part: Part) -> PathBuf {
        match part {
            Part::Record => self.record_path(),
            Part::Directive => self.directive_path(),
            Part::History => self.history_path(),
        }
    }

    /// Where the bytes of a damaged part are kept: the same bytes in the same place, so that a
    /// repair that is tried again leaves one copy.
    fn copy_path(&self, part: Part, bytes: &[u8]) -> PathBuf {
        let digest = stamp_of(bytes).version;
        self.side.join(format!("{part}.damaged-{digest:016x}"))
    }
}

impl Pen<'_> {
    fn damage_of(&self, part: Part) -> io::Result<Option<Damage>> {
        let path = self.ledger.part_path(part);
        let Some(bytes) = private_dir::read(&path)? else {
            return Ok(None);
        };
        let fault = match part {
            Part::Record => match self.ledger.record()?.0 {
                Reading::Absent | Reading::Known(_) => None,
                Reading::Garbage { why } => Some(Fault::Garbage { why }),
                Reading::Newer { format } => {
                    let version = self.writer_of(&bytes)?;
                    Some(Fault::Newer { format, version })
                }
            },
            Part::Directive => Self::directive_fault(&bytes).map(|why| Fault::Garbage { why }),
            Part::History => {
                let lines = self.history_lines()?;
                let bad = lines.iter().filter(|line| !is_transition(line)).count();
                (bad > 0).then(|| Fault::Garbage {
                    why: format!("{bad} of its {} lines cannot be read", lines.len()),
                })
            }
        };
        Ok(fault.map(|fault| Damage {
            part,
            path: path.display().to_string(),
            copy: self.ledger.copy_path(part, &bytes).display().to_string(),
            bytes,
            fault,
        }))
    }

    /// The version that wrote a record of a format that we do not know: what it says itself, or
    /// what the node says that it names.
    fn writer_of(&self, record: &[u8]) -> io::Result<Option<String>> {
        let Ok(record) = serde_json::from_slice::<Value>(record) else {
            return Ok(None);
        };
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        if let Some(version) = text("version") {
            return Ok(Some(version.to_owned()));
        }
        let Some(instance) = text("instance").and_then(InstanceId::parse) else {
            return Ok(None);
        };
        let member = private_dir::read(&self.member_path(instance))?;
        let member = member.and_then(|bytes| serde_json::from_slice::<Member>(&bytes).ok());
        Ok(member.map(|member| member.version))
    }

    /// Guard: the bytes as they were read. They are kept before anything takes their place.
    pub(super) fn repair(&self, over: &[u8], mend: &Mend) -> io::Result<Outcome> {
        let part = mend.part();
        let path = self.ledger.part_path(part);
        if private_dir::read(&path)?.as_deref() != Some(over) {
            return Ok(Outcome::Refused(Refusal::RecordChanged));
        }
        let copy = self.ledger.copy_path(part, over);
        private_dir::replace(&copy, over, Durability::PowerCut)?;
        match mend {
            Mend::Record(record) => {
                let (_, stamp) = self.ledger.record()?;
                self.write_record(stamp, record)
            }
            Mend::Directive => {
                let (_, stamp) = self.directive()?;
                let (_, record) = self.ledger.record()?;
                self.direct(stamp, record, &Directive::default())
            }
            Mend::History => {
                let lines = self.history_lines()?.into_iter();
                let good: Vec<_> = lines.filter(|line| is_transition(line)).collect();
                private_dir::replace(&path, &good.join(&b'\n'), Durability::PowerCut)?;
                Ok(Outcome::Committed(Receipt::default()))
            }
        }
    }
}

fn is_transition(line: &[u8]) -> bool {
    serde_json::from_slice::<Transition>(line).is_ok()
}
