use std::fs;

use tanist_core::{InstanceId, Reading, RecordState, Term, Vacancy};

use super::super::probe::naming_lock;
use super::*;

fn ledger(dir: &tempfile::TempDir) -> Ledger {
    let root = dir.path().join("store");
    private_dir::prepare(&root, "x").unwrap();
    let ledger = Ledger::new(&root, "jobs");
    super::super::ledger::found_store(&root).unwrap();
    ledger.found().unwrap();
    ledger
}

fn record(term: u64) -> Record {
    Record {
        format: Record::FORMAT,
        election: "jobs".to_owned(),
        term: Term::new(term),
        node: "a".to_owned(),
        instance: InstanceId::new(1),
        address: String::new(),
        entry: EntryId::default(),
        lease: std::time::Duration::from_secs(8),
        state: RecordState::Resigned,
        reason: "x".to_owned(),
        at: 0,
        unfenced: None,
        unknown: serde_json::Map::new(),
    }
}

fn write(pen: &Pen<'_>, over: Option<Stamp>, term: u64) -> Stamp {
    match pen.write_record(over, &record(term)).unwrap() {
        Outcome::Committed(receipt) => receipt.record.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn history_keeps_the_latest_and_survives_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir);
    let mut over = None;
    for term in 1..=260 {
        if term == 230 {
            let mut bytes = fs::read(ledger.history_path()).unwrap();
            bytes.extend_from_slice(b"\n{\"term\":229,\"no");
            fs::write(ledger.history_path(), bytes).unwrap();
        }
        over = Some(write(&ledger.pen().unwrap(), over, term));
    }
    let history = ledger.pen().unwrap().history().unwrap();
    let terms: Vec<u64> = history.iter().map(|told| told.term.number()).collect();
    // The torn line took a place, no more.
    assert!(terms.len() >= Transition::KEPT - 1, "{}", terms.len());
    assert_eq!(terms.last(), Some(&260));
    assert!(terms.is_sorted());
    let size = fs::metadata(ledger.history_path()).unwrap().len();
    assert!(size < 32_768, "{size} bytes");
}

#[test]
fn a_counter_that_was_lost_goes_on_after_the_greatest_number_that_counts() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir);
    let stamp = write(&ledger.pen().unwrap(), None, 1);
    let (entry, _file) = ledger
        .pen()
        .unwrap()
        .create_entry(InstanceId::new(7))
        .unwrap();
    assert!(entry.created > stamp.version);
    fs::write(ledger.side.join("mutex"), "").unwrap();
    let next = write(&ledger.pen().unwrap(), Some(stamp), 2);
    assert!(next.version > entry.created);
}

#[test]
fn an_empty_record_is_none_and_a_record_by_hand_counts() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir);
    fs::write(ledger.record_path(), "").unwrap();
    assert_eq!(ledger.record().unwrap(), (Reading::Absent, None));
    fs::write(ledger.record_path(), record(5).encode()).unwrap();
    let (reading, stamp) = ledger.record().unwrap();
    assert_eq!(reading, Reading::Known(record(5)));
    let next = write(&ledger.pen().unwrap(), stamp, 6);
    assert_ne!(Some(next), stamp);
    assert_eq!(
        ledger.record().unwrap(),
        (Reading::Known(record(6)), Some(next))
    );
}

#[test]
fn an_entry_whose_process_died_is_swept_away_with_its_member() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir);
    let instance = InstanceId::new(7);
    let pen = ledger.pen().unwrap();
    let (entry, file) = pen.create_entry(instance).unwrap();
    let view = pen.view(&Probe::Absent).unwrap();
    assert_eq!(view.line.len(), 1);
    assert_eq!(view.line[0].entry, entry);
    drop(file);
    assert!(pen.view(&Probe::Absent).unwrap().line.is_empty());
    assert!(!ledger.entry_path(instance).exists());
    let gone = pen.delete_entry(&entry).unwrap();
    assert_eq!(gone, Outcome::Refused(Refusal::EntryMissing));
}

#[test]
fn a_writer_that_does_not_go_on_is_an_error_for_the_others_not_a_halt() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir);
    let held = ledger.pen().unwrap();
    let error = ledger.pen().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.to_string().contains("does not go on"), "{error}");
    drop(held);
    drop(ledger.pen().unwrap());
}

#[test]
fn a_free_lock_tells_of_the_leader_only_if_it_is_the_leaders() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir);
    let lock = private_dir::open_or_create(&ledger.lock_path()).unwrap();
    let other = private_dir::open_or_create(&ledger.places.join("other")).unwrap();
    let vacancy = |record: &Record, probe: &Probe<'_>| {
        probe.vacancy(&Reading::Known(record.clone()), &[]).unwrap()
    };
    let resigned = record(1);
    assert_eq!(vacancy(&resigned, &Probe::Try(&lock)), Vacancy::Free);
    assert_eq!(vacancy(&resigned, &Probe::Absent), Vacancy::Free);
    let unnamed = Record {
        state: RecordState::Leading,
        ..record(1)
    };
    assert_eq!(vacancy(&unnamed, &Probe::Try(&lock)), Vacancy::ByLease);
    let leading = naming_lock(&unnamed, &lock).unwrap();
    assert_eq!(vacancy(&leading, &Probe::Try(&lock)), Vacancy::Free);
    assert_eq!(vacancy(&leading, &Probe::Try(&other)), Vacancy::ByLease);
    assert_eq!(vacancy(&leading, &Probe::Absent), Vacancy::ByLease);
    // The one that waits under another lock did not make the leader's end any more certain.
    let waiting = Record {
        state: RecordState::Waiting,
        ..leading
    };
    let waiting = naming_lock(&waiting, &other).unwrap();
    assert_eq!(vacancy(&waiting, &Probe::Try(&other)), Vacancy::ByLease);
    let begun = Record {
        state: RecordState::Leading,
        ..waiting
    };
    let begun = naming_lock(&begun, &other).unwrap();
    assert_eq!(vacancy(&begun, &Probe::Try(&other)), Vacancy::Free);
    // Nobody knows under which lock the leader works whom nobody can read.
    let why = String::new();
    let garbage = Probe::Try(&lock).vacancy(&Reading::Garbage { why }, &[]);
    assert_eq!(garbage.unwrap(), Vacancy::ByLease);
    let foreign = File::open(ledger.lock_path()).unwrap();
    foreign.try_lock().unwrap();
    for record in [&resigned, &unnamed, &begun] {
        assert_eq!(vacancy(record, &Probe::Try(&lock)), Vacancy::Held);
    }
}

#[test]
fn who_stands_anew_does_not_lead_from_the_place_it_lost() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir);
    let lock = private_dir::open_or_create(&ledger.lock_path()).unwrap();
    let leading = Record {
        state: RecordState::Leading,
        ..record(1)
    };
    let leading = naming_lock(&leading, &lock).unwrap();
    let at = |entry: EntryId| {
        let line = [Candidate {
            entry,
            owner: Owner::Instance(leading.instance),
        }];
        let probe = Probe::Try(&lock);
        probe
            .vacancy(&Reading::Known(leading.clone()), &line)
            .unwrap()
    };
    assert_eq!(at(leading.entry.clone()), Vacancy::Held);
    let anew = EntryId {
        created: 9,
        ..leading.entry.clone()
    };
    assert_eq!(at(anew), Vacancy::Free);
}
