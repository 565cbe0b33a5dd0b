//! What is wrong while the engine works on: with what, in which part of the work, and what mends it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::EngineError;

/// What something is wrong with, seen by the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// The chain, or the way to it.
    Chain,
    /// The IPFS node, or the way to it.
    Ipfs,
    /// Room on the disk.
    Disk,
    /// What the account owns or may.
    Account,
    /// Something else of the proposer's own.
    Engine,
}

/// The part of the work that has the trouble, and that tells when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The rounds, with their transactions.
    Rounds,
    /// Fetching and judging gradients.
    Intake,
    /// What the operator ordered.
    Orders,
    /// Pinning what is to be kept.
    Pins,
    /// Letting go of what is no longer needed.
    House,
}

/// Something that failed and will be tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The part of the work that has it.
    pub part: Part,
    /// What it is with.
    pub concern: Concern,
    /// What failed, as a fragment that fits after "failed to".
    pub message: String,
    /// What mends it, where that is known.
    pub remedy: Option<String>,
}

impl Trouble {
    /// The trouble that an error is to a part of the work.
    pub(crate) fn of(part: Part, error: &EngineError) -> Trouble {
        Trouble { part, concern: error.concern(), message: error.to_string(), remedy: error.remedy() }
    }

    /// The same, with what was being done put before it.
    pub(crate) fn while_doing(self, what: &str) -> Trouble {
        Trouble { message: format!("{what}: {}", self.message), ..self }
    }

    /// The message and the remedy in one line.
    pub fn told(&self) -> String {
        match &self.remedy {
            Some(remedy) => format!("{}; {remedy}", self.message),
            None => self.message.clone(),
        }
    }
}

/// What is wrong now, by part of the work.
#[derive(Debug, Default)]
pub(crate) struct Troubles(BTreeMap<Part, Trouble>);

impl Troubles {
    /// Whether this is news.
    pub(crate) fn has_come(&mut self, trouble: &Trouble) -> bool {
        self.0.insert(trouble.part, trouble.clone()).as_ref() != Some(trouble)
    }

    /// Whether there was any in this part.
    pub(crate) fn is_over(&mut self, part: Part) -> bool {
        self.0.remove(&part).is_some()
    }
}
