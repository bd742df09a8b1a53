use super::channel::MESSAGE_MAX;

/// A part of a message, in a buffer made beforehand.
#[derive(Debug)]
pub(super) struct Kept {
    buffer: Box<[u8]>,
    length: usize,
}

impl Kept {
    /// Room for the longest message.
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; MESSAGE_MAX].into_boxed_slice(),
            length: 0,
        }
    }

    /// Keeps `bytes` instead of what was kept before.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.buffer[..bytes.len()].copy_from_slice(bytes);
        self.length = bytes.len();
    }

    /// What is kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}
