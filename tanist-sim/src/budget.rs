use std::fmt;

/// How many faults of each kind a schedule may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Requests, answers and views that do not arrive within their tick. Each may be late by any
    /// number of ticks, up to the horizon, which is to be lost. [`Budget::ALL_LATE`]: any number.
    pub(crate) late: u8,
    /// Entries that vanish.
    pub(crate) entries: u8,
    /// Records that vanish.
    pub(crate) records: u8,
    /// Beats that vanish.
    pub(crate) beats: u8,
    /// Record, beat and all entries that vanish at once.
    pub(crate) wipes: u8,
    /// Backups taken and restored.
    pub(crate) restores: u8,
    /// Records put back by hand from the backup.
    pub(crate) rollbacks: u8,
    /// Commits that reach the store twice.
    pub(crate) doubles: u8,
    /// Lost connections.
    pub(crate) cuts: u8,
    /// Sessions that learn that they are over.
    pub(crate) ends: u8,
    /// Supervisors killed.
    pub(crate) kills: u8,
    /// Guards killed.
    pub(crate) guards: u8,
    /// Children that end by themselves.
    pub(crate) exits: u8,
    /// Requests to resign.
    pub(crate) resigns: u8,
    /// Health checks that fail while a claim is on its way or waits; they pass again at any time.
    pub(crate) moods: u8,
    /// Supervisors stopped.
    pub(crate) freezes: u8,
    /// Times the store becomes full.
    pub(crate) fulls: u8,
    /// Answers to a release helper that are lost.
    pub(crate) strays: u8,
}

impl Budget {
    /// Any message may be late.
    pub(crate) const ALL_LATE: u8 = u8::MAX;

    /// No fault at all.
    pub(crate) const NONE: Self = Self {
        late: 0,
        entries: 0,
        records: 0,
        beats: 0,
        wipes: 0,
        restores: 0,
        rollbacks: 0,
        doubles: 0,
        cuts: 0,
        ends: 0,
        kills: 0,
        guards: 0,
        exits: 0,
        resigns: 0,
        moods: 0,
        freezes: 0,
        fulls: 0,
        strays: 0,
    };

    /// Each kind with its word.
    pub(crate) fn kinds(&mut self) -> [(&'static str, &mut u8); 18] {
        [
            ("late", &mut self.late),
            ("entry", &mut self.entries),
            ("record", &mut self.records),
            ("beat", &mut self.beats),
            ("wipe", &mut self.wipes),
            ("restore", &mut self.restores),
            ("rollback", &mut self.rollbacks),
            ("double", &mut self.doubles),
            ("cut", &mut self.cuts),
            ("end", &mut self.ends),
            ("kill", &mut self.kills),
            ("guard", &mut self.guards),
            ("exit", &mut self.exits),
            ("resign", &mut self.resigns),
            ("mood", &mut self.moods),
            ("freeze", &mut self.freezes),
            ("full", &mut self.fulls),
            ("stray", &mut self.strays),
        ]
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut copy = *self;
        let words: Vec<String> = copy
            .kinds()
            .into_iter()
            .filter(|(_, left)| **left > 0)
            .map(|(word, left)| match *left {
                1 => word.to_owned(),
                Self::ALL_LATE => format!("any {word}"),
                left => format!("{left} {word}"),
            })
            .collect();
        f.write_str(&if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(", ")
        })
    }
}
