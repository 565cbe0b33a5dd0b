use std::fmt;
use std::time::Duration;

use crate::proxy::{FaultKind, Tally};

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Rounds revealed.
    pub rounds: usize,
    /// Commitments on the chain.
    pub commitments: usize,
    /// Those of them that expired.
    pub expired: usize,
    /// Times that the proposer was killed.
    pub kills: u64,
    /// Troubles that it told of and went on.
    pub troubles: u64,
    /// Its transactions in blocks that the chain refused.
    pub refused: usize,
    /// What passed to and from the chain's node.
    pub rpc: Tally,
    /// What passed to and from the IPFS node.
    pub ipfs: Tally,
    /// Rewards by the chain's records.
    pub rewards: u128,
    /// What came to the account, by the bank.
    pub received: u128,
    /// Rewards by the proposer's own books.
    pub booked_rewards: String,
    /// What left the account, by the bank.
    pub paid: u128,
    /// Fees by the proposer's own books.
    pub booked_fees: String,
    /// How long it took.
    pub duration: Duration,
    /// Promises that were broken, a sentence each. None, if all is well.
    pub broken: Vec<String>,
}

impl Figures {
    /// The calls and faults of both proxies together.
    pub fn all_calls(&self) -> Tally {
        let mut all = self.rpc.clone();
        all.calls += self.ipfs.calls;
        for (kind, count) in &self.ipfs.faults {
            *all.faults.entry(*kind).or_default() += count;
        }
        all
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all_calls();
        let faults: u64 = all.faults.values().sum();
        let share = 100.0 * faults as f64 / all.calls.max(1) as f64;
        writeln!(f, "rounds revealed     {}", self.rounds)?;
        writeln!(f, "commitments         {}, of which {} expired", self.commitments, self.expired)?;
        writeln!(f, "refused in a block  {}", self.refused)?;
        writeln!(f, "kills               {}", self.kills)?;
        writeln!(f, "troubles told       {}", self.troubles)?;
        writeln!(f, "calls               {} RPC, {} IPFS", self.rpc.calls, self.ipfs.calls)?;
        writeln!(f, "faults              {faults} ({share:.1} %)")?;
        for kind in FaultKind::ALL {
            writeln!(f, "  {:<18}{}", kind.to_string(), all.faults.get(&kind).copied().unwrap_or_default())?;
        }
        writeln!(
            f,
            "rewards             {} by the chain's records, {} by the bank, {} booked",
            self.rewards, self.received, self.booked_rewards
        )?;
        writeln!(f, "fees                {} by the bank, {} booked", self.paid, self.booked_fees)?;
        write!(f, "time                {:.0} s", self.duration.as_secs_f64())?;
        for promise in &self.broken {
            write!(f, "\nBROKEN              {promise}")?;
        }
        Ok(())
    }
}
