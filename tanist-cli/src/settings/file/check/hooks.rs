use toml_span::Span;
use toml_span::value::{Table, Value, ValueInner};

use super::string;
use crate::args::{HookCommand, HookEvent};
use crate::exit::Code;
use crate::problem::Problem;
use crate::settings::Excerpt;

/// The hooks of the table `events`, as one would write each after the flag.
pub(super) fn texts(
    excerpt: &impl Fn(Span) -> Excerpt,
    events: Table<'_>,
) -> Result<Vec<String>, Problem> {
    let mut events: Vec<_> = events.into_iter().collect();
    // In the order of the file, so that the first mistake is reported first.
    events.sort_by_key(|(name, _)| name.span.start);
    let mut texts = Vec::new();
    for (name, mut value) in events {
        let event = event(&name.name).map_err(|problem| problem.at(excerpt(name.span)))?;
        let span = value.span;
        let wrong = |span: Span, why: String| wrong(event, &why).at(excerpt(span));
        let ValueInner::Array(items) = value.take() else {
            return Err(wrong(span, "what stands here is no list".to_owned()));
        };
        let commands = if event == HookEvent::Fence {
            commands(items).map_err(|(span, why)| wrong(span, why))?
        } else {
            vec![words(items).map_err(|why| wrong(span, why))?]
        };
        texts.extend(commands.into_iter().map(|words| {
            let hook = HookCommand { event, words };
            hook.to_string()
        }));
    }
    Ok(texts)
}

fn event(name: &str) -> Result<HookEvent, Problem> {
    let known = HookEvent::ALL.into_iter().find(|event| event.key() == name);
    known.ok_or_else(|| {
        let what = format!("there is no event `{name}`");
        let problem = Problem::new(Code::Config, "config::unknown-key", what);
        if name == "timeout" {
            return problem.next("hook_timeout stands at the top of the file");
        }
        let names: Vec<String> = HookEvent::ALL.into_iter().map(HookEvent::key).collect();
        problem.next(format_args!("there are {}", names.join(", ")))
    })
}

fn commands(items: Vec<Value<'_>>) -> Result<Vec<Vec<String>>, (Span, String)> {
    let command = |mut item: Value<'_>| {
        let span = item.span;
        match item.take() {
            ValueInner::Array(items) => words(items).map_err(|why| (span, why)),
            _ => Err((span, "each command is a list of its own".to_owned())),
        }
    };
    items.into_iter().map(command).collect()
}

fn words(items: Vec<Value<'_>>) -> Result<Vec<String>, String> {
    let words: Vec<String> = items
        .into_iter()
        .map(|mut item| string(item.take()))
        .collect::<Result<_, _>>()?;
    if words.iter().any(|word| word.contains('\n')) {
        return Err("a word of a hook holds no line break".to_owned());
    }
    match words.first() {
        // A file is read from anywhere, so nobody could say from where a path is meant.
        Some(program) if program.contains('/') && !program.starts_with('/') => {
            Err("a path in a file begins with a slash".to_owned())
        }
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err("a hook has at least one word: its program".to_owned()),
    }
}

fn wrong(event: HookEvent, why: &str) -> Problem {
    let key = event.key();
    let example = match event {
        HookEvent::Fence => {
            r#"[["/etc/tanist/hooks/power-off"], ["/etc/tanist/hooks/block-port"]]"#
        }
        _ => r#"["/etc/tanist/hooks/vip", "10.0.0.100/24"]"#,
    };
    Problem::new(
        Code::Config,
        "config::type",
        format!("`{key}` is a program and its arguments"),
    )
    .because(why)
    .next(format_args!("write for example {key} = {example}"))
}
