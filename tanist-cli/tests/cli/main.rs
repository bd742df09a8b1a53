//! The real binary with real children, on the local store.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod child_words;
mod completions;
mod config;
mod demo;
mod doctor;
mod environment;
mod explain;
mod health;
mod health_settings;
mod logs;
mod looking;
mod man;
mod mending;
mod newcomer;
mod once;
mod operator;
mod policies;
mod queries;
mod refusals;
mod role_files;
mod service_manager;
mod settings_file;
mod signals;
mod stage;
mod standby;
mod stranded;
mod switching;
mod takeover;
mod timings;
mod transcripts;
