use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;

use crate::args::{ColorWhen, OutputForm, SpeechArgs};

/// Prints what was asked for, and nothing else, on standard output.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Printer {
    form: Form,
}

/// The form in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    #[default]
    Table,
    /// JSON.
    Json,
    /// Tab-separated rows.
    Tsv,
    /// Words.
    Plain,
}

impl Printer {
    /// The printer that the arguments ask for.
    pub(crate) fn new(speech: &SpeechArgs) -> Self {
        let form = match speech.output.unwrap_or_default() {
            OutputForm::Auto if io::stdout().is_terminal() => Form::Table,
            OutputForm::Auto | OutputForm::Plain => Form::Plain,
            OutputForm::Table => Form::Table,
            OutputForm::Json => Form::Json,
            OutputForm::Tsv => Form::Tsv,
        };
        Self { form }
    }

    /// The form in force.
    pub(crate) const fn form(self) -> Form {
        self.form
    }

    /// Prints a text as it is. A reader that has gone away (`| head`) is no failure.
    pub(crate) fn print(self, text: &str) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// Sets colours for the whole process.
pub(crate) fn choose_colors(speech: &SpeechArgs) {
    match speech.color.unwrap_or_default() {
        // Left to the terminal, NO_COLOR and CLICOLOR_FORCE.
        ColorWhen::Auto => ColorChoice::Auto.write_global(),
        ColorWhen::Always => ColorChoice::Always.write_global(),
        ColorWhen::Never => ColorChoice::Never.write_global(),
    }
}

/// Text from the store, without anything that a terminal would act on.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// The same for a text of several lines, which stay.
pub(crate) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}
