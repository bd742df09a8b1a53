use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::history::History;
use super::misfortune::{Luck, Misfortune};
use super::node::{Lead, News, Node};
use super::scene::Scene;
use super::show::{Show, short};
use crate::exit::Code;
use crate::printer::Printer;
use crate::problem::Problem;

/// A node that has ended is away for so long.
const AWAY: Duration = Duration::from_millis(500);

/// An orderly end takes no longer than this on any machine; then it is made one.
const FAREWELL: Duration = Duration::from_secs(20);

/// What is to be played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// How many nodes.
    pub(crate) nodes: u8,
    /// For how long.
    pub(crate) span: Duration,
    /// How often something happens to the leader.
    pub(crate) kill_every: Duration,
    /// Which misfortunes come in which order.
    pub(crate) seed: u64,
}

/// The nodes, and what happens to them.
#[derive(Debug)]
pub(crate) struct Cast {
    script: Script,
    scene: Scene,
    nodes: Vec<Node>,
    /// Nodes that are away, and until when.
    away: Vec<(Instant, usize)>,
    show: Show,
    luck: Luck,
    /// The last misfortune, until somebody else is at work.
    open: Option<Struck>,
    effects: usize,
    sender: Sender<News>,
    news: Receiver<News>,
}

/// How the play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its time was over.
    Over,
    /// Somebody had seen enough.
    Stopped,
}

#[derive(Clone, Copy, Debug)]
struct Struck {
    at: Instant,
    misfortune: Misfortune,
    term: u64,
}

impl Cast {
    /// Everybody, on a scene of their own; nobody has begun.
    pub(crate) fn new(script: Script, scene: Scene, printer: Printer) -> Self {
        let (sender, news) = channel();
        Self {
            script,
            scene,
            nodes: (0..script.nodes.into()).map(Node::new).collect(),
            away: Vec::new(),
            show: Show::begin(printer),
            luck: Luck::new(script.seed),
            open: None,
            effects: 0,
            sender,
            news,
        }
    }

    /// Plays it to the end, or until somebody stops it; every process has ended when it returns.
    pub(crate) fn play(&mut self) -> Result<(), Problem> {
        let Script {
            nodes,
            span,
            kill_every,
            seed,
        } = self.script;
        self.listen_for_a_stop()
            .map_err(|error| unplayable(&error))?;
        self.show.say(
            "begin",
            &format!(
                "{nodes} nodes for {}, a misfortune every {}, seed {seed}",
                crate::span::Span(span),
                crate::span::Span(kill_every)
            ),
        )?;
        let played = self.acts();
        // Whatever went wrong, nobody is left.
        self.farewell();
        let end = played?;
        let history = History::read(&self.scene.history()).map_err(|error| unplayable(&error))?;
        self.scene.keep()?;
        self.show.sum_up(&history, self.effects)?;
        if end == End::Over && !history.shows_work() {
            return Err(
                Problem::new(Code::OsError, "demo::node", "no node ever led")
                    .next("tanist doctor says what is missing here"),
            );
        }
        if history.is_well() {
            return Ok(());
        }
        Err(Problem::new(
            Code::Protocol,
            "demo::violated",
            "two were at work at once, or a term did not rise",
        )
        .because(format_args!(
            "{} overlaps, {} terms that did not rise, {} broken lines",
            history.overlaps(),
            history.terms_that_did_not_rise(),
            history.broken()
        ))
        .next(format_args!(
            "please report it with the history: tanist demo --seed {seed} --keep-history FILE"
        )))
    }

    fn acts(&mut self) -> Result<End, Problem> {
        for number in 0..self.nodes.len() {
            self.start(number)?;
        }
        let end = Instant::now() + self.script.span;
        let mut strike_at = Instant::now() + self.script.kill_every;
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(End::Over);
            }
            for number in self.back_by(now) {
                self.start(number)?;
            }
            let leader = self.nodes.iter().position(|node| node.leads.is_some());
            if let Some(leader) = leader
                && now >= strike_at
                && self.open.is_none()
            {
                strike_at = now + self.strike(leader)?;
            }
            let back = self.away.iter().map(|(at, _)| *at);
            // Without a leader the next word of one is waited for.
            let strike = leader.filter(|_| self.open.is_none()).map(|_| strike_at);
            let next = back.chain(strike).chain([end]).min().unwrap_or(end);
            match self.news.recv_timeout(next.saturating_duration_since(now)) {
                Ok(News::Stop) => return Ok(End::Stopped),
                Ok(news) => self.heard(news)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    fn start(&mut self, number: usize) -> Result<(), Problem> {
        let node = &mut self.nodes[number];
        node.start(&self.scene, number, self.sender.clone())
            .map_err(|error| unplayable(&error))
    }

    /// Who has been away long enough.
    fn back_by(&mut self, now: Instant) -> Vec<usize> {
        let (back, away) = self.away.drain(..).partition(|(at, _)| *at <= now);
        self.away = away;
        let back: Vec<(Instant, usize)> = back;
        back.into_iter().map(|(_, number)| number).collect()
    }

    /// Strikes the leader; returns after which span to strike again.
    fn strike(&mut self, leader: usize) -> Result<Duration, Problem> {
        // It may be between two children of its own.
        const SOON: Duration = Duration::from_millis(100);
        let misfortune = self.luck.draw();
        let node = &self.nodes[leader];
        let Some(lead) = node.leads else {
            return Ok(SOON);
        };
        let at = Instant::now();
        if node.strike(misfortune).is_err() {
            return Ok(SOON);
        }
        self.open = Some(Struck {
            at,
            misfortune,
            term: lead.term,
        });
        self.nodes[leader].leads = None;
        let name = self.nodes[leader].name.clone();
        self.show.of_node(
            (leader, &name),
            "misfortune",
            &format!("✗ {}", misfortune.text()),
            &json!({ "misfortune": misfortune.text(), "term": lead.term }),
        )?;
        Ok(self.script.kill_every)
    }

    fn heard(&mut self, news: News) -> Result<(), Problem> {
        match news {
            News::Line(number, line) => self.line(number, &line),
            News::Ended(number) => {
                self.nodes[number].ended();
                self.away.push((Instant::now() + AWAY, number));
                self.tell(number, "ended", "has ended, and nothing of it is left")
            }
            News::Stop => Ok(()),
        }
    }

    /// What a node says of itself, in fewer words.
    fn line(&mut self, number: usize, line: &Value) -> Result<(), Problem> {
        match line["event"].as_str().unwrap_or_default() {
            "standing" => self.tell(number, "standing", "is there"),
            "started" => self.started(number, line),
            "released" => {
                self.nodes[number].leads = None;
                self.tell(number, "released", "gave the leadership back")
            }
            "error" => {
                let why = line["message"].as_str().unwrap_or_default();
                Err(Problem::new(Code::OsError, "demo::node", "a node cannot run").because(why))
            }
            _ => Ok(()),
        }
    }

    fn started(&mut self, number: usize, line: &Value) -> Result<(), Problem> {
        let Some(lead) = Lead::of(line) else {
            return Ok(());
        };
        self.nodes[number].leads = Some(lead);
        let after = self.open.filter(|struck| lead.term > struck.term);
        let mut text = format!("leads in term {}", lead.term);
        let mut more = json!({ "term": lead.term });
        if let Some(Struck { at, misfortune, .. }) = after {
            self.open = None;
            self.effects += 1;
            let span = at.elapsed();
            text.push_str(&format!(
                ", {} after the {}",
                short(span),
                misfortune.text()
            ));
            more["after_us"] = u64::try_from(span.as_micros()).unwrap_or(u64::MAX).into();
        }
        let name = self.nodes[number].name.clone();
        self.show.of_node((number, &name), "leads", &text, &more)
    }

    fn tell(&self, number: usize, event: &str, text: &str) -> Result<(), Problem> {
        let name = &self.nodes[number].name;
        self.show.of_node((number, name), event, text, &Value::Null)
    }

    /// Ends everybody: who stands by first, so that nobody has to take over.
    fn farewell(&mut self) {
        let leads: Vec<bool> = self.nodes.iter().map(|node| node.leads.is_some()).collect();
        for leading in [false, true] {
            let these = || (0..leads.len()).filter(|number| leads[*number] == leading);
            these().for_each(|number| self.nodes[number].signal(Signal::TERM));
            let mut until = Instant::now() + FAREWELL;
            let mut killed = false;
            while these().any(|number| self.nodes[number].runs()) {
                let left = until.saturating_duration_since(Instant::now());
                match self.news.recv_timeout(left) {
                    Ok(News::Ended(number)) => self.nodes[number].ended(),
                    Ok(News::Line(..)) => {}
                    // The kernel keeps what no signal ends; there is nothing left to do.
                    Ok(News::Stop) | Err(_) if killed => break,
                    // Told twice to stop, or it takes too long: its guard ends the work.
                    Ok(News::Stop) | Err(_) => {
                        killed = true;
                        until = Instant::now() + FAREWELL;
                        these().for_each(|number| self.nodes[number].signal(Signal::KILL));
                    }
                }
            }
        }
    }

    /// Ctrl-C and the like come as news.
    fn listen_for_a_stop(&self) -> io::Result<()> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let (mut told, teller) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::low_level::pipe::register(signal, teller.try_clone()?)?;
        }
        let sender = self.sender.clone();
        std::thread::Builder::new().spawn(move || {
            while matches!(told.read(&mut [0]), Ok(1)) {
                // Nobody listens only when the demo is over.
                let _ = sender.send(News::Stop);
            }
        })?;
        Ok(())
    }
}

fn unplayable(error: &io::Error) -> Problem {
    Problem::new(Code::OsError, "demo::node", "the demo cannot go on").because(error)
}
