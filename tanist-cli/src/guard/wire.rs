use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use tanist_core::Moment;

/// What the supervisor tells its guard. Encoding and decoding allocate nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// The child's standard input comes along as the only descriptor.
    Stdin,
    /// Start. The descriptors that come along are held by guard and child alike.
    Begin {
        /// The deadline at first.
        safe_until: Moment,
        /// Variables to add, as [`encode_env`] writes them.
        env: &'a [u8],
    },
    /// The deadline from now on.
    Until(Moment),
    /// Stop, and kill after this long.
    End(Duration),
    /// Send this signal to the child's process group.
    Signal(i32),
    /// What the release program has to be given should the supervisor vanish. What comes along
    /// goes along.
    Release(&'a [u8]),
    /// Nothing more to do.
    Dismiss,
}

/// What the guard tells its supervisor, and its own programs tell the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice<'a> {
    /// Set-up is done.
    Prepared {
        /// How the tree is contained, or nothing.
        detail: &'a [u8],
    },
    /// Set-up failed; nothing was started.
    Refused {
        /// What, where, why, and what to do.
        reason: &'a [u8],
    },
    /// The launcher has nothing left to do but the exec.
    Going,
    /// The child runs.
    Started {
        /// Its process id as this side sees it.
        pid: u32,
    },
    /// The child did not start in time.
    TooLate,
    /// The command could not be executed.
    ExecFailed {
        /// 126 found but not executable, 127 not found, as shells have it.
        code: u8,
        /// What, where and why.
        reason: &'a [u8],
    },
    /// The child itself has ended.
    Exited {
        /// Its status as `wait` gives it.
        status: i32,
    },
    /// The stop signal went out because the deadline drew near.
    DeadlineReached,
    /// Processes outlive their kill.
    Lingering {
        /// How many.
        processes: u32,
    },
    /// The tree cannot be seen whole, so that it cannot be killed or called empty.
    Hindered {
        /// The number of the error that is in the way.
        errno: i32,
    },
    /// No process is left.
    Empty,
}

impl<'a> Request<'a> {
    /// Writes it to the front of `buffer`; `None` if it does not fit.
    pub(super) fn encode(self, buffer: &mut [u8]) -> Option<usize> {
        match self {
            Self::Stdin => put(buffer, b"I"),
            Self::Begin { safe_until, env } => {
                put(buffer, b"B").and_then(|at| append(buffer, at, &nanos(safe_until), env))
            }
            Self::Until(moment) => {
                put(buffer, b"U").and_then(|at| append(buffer, at, &nanos(moment), &[]))
            }
            Self::End(grace) => {
                put(buffer, b"E").and_then(|at| append(buffer, at, &span(grace), &[]))
            }
            Self::Signal(number) => {
                put(buffer, b"S").and_then(|at| append(buffer, at, &number.to_le_bytes(), &[]))
            }
            Self::Release(bytes) => put(buffer, b"R").and_then(|at| append(buffer, at, bytes, &[])),
            Self::Dismiss => put(buffer, b"D"),
        }
    }

    /// Reads it back; `None` if this is not a request.
    pub(super) fn decode(message: &'a [u8]) -> Option<Self> {
        let (tag, body) = message.split_first()?;
        match tag {
            b'I' => Some(Self::Stdin),
            b'B' => {
                let (safe_until, env) = body.split_first_chunk()?;
                Some(Self::Begin {
                    safe_until: moment(*safe_until),
                    env,
                })
            }
            b'U' => Some(Self::Until(moment(body.try_into().ok()?))),
            b'E' => Some(Self::End(moment(body.try_into().ok()?).since_origin())),
            b'S' => Some(Self::Signal(i32::from_le_bytes(body.try_into().ok()?))),
            b'R' => Some(Self::Release(body)),
            b'D' => Some(Self::Dismiss),
            _ => None,
        }
    }
}

impl<'a> Notice<'a> {
    /// Writes it to the front of `buffer`, its text cut where it does not fit.
    pub(super) fn encode(self, buffer: &mut [u8]) -> usize {
        let (tag, number, text): (u8, u32, &[u8]) = match self {
            Self::Prepared { detail } => (b'p', 0, detail),
            Self::Refused { reason } => (b'r', 0, reason),
            Self::Going => (b'o', 0, &[]),
            Self::Started { pid } => (b's', pid, &[]),
            Self::TooLate => (b'l', 0, &[]),
            Self::ExecFailed { code, reason } => (b'x', u32::from(code), reason),
            Self::Exited { status } => (b'e', status.cast_unsigned(), &[]),
            Self::DeadlineReached => (b'd', 0, &[]),
            Self::Lingering { processes } => (b'g', processes, &[]),
            Self::Hindered { errno } => (b'h', errno.cast_unsigned(), &[]),
            Self::Empty => (b'0', 0, &[]),
        };
        let head = 1 + size_of::<u32>();
        let text = &text[..text.len().min(buffer.len() - head)];
        buffer[0] = tag;
        buffer[1..head].copy_from_slice(&number.to_le_bytes());
        buffer[head..head + text.len()].copy_from_slice(text);
        head + text.len()
    }

    /// Reads it back; `None` if this is not a notice.
    pub(super) fn decode(message: &'a [u8]) -> Option<Self> {
        let (tag, body) = message.split_first()?;
        let (number, text) = body.split_first_chunk()?;
        let number = u32::from_le_bytes(*number);
        match tag {
            b'p' => Some(Self::Prepared { detail: text }),
            b'r' => Some(Self::Refused { reason: text }),
            b'o' => Some(Self::Going),
            b's' => Some(Self::Started { pid: number }),
            b'l' => Some(Self::TooLate),
            b'x' => Some(Self::ExecFailed {
                code: u8::try_from(number).ok()?,
                reason: text,
            }),
            b'e' => Some(Self::Exited {
                status: number.cast_signed(),
            }),
            b'd' => Some(Self::DeadlineReached),
            b'g' => Some(Self::Lingering { processes: number }),
            b'h' => Some(Self::Hindered {
                errno: number.cast_signed(),
            }),
            b'0' => Some(Self::Empty),
            _ => None,
        }
    }
}

/// Variables as bytes, each name and value with its length in front.
pub(super) fn encode_env(env: &[(OsString, OsString)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in env.iter().flat_map(|(name, value)| [name, value]) {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// Reads [`encode_env`]'s bytes back; `None` if they are cut.
pub(super) fn decode_env(mut bytes: &[u8]) -> Option<Vec<(OsString, OsString)>> {
    let mut env = Vec::new();
    while !bytes.is_empty() {
        let (name, rest) = decode_part(bytes)?;
        let (value, rest) = decode_part(rest)?;
        env.push((name.to_owned(), value.to_owned()));
        bytes = rest;
    }
    Some(env)
}

/// A notice's text for people; it came from our own program, but may have been cut.
pub(super) fn text(bytes: &[u8]) -> String {
    OsString::from_vec(bytes.to_vec())
        .to_string_lossy()
        .into_owned()
}

fn decode_part(bytes: &[u8]) -> Option<(&OsStr, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (part, rest) = rest.split_at_checked(length)?;
    Some((OsStr::from_bytes(part), rest))
}

fn put(buffer: &mut [u8], bytes: &[u8]) -> Option<usize> {
    buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(bytes.len())
}

fn append(buffer: &mut [u8], at: usize, first: &[u8], second: &[u8]) -> Option<usize> {
    let after = at + put(buffer.get_mut(at..)?, first)?;
    Some(after + put(buffer.get_mut(after..)?, second)?)
}

fn nanos(moment: Moment) -> [u8; 8] {
    span(moment.since_origin())
}

/// Five hundred years is as good as for ever.
fn span(span: Duration) -> [u8; 8] {
    u64::try_from(span.as_nanos())
        .unwrap_or(u64::MAX)
        .to_le_bytes()
}

fn moment(nanos: [u8; 8]) -> Moment {
    Moment::after_origin(Duration::from_nanos(u64::from_le_bytes(nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_notices_survive_the_way() {
        let mut buffer = [0; 256];
        let at = Moment::after_origin(Duration::from_nanos(12_345_678_901));
        for request in [
            Request::Stdin,
            Request::Begin {
                safe_until: at,
                env: b"some env",
            },
            Request::Until(at),
            Request::End(Duration::from_millis(250)),
            Request::Signal(15),
            Request::Release(b"bytes"),
            Request::Dismiss,
        ] {
            let length = request.encode(&mut buffer).unwrap();
            assert_eq!(Request::decode(&buffer[..length]), Some(request));
        }
        for notice in [
            Notice::Prepared { detail: b"sweep" },
            Notice::Refused { reason: b"no" },
            Notice::Going,
            Notice::Started { pid: 77 },
            Notice::TooLate,
            Notice::ExecFailed {
                code: 127,
                reason: b"gone",
            },
            Notice::Exited { status: -3 },
            Notice::DeadlineReached,
            Notice::Lingering { processes: 2 },
            Notice::Hindered { errno: 24 },
            Notice::Empty,
        ] {
            let length = notice.encode(&mut buffer);
            assert_eq!(Notice::decode(&buffer[..length]), Some(notice));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_or_cut() {
        let mut small = [0; 8];
        assert_eq!(Request::Release(&[0; 8]).encode(&mut small), None);
        assert_eq!(Request::Until(Moment::ORIGIN).encode(&mut small), None);
        let length = Notice::Refused { reason: b"abcdef" }.encode(&mut small);
        assert_eq!(
            Notice::decode(&small[..length]),
            Some(Notice::Refused { reason: b"abc" })
        );
    }

    #[test]
    fn garbage_is_nothing() {
        for message in [&b""[..], b"?", b"U123", b"B", b"s1", b"Exxxxxxxxx"] {
            assert_eq!(Request::decode(message), None);
            assert_eq!(Notice::decode(message), None);
        }
    }

    #[test]
    fn variables_may_hold_any_bytes() {
        let env = vec![
            ("TANIST_TERM".into(), "7".into()),
            ("EMPTY".into(), OsString::new()),
            ("ODD".into(), OsString::from_vec(vec![0xff, b'\n', b'='])),
        ];
        let bytes = encode_env(&env);
        assert_eq!(decode_env(&bytes), Some(env));
        assert_eq!(decode_env(&bytes[..bytes.len() - 1]), None);
    }
}
