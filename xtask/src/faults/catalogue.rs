/// Something that can go wrong.
pub(crate) struct Fault {
    /// Its number.
    pub(crate) id: u8,
    /// What happens.
    pub(crate) what: &'static str,
    /// What other tools do then.
    pub(crate) others: &'static str,
    /// What tanist does.
    pub(crate) tanist: &'static str,
    /// Why real processes cannot be put through it.
    pub(crate) not_here: Option<&'static str>,
}

/// All of them, by number.
pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        id: 61,
        what: "The supervisor alone is stopped or gets no processor time",
        others: "the command runs on beside the next one: nobody but the stopped \
                   process would end it.",
        tanist: "The guard holds the deadline and kills the tree by it, whoever sleeps.",
        not_here: None,
    },
    Fault {
        id: 62,
        what: "Everything is stopped for a long while and goes on",
        others: "work goes on as if nothing had been until somebody looks at a clock.",
        tanist: "The guard's timer has run out when it wakes: the kill is the first \
                   thing it does. Until it is scheduled the work may run, so only the \
                   term protects what it writes to (GUARANTEES, limit 1).",
        not_here: None,
    },
    Fault {
        id: 63,
        what: "Memory runs short",
        others: "the kernel ends whichever process is largest, the keeper included.",
        tanist: "The guard is small, locks its memory, asks to be spared and allocates \
                   nothing after its set-up; if the supervisor or the work is ended for \
                   want of memory, that is a killed process like any other.",
        not_here: None,
    },
    Fault {
        id: 64,
        what: "Something slow blocks the loop that renews: a log, a disk, a client",
        others: "renewals stop and the leadership is lost, or worse, the kill waits \
                   too.",
        tanist: "The log, the files of the store and the disk have threads of their \
                   own, and the kill has a process of its own.",
        not_here: None,
    },
    Fault {
        id: 65,
        what: "Leap second, slewed or stepped wall clock",
        others: "a step of the clock lets a lease seem to be over.",
        tanist: "Deadlines are counted on the boot-time clock; the wall clock is the \
                   floor of a new term and stands in logs.",
        not_here: Some(
            "no clock of this kind can be slewed for one process, and the machine's \
                   own is not a test's to change; in the simulator every machine's wall \
                   clock is off, and stands still or runs.",
        ),
    },
    Fault {
        id: 67,
        what: "The work is stuck while renewals are fine",
        others: "a healthy part renews for one that does nothing.",
        tanist: "A health check can withhold the renewal, or hand over.",
        not_here: None,
    },
    Fault {
        id: 68,
        what: "The child ignores SIGTERM",
        others: "it runs for ever, or is waited for.",
        tanist: "SIGKILL for every process of the tree, at the deadline or when its \
                   time to stop is over.",
        not_here: None,
    },
    Fault {
        id: 69,
        what: "A descendant double-forks, opens a session, closes its descriptors",
        others: "it escapes the kill of the process group.",
        tanist: "It is found all the same: by control group, or because guard and \
                   supervisor are subreapers; the kill is repeated until nothing is left.",
        not_here: None,
    },
    Fault {
        id: 70,
        what: "No right to a control group",
        others: "it is used where it can be, and nobody says so.",
        tanist: "Which means holds the tree is said at the start, with the reason; \
                   `--require-cgroup` refuses instead.",
        not_here: None,
    },
    Fault {
        id: 71,
        what: "A grandchild keeps standard output open",
        others: "who waits for the end of the pipe waits for ever.",
        tanist: "Processes are waited for, never pipes.",
        not_here: None,
    },
    Fault {
        id: 72,
        what: "Zombies by the thousand",
        others: "process numbers run out, unless somebody happens to be process 1.",
        tanist: "The guard reaps every descendant that loses its parent, while the work \
                   runs; so does tanist as process 1 for all others.",
        not_here: None,
    },
    Fault {
        id: 73,
        what: "A process number is used again before the kill",
        others: "a stranger is killed.",
        tanist: "No process is signalled but through its descriptor, opened before its \
                   parent was looked at.",
        not_here: None,
    },
    Fault {
        id: 74,
        what: "The supervisor is killed, or ended for want of memory",
        others: "the command runs on, beside the next one.",
        tanist: "The guard sees the end of its line, kills the tree, verifies that it \
                   is empty and releases.",
        not_here: None,
    },
    Fault {
        id: 75,
        what: "The guard is killed",
        others: "there is none.",
        tanist: "The child dies with it, the supervisor kills what escaped, verifies \
                   and gives the leadership back.",
        not_here: None,
    },
    Fault {
        id: 76,
        what: "Supervisor and guard are killed at once",
        others: "the command runs on.",
        tanist: "The child dies by its parent-death signal. An escaped descendant \
                   survives, and still holds the local store's lock: no second copy \
                   begins. `--contain pidns` leaves nothing at all.",
        not_here: None,
    },
    Fault {
        id: 77,
        what: "The parent-death signal is armed from a thread that ends",
        others: "the child is killed when the thread ends.",
        tanist: "It is armed in the guard's only thread, and looked at again after.",
        not_here: None,
    },
    Fault {
        id: 78,
        what: "QUIT, HUP, PIPE, a second TERM, a file that is too large",
        others: "some of them end the keeper and strand the command.",
        tanist: "Signals that mean an end run the stop; a second one kills at once; the \
                   rest go to the child; a pipe or file that takes no more is an error \
                   like any other.",
        not_here: None,
    },
    Fault {
        id: 79,
        what: "The child ends: with 0, with another code, by a signal",
        others: "unspecified.",
        tanist: "By policy, documented: end with the child's code (128 and the signal's \
                   number), start again in place, or let another node lead.",
        not_here: None,
    },
    Fault {
        id: 80,
        what: "Crash loop",
        others: "the leader holds the lock and spins.",
        tanist: "Restarts wait longer each time; failures beyond `--max-failovers` park \
                   the node, and the leadership is given back after each.",
        not_here: None,
    },
    Fault {
        id: 81,
        what: "The command cannot be executed",
        others: "it leads without a command.",
        tanist: "Looked for before standing in the election (127, 126); what fails only \
                   in the exec gives the leadership back at once.",
        not_here: None,
    },
    Fault {
        id: 82,
        what: "The child is stopped (SIGSTOP) when it has to end",
        others: "the stop signal stays pending.",
        tanist: "SIGCONT follows the stop signal, and SIGKILL ends stopped processes \
                   too.",
        not_here: None,
    },
    Fault {
        id: 83,
        what: "A process that the kernel cannot kill",
        others: "the kill is taken for the end.",
        tanist: "It is said (`lingering`), and nothing is given back while it lives.",
        not_here: None,
    },
    Fault {
        id: 84,
        what: "The control group of the work is frozen",
        others: "the stop waits for ever.",
        tanist: "SIGKILL and `cgroup.kill` reach frozen processes.",
        not_here: None,
    },
    Fault {
        id: 85,
        what: "A hook hangs, fails, floods or forks a daemon",
        others: "it blocks the failover.",
        tanist: "Hooks have a time, a bounded output and a group of their own, and \
                   never delay a kill.",
        not_here: None,
    },
    Fault {
        id: 86,
        what: "The leadership is lost between claim and start",
        others: "the child starts late.",
        tanist: "The last look at the deadline is right before the exec.",
        not_here: None,
    },
    Fault {
        id: 87,
        what: "Descriptors leak into the child",
        others: "it keeps the store's connection or somebody else's lock.",
        tanist: "The child gets its three streams and the lock of its election, and \
                   nothing else.",
        not_here: None,
    },
    Fault {
        id: 88,
        what: "Who reads the output is stuck, or the disk of the log is full",
        others: "the keeper blocks in a write.",
        tanist: "The child's streams are its own. Lines of the log go through a bounded \
                   queue to a thread; what does not fit is dropped and counted.",
        not_here: None,
    },
    Fault {
        id: 89,
        what: "Job control of a terminal; Ctrl-C reaches everybody",
        others: "the command is stopped twice.",
        tanist: "The work has a session of its own: Ctrl-C means the supervisor, which \
                   stops it once. Ctrl-Z stops the work and not tanist, and is passed on.",
        not_here: None,
    },
    Fault {
        id: 90,
        what: "tanist as process 1, or killed alone by a service manager",
        others: "zombies, stray children.",
        tanist: "As process 1 it reaps strangers and leaves them alone otherwise; when \
                   it ends its guard ends the tree.",
        not_here: None,
    },
    Fault {
        id: 91,
        what: "The lock file is removed, renamed, replaced or linked elsewhere",
        others: "two holders of two files, the classic.",
        tanist: "Seen at the next renewal, and a loss; who comes next waits the lease \
                   out; links are never followed.",
        not_here: None,
    },
    Fault {
        id: 92,
        what: "The supervisor dies and the work lives",
        others: "the lock is free and a second one begins.",
        tanist: "The guard and the work hold the lock too, so it is free only when they \
                   are gone.",
        not_here: None,
    },
    Fault {
        id: 93,
        what: "A stray descendant keeps the lock",
        others: "nobody begins, and nobody says why.",
        tanist: "`tanist status` and an alarm name the process that holds it.",
        not_here: None,
    },
    Fault {
        id: 94,
        what: "The store is on a network file system, FUSE, overlay, or read-only",
        others: "the lock holds on one machine of several.",
        tanist: "File systems that other machines may share are refused, unless \
                   `?allow_network_fs=1` says otherwise; a read-only one is an error \
                   before anything is begun. An overlay is a file system of this machine.",
        not_here: None,
    },
    Fault {
        id: 95,
        what: "A link or a foreign owner in a shared directory",
        others: "a victim's file is truncated.",
        tanist: "Directories up to the root are looked at, files are opened without \
                   following links and never truncated, their owner is looked at.",
        not_here: None,
    },
    Fault {
        id: 96,
        what: "Different mount namespaces see different files",
        others: "both lead.",
        tanist: "Cannot be seen from within (GUARANTEES, limit 6); the log names the \
                   store's directory by device and file number, so that two places of one \
                   name can be told apart.",
        not_here: None,
    },
    Fault {
        id: 97,
        what: "A record lock of fcntl is lost when any descriptor of the file is \
                   closed",
        others: "it is released without a word.",
        tanist: "Locks are those of flock, which belong to the open file.",
        not_here: None,
    },
    Fault {
        id: 98,
        what: "The state file cannot be written, is corrupt or half written",
        others: "a panic, or numbers that begin anew.",
        tanist: "It is replaced as a whole; what cannot be read is told and replaced; \
                   the store and the wall clock keep terms rising, and an alarm says what \
                   is missing.",
        not_here: None,
    },
    Fault {
        id: 99,
        what: "No further descriptors, processes or threads",
        others: "it leads without a command, or cannot open what it needs for the kill.",
        tanist: "What the kill and the takeover need is opened and started beforehand; \
                   what cannot be had ends the node with a reason, not the promise.",
        not_here: None,
    },
    Fault {
        id: 104,
        what: "The control socket is abused",
        others: "a slow client holds up everybody.",
        tanist: "Only the owner and root may speak; requests are short, clients are few \
                   and have little time, and none of them touches the renewals.",
        not_here: None,
    },
    Fault {
        id: 105,
        what: "The election is paused, and then the leader dies",
        others: "ambiguous.",
        tanist: "A pause means that nobody new leads: the work stays down until it \
                   ends, is resumed or expires.",
        not_here: None,
    },
];
