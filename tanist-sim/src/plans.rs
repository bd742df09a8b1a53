use crate::budget::Budget;
use crate::plan::{Opening, Plan};

/// All enumerations of `every`.
///
/// Each kind of fault goes the whole horizon at least once, most together with a late message;
/// pairs of faults go as far as is cheap. A variant names the plan that has to find it.
pub(crate) const PLANS: &[Plan] = &[
    led(
        "late-2",
        11,
        Budget {
            late: 2,
            ..Budget::NONE
        },
    ),
    Plan {
        tidy: false,
        ..led(
            "late-2-untidy",
            4,
            Budget {
                late: 2,
                ..Budget::NONE
            },
        )
    },
    Plan {
        late_views: true,
        ..led(
            "late-views-2",
            6,
            Budget {
                late: 2,
                ..Budget::NONE
            },
        )
    },
    Plan {
        tidy: false,
        ..led(
            "any-late",
            3,
            Budget {
                late: Budget::ALL_LATE,
                ..Budget::NONE
            },
        )
    },
    led(
        "entry",
        11,
        Budget {
            entries: 1,
            ..Budget::NONE
        },
    ),
    led(
        "entry-late",
        7,
        Budget {
            entries: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "record-late",
        11,
        Budget {
            records: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "record-entry",
        5,
        Budget {
            records: 1,
            entries: 1,
            ..Budget::NONE
        },
    ),
    led(
        "wipe",
        11,
        Budget {
            wipes: 1,
            ..Budget::NONE
        },
    ),
    led(
        "record-2",
        11,
        Budget {
            records: 2,
            ..Budget::NONE
        },
    ),
    led(
        "beat-mood",
        11,
        Budget {
            beats: 1,
            moods: 1,
            ..Budget::NONE
        },
    ),
    led(
        "beat-mood-late",
        2,
        Budget {
            beats: 1,
            moods: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "full",
        11,
        Budget {
            fulls: 1,
            ..Budget::NONE
        },
    ),
    led(
        "full-late",
        6,
        Budget {
            fulls: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "full-resign",
        3,
        Budget {
            fulls: 1,
            resigns: 1,
            ..Budget::NONE
        },
    ),
    led(
        "restore-late",
        11,
        Budget {
            restores: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "restore-resign",
        1,
        Budget {
            restores: 1,
            resigns: 1,
            ..Budget::NONE
        },
    ),
    led(
        "restore-cut",
        3,
        Budget {
            restores: 1,
            cuts: 1,
            ..Budget::NONE
        },
    ),
    led(
        "restore-exit",
        1,
        Budget {
            restores: 1,
            exits: 1,
            ..Budget::NONE
        },
    ),
    led(
        "rollback-late",
        8,
        Budget {
            rollbacks: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "double-late",
        11,
        Budget {
            doubles: 2,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "end-double",
        8,
        Budget {
            ends: 1,
            doubles: 1,
            ..Budget::NONE
        },
    ),
    led(
        "cut",
        11,
        Budget {
            cuts: 1,
            ..Budget::NONE
        },
    ),
    led(
        "cut-late",
        6,
        Budget {
            cuts: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "end",
        11,
        Budget {
            ends: 1,
            ..Budget::NONE
        },
    ),
    led(
        "exit-resign",
        4,
        Budget {
            exits: 1,
            resigns: 1,
            ..Budget::NONE
        },
    ),
    led(
        "exit-late",
        8,
        Budget {
            exits: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "resign-late",
        6,
        Budget {
            resigns: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "guard-late",
        8,
        Budget {
            guards: 1,
            late: 1,
            ..Budget::NONE
        },
    ),
    led(
        "freeze",
        11,
        Budget {
            freezes: 1,
            ..Budget::NONE
        },
    ),
    led(
        "kill",
        11,
        Budget {
            kills: 1,
            ..Budget::NONE
        },
    ),
    led(
        "kill-stray",
        6,
        Budget {
            kills: 1,
            strays: 1,
            doubles: 1,
            ..Budget::NONE
        },
    ),
    led(
        "kill-resign",
        0,
        Budget {
            kills: 1,
            resigns: 1,
            ..Budget::NONE
        },
    ),
    Plan {
        opening: Opening::Cold,
        ..led(
            "cold-late",
            11,
            Budget {
                late: 1,
                ..Budget::NONE
            },
        )
    },
    Plan {
        opening: Opening::Cold,
        clocks: true,
        ..led(
            "cold-clocks",
            7,
            Budget {
                entries: 1,
                ..Budget::NONE
            },
        )
    },
    Plan {
        leases: [3, 4],
        ..led(
            "short-long",
            11,
            Budget {
                late: 1,
                restores: 1,
                ..Budget::NONE
            },
        )
    },
    Plan {
        leases: [4, 3],
        ..led(
            "long-short",
            11,
            Budget {
                late: 1,
                restores: 1,
                ..Budget::NONE
            },
        )
    },
];

const fn led(name: &'static str, ticks: u32, budget: Budget) -> Plan {
    Plan {
        name,
        leases: [3, 3],
        opening: Opening::Led,
        ticks,
        budget,
        on_wire: 3,
        tidy: true,
        late_views: false,
        clocks: false,
    }
}
