use std::collections::HashMap;
use std::io;
use std::path::Path;

use crate::activation::Activation;
use crate::line::Line;

/// What probes wrote, in the order in which they wrote it.
///
/// Lines of other programs that are JSON objects, tanist's own events among them, are counted and
/// otherwise left alone; anything else in the file is kept as broken, because a probe's lines never
/// are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    activations: Vec<Activation>,
    index: HashMap<String, usize>,
    foreign: usize,
    broken: Vec<usize>,
    read: usize,
}

impl History {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read; what its lines say is never an error here.
    pub fn read(path: impl AsRef<Path>) -> io::Result<Self> {
        let text = std::fs::read(path)?;
        let mut history = Self::default();
        history.extend(&String::from_utf8_lossy(&text));
        Ok(history)
    }

    /// Takes in more of the same file: whole lines, in order.
    pub fn extend(&mut self, text: &str) {
        for line in text.lines() {
            self.read += 1;
            if let Ok(parsed) = serde_json::from_str::<Line>(line) {
                self.add(&parsed);
            } else if serde_json::from_str::<serde_json::Map<_, _>>(line)
                .is_ok_and(|object: serde_json::Map<String, _>| !object.contains_key("activation"))
            {
                self.foreign += 1;
            } else {
                self.broken.push(self.read);
            }
        }
    }

    /// How many lines are other programs'.
    pub const fn foreign(&self) -> usize {
        self.foreign
    }

    /// The numbers of the lines that nobody could have written whole.
    pub fn broken(&self) -> &[usize] {
        &self.broken
    }

    /// The activations in the order of their first lines.
    pub fn activations(&self) -> Vec<&Activation> {
        let mut activations: Vec<_> = self.activations.iter().collect();
        activations.sort_by_key(|activation| (activation.first, activation.first_line));
        activations
    }

    fn add(&mut self, line: &Line) {
        let index = *self
            .index
            .entry(line.activation.clone())
            .or_insert_with(|| {
                self.activations.push(Activation::begun_by(line, self.read));
                self.activations.len() - 1
            });
        self.activations[index].add(line, self.read);
    }
}
