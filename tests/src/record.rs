use std::ops::RangeInclusive;

use cosmrs::proto::cosmos::tx::v1beta1::{AuthInfo, TxBody, TxRaw};
use prost::Message;
use r3mes_chain::proto::{MsgCommitAggregation, MsgRegisterNode, MsgRevealAggregation, MsgSubmitAggregation};
use r3mes_chain::{Chain, ChainError};

/// All that a local chain holds of its proposer, read from the chain alone: the module's records, the
/// balances, and every transaction of every block. What a journal says is held against it.
#[derive(Clone, Debug)]
pub struct ChainRecord {
    /// In the order of their ids.
    pub commitments: Vec<CommitmentRecord>,
    /// In the order of their ids.
    pub aggregations: Vec<AggregationRecord>,
    /// Every transaction of the proposer that a block holds, whether or not it succeeded.
    pub transactions: Vec<TransactionRecord>,
    /// What came to the proposer in the reward denom since genesis.
    pub received: u128,
    /// What left it in the fee denom since genesis.
    pub paid: u128,
}

/// A commitment of the proposer.
#[derive(Clone, Debug)]
pub struct CommitmentRecord {
    /// Its id.
    pub id: u64,
    /// From its own block to the last one in which it binds: that of its reveal, or else its deadline.
    pub live: RangeInclusive<i64>,
    /// The last block in which it may be revealed.
    pub deadline: i64,
    /// Whether it was.
    pub revealed: bool,
}

/// An aggregation of the proposer.
#[derive(Clone, Debug)]
pub struct AggregationRecord {
    /// Its training round.
    pub training_round_id: u64,
    /// How many gradients are in it.
    pub participants: u128,
    /// The block of its reveal.
    pub height: i64,
}

/// A transaction of the proposer in a block.
#[derive(Clone, Debug)]
pub struct TransactionRecord {
    /// Its block.
    pub height: i64,
    /// What it asks for.
    pub kind: TransactionKind,
    /// 0 where it succeeded.
    pub code: u32,
    /// What it paid, in the fee denom.
    pub fee: u128,
}

/// What a transaction asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionKind {
    /// The registration as a proposer.
    Register,
    /// A commitment.
    Commit,
    /// The reveal of the commitment with this id.
    Reveal(u64),
    /// An aggregation without commitment.
    Submit,
}

impl ChainRecord {
    /// Reads what `chain` holds of `proposer`, the account that a local network's genesis gave `genesis`
    /// units of the reward and of the fee denom.
    ///
    /// # Errors
    /// When the node does not answer.
    ///
    /// # Panics
    /// When the chain holds records of another proposer, or fewer coins than it must.
    pub async fn read(chain: &Chain, proposer: &str, genesis: (u128, u128)) -> Result<Self, ChainError> {
        let mut aggregations = Vec::new();
        while let Some(record) = chain.aggregation(aggregations.len() as u64).await? {
            assert_eq!(record.proposer, proposer, "an aggregation of another proposer");
            aggregations.push(AggregationRecord {
                training_round_id: record.training_round_id,
                participants: record.participant_gradient_ids.len() as u128,
                height: record.submitted_at_height,
            });
        }
        let mut commitments = Vec::new();
        while let Some(record) = chain.commitment(commitments.len() as u64).await? {
            assert_eq!(record.proposer, proposer, "a commitment of another proposer");
            let revealed = record.status == "revealed";
            let deadline = record.reveal_deadline_height;
            let over = match revealed {
                true => aggregations[record.revealed_aggregation_id as usize].height,
                false => deadline,
            };
            let live = record.committed_at_height..=over;
            commitments.push(CommitmentRecord { id: record.commitment_id, live, deadline, revealed });
        }
        let transactions = transactions(chain, proposer).await?;
        let reward = chain.balance(proposer, "remes").await?;
        let fee = chain.balance(proposer, "stake").await?;
        let received = reward.checked_sub(genesis.0).expect("rewards only add to the balance");
        let paid = genesis.1.checked_sub(fee).expect("fees only take from the balance");
        Ok(ChainRecord { commitments, aggregations, transactions, received, paid })
    }

    /// What the module's records say was earned.
    pub fn rewards(&self) -> u128 {
        self.aggregations.iter().map(|aggregation| 500 + 10 * aggregation.participants).sum()
    }

    /// Commitments that nobody revealed.
    pub fn expired(&self) -> usize {
        self.commitments.iter().filter(|commitment| !commitment.revealed).count()
    }

    /// What of the promises to an operator this chain shows to be broken, one sentence each.
    pub fn broken_promises(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for pair in self.commitments.windows(2) {
            let [first, second] = pair else { continue };
            // Within one block the reveal stands before the next commitment.
            let (over, next) = (*first.live.end(), *second.live.start());
            if next < over || (next == over && !first.revealed) {
                let (first, second) = (first.id, second.id);
                broken.push(format!(
                    "commitment {second} was made in block {next}, while {first} was live until block {over}"
                ));
            }
        }
        let mut rounds: Vec<u64> = self.aggregations.iter().map(|found| found.training_round_id).collect();
        rounds.sort_unstable();
        for pair in rounds.windows(2).filter(|pair| pair[0] == pair[1]) {
            broken.push(format!("training round {} was revealed twice", pair[0]));
        }
        for commitment in &self.commitments {
            let reveals = self
                .transactions
                .iter()
                .filter(|transaction| transaction.kind == TransactionKind::Reveal(commitment.id));
            let (id, deadline) = (commitment.id, commitment.deadline);
            let succeeded = reveals.clone().filter(|reveal| reveal.code == 0).count();
            if succeeded != usize::from(commitment.revealed) {
                broken.push(format!("commitment {id} has {succeeded} reveals in blocks"));
            }
            for late in reveals.filter(|reveal| reveal.height > deadline) {
                let height = late.height;
                broken.push(format!(
                    "a reveal of commitment {id} is in block {height}, after its deadline, block {deadline}"
                ));
            }
        }
        let fees: u128 = self.transactions.iter().map(|transaction| transaction.fee).sum();
        for (what, found, expected) in [
            ("the reward denom's balance grew by", self.received, self.rewards()),
            ("the fee denom's balance fell by", self.paid, fees),
        ] {
            if found != expected {
                broken.push(format!("{what} {found}, the chain's records make {expected}"));
            }
        }
        broken
    }
}

/// The proposer's transactions, block by block.
async fn transactions(chain: &Chain, proposer: &str) -> Result<Vec<TransactionRecord>, ChainError> {
    let newest = chain.status().await?.height;
    let mut found = Vec::new();
    for height in 1..=newest {
        let block = chain.rpc().block(Some(height)).await?;
        if block.txs.is_empty() {
            continue;
        }
        let results = chain.rpc().block_results(Some(height)).await?.txs_results;
        for (tx, result) in block.txs.iter().zip(results) {
            let Some((kind, fee)) = read_transaction(tx, proposer) else { continue };
            // Who fails before the fee is taken stands in the block and pays none.
            let paid = result.code == 0
                || result.events.iter().any(|event| event.kind == "tx" && event.attribute("fee").is_some());
            found.push(TransactionRecord {
                height,
                kind,
                code: result.code,
                fee: if paid { fee } else { 0 },
            });
        }
    }
    Ok(found)
}

fn read_transaction(tx: &[u8], proposer: &str) -> Option<(TransactionKind, u128)> {
    let raw = TxRaw::decode(tx).ok()?;
    let body = TxBody::decode(raw.body_bytes.as_slice()).ok()?;
    let fee = AuthInfo::decode(raw.auth_info_bytes.as_slice()).ok()?.fee.unwrap_or_default();
    let [message] = body.messages.as_slice() else { return None };
    let bytes = message.value.as_slice();
    let (signer, kind) = match message.type_url.as_str() {
        "/remes.remes.v1.MsgRegisterNode" => {
            (MsgRegisterNode::decode(bytes).ok()?.node_address, TransactionKind::Register)
        }
        "/remes.remes.v1.MsgCommitAggregation" => {
            (MsgCommitAggregation::decode(bytes).ok()?.proposer, TransactionKind::Commit)
        }
        "/remes.remes.v1.MsgRevealAggregation" => {
            let reveal = MsgRevealAggregation::decode(bytes).ok()?;
            (reveal.proposer, TransactionKind::Reveal(reveal.commitment_id))
        }
        "/remes.remes.v1.MsgSubmitAggregation" => {
            (MsgSubmitAggregation::decode(bytes).ok()?.proposer, TransactionKind::Submit)
        }
        _ => return None,
    };
    let paid = fee.amount.iter().filter(|coin| coin.denom == "stake");
    let paid = paid.filter_map(|coin| coin.amount.parse::<u128>().ok()).sum();
    (signer == proposer).then_some((kind, paid))
}
