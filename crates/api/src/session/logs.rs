//! The newest log lines, in memory: a layer of `tracing` writes them, a face reads, searches and exports
//! them.

use std::collections::VecDeque;
use std::fmt;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use specta::Type;
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::redaction::redact;
use super::rfc3339;
use crate::session::history::Exported;
use crate::{ApiError, ErrorCode};

/// Lines that are kept.
const CAPACITY: usize = 10_000;

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum LogLevel {
    /// For who writes the program.
    Trace,
    /// For who looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What is tried again or done without.
    Warn,
    /// What failed.
    Error,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Counts up by one.
    pub seq: u32,
    /// When it was written.
    pub at: String,
    /// How grave it is.
    pub level: LogLevel,
    /// The part of the program that wrote it.
    pub target: String,
    /// What it says, with its fields behind it.
    pub message: String,
}

/// Which lines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogQuery {
    /// Only lines that are at least so grave.
    pub level: LogLevel,
    /// Only lines that hold this text, in any case.
    pub search: String,
    /// Only lines after this number; all where absent.
    pub after: Option<u32>,
    /// The newest of these, so many at most.
    pub limit: u32,
}

/// Lines, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// How many fit the query; the newest of them are here.
    pub total: u32,
    /// The number of the newest line there is.
    pub newest: u32,
}

/// The newest lines. Cloning it gives another hand on the same lines.
#[derive(Clone, Default)]
pub struct LogBuffer {
    lines: Arc<Mutex<Lines>>,
}

#[derive(Default)]
struct Lines {
    kept: VecDeque<Line>,
    newest: u32,
}

struct Line {
    seq: u32,
    at: OffsetDateTime,
    level: LogLevel,
    target: String,
    message: String,
}

impl LogBuffer {
    /// The layer that writes into this buffer.
    pub fn layer<S: Subscriber>(&self) -> impl Layer<S> + use<S> {
        BufferLayer { buffer: self.clone() }
    }

    /// The lines that fit a query.
    pub fn page(&self, query: &LogQuery) -> LogPage {
        let needle = query.search.to_lowercase();
        let lines = self.lock();
        let fits = |line: &&Line| {
            line.level >= query.level
                && query.after.is_none_or(|after| line.seq > after)
                && (needle.is_empty()
                    || line.message.to_lowercase().contains(&needle)
                    || line.target.contains(&needle))
        };
        let fitting: Vec<&Line> = lines.kept.iter().filter(fits).collect();
        let from = fitting.len().saturating_sub(query.limit as usize);
        LogPage {
            total: fitting.len() as u32,
            newest: lines.newest,
            lines: fitting[from..].iter().map(|line| line.view()).collect(),
        }
    }

    /// Writes all lines into a file, without what only concerns this machine and its user.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn export(&self, path: &Path) -> Result<Exported, ApiError> {
        let mut text = String::new();
        let records = {
            let lines = self.lock();
            for line in &lines.kept {
                let _ =
                    writeln!(text, "{} {:5} {}: {}", rfc3339(line.at), line.level, line.target, line.message);
            }
            lines.kept.len() as u32
        };
        std::fs::write(path, redact(&text)).map_err(|error| {
            ApiError::new(ErrorCode::File, format!("write the log to {}: {error}", path.display()))
        })?;
        Ok(Exported { path: path.display().to_string(), records })
    }

    fn push(&self, level: LogLevel, target: &str, message: String) {
        let mut lines = self.lock();
        lines.newest += 1;
        let seq = lines.newest;
        if lines.kept.len() == CAPACITY {
            lines.kept.pop_front();
        }
        let at = OffsetDateTime::now_utc();
        lines.kept.push_back(Line { seq, at, level, target: target.to_owned(), message });
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LogBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogBuffer").finish_non_exhaustive()
    }
}

impl Line {
    fn view(&self) -> LogLine {
        LogLine {
            seq: self.seq,
            at: rfc3339(self.at),
            level: self.level,
            target: self.target.clone(),
            message: self.message.clone(),
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            LogLevel::Trace => "TRACE",
            LogLevel::Debug => "DEBUG",
            LogLevel::Info => "INFO",
            LogLevel::Warn => "WARN",
            LogLevel::Error => "ERROR",
        })
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> LogLevel {
        match level {
            Level::TRACE => LogLevel::Trace,
            Level::DEBUG => LogLevel::Debug,
            Level::INFO => LogLevel::Info,
            Level::WARN => LogLevel::Warn,
            Level::ERROR => LogLevel::Error,
        }
    }
}

struct BufferLayer {
    buffer: LogBuffer,
}

impl<S: Subscriber> Layer<S> for BufferLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        self.buffer.push((*metadata.level()).into(), metadata.target(), text.message + &text.fields);
    }
}

/// A message with its fields behind it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            name => {
                let _ = write!(self.fields, " {name}={value}");
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn all(search: &str, level: LogLevel) -> LogQuery {
        LogQuery { level, search: search.into(), after: None, limit: 100 }
    }

    #[test]
    fn lines_are_found_by_level_and_text() {
        let buffer = LogBuffer::default();
        let subscriber = tracing_subscriber::registry().with(buffer.layer());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(round = 7, state = %"revealed", "round advanced");
            tracing::warn!("reach the chain: refused");
        });
        let page = buffer.page(&all("", LogLevel::Info));
        let messages: Vec<&str> = page.lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!(messages, ["round advanced round=7 state=revealed", "reach the chain: refused"]);
        assert_eq!(buffer.page(&all("", LogLevel::Warn)).total, 1);
        assert_eq!(buffer.page(&all("REVEALED", LogLevel::Info)).total, 1);
        let after = LogQuery { after: Some(1), ..all("", LogLevel::Trace) };
        assert_eq!(buffer.page(&after).lines[0].seq, 2);
    }

    #[test]
    fn the_oldest_lines_go_first() {
        let buffer = LogBuffer::default();
        for number in 0..CAPACITY + 3 {
            buffer.push(LogLevel::Info, "test", number.to_string());
        }
        let page = buffer.page(&LogQuery { limit: u32::MAX, ..all("", LogLevel::Info) });
        assert_eq!((page.total as usize, page.lines[0].message.as_str()), (CAPACITY, "3"));
    }
}
