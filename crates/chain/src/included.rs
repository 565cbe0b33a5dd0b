//! A transaction that a block holds, and what the chain answered to its messages.

use cosmrs::proto::cosmos::base::abci::v1beta1::TxMsgData;
use prost::{Message, Name};

use crate::event::{Event, ModuleEvent};
use crate::proto::{
    MsgCommitAggregationResponse, MsgRegisterNodeResponse, MsgRevealAggregationResponse,
    MsgSubmitAggregationResponse, MsgSubmitGradientResponse,
};
use crate::refusal::Refusal;
use crate::rpc::{ExecTxResult, TxResponse};
use crate::{Coins, tx};

/// A transaction that a block holds. Whether it did what it should: see [`Included::refusal`]; whether it paid
/// for it: see [`Included::paid_fee`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Included {
    /// Upper-case hex.
    pub hash: String,
    /// The block's height.
    pub height: i64,
    /// Its place in the block.
    pub index: u32,
    /// 0 is success.
    pub code: u32,
    /// Who states the code.
    pub codespace: String,
    /// The refusal's text.
    pub log: String,
    /// Gas that was allowed.
    pub gas_wanted: i64,
    /// Gas that was used.
    pub gas_used: i64,
    /// What happened.
    pub events: Vec<Event>,
    /// A protobuf `TxMsgData`: the messages' responses.
    pub data: Vec<u8>,
    /// The transaction as it was signed.
    pub tx: Vec<u8>,
}

/// What the chain answered to a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The commitment's id. Ids start at 0.
    pub commitment_id: u64,
    /// The last height at which it can be revealed; `None` where the answer does not say: read the
    /// commitment then.
    pub reveal_deadline_height: Option<i64>,
}

impl Included {
    /// Why the chain did not do what the transaction asked; `None` for success.
    pub fn refusal(&self) -> Option<Refusal> {
        (self.code != 0).then(|| Refusal::new(self.codespace.clone(), self.code, self.log.clone()))
    }

    /// Whether it paid its fee and used up its sequence. One whose timeout height or sequence was wrong when its
    /// block was made stands in the block all the same, and did neither: the chain states no fee for it.
    pub fn paid_fee(&self) -> bool {
        self.code == 0
            || self.events.iter().any(|event| event.kind == "tx" && event.attribute("fee").is_some())
    }

    /// The responses of type `M`, in the messages' order. A failed transaction has none.
    pub fn responses<M: Message + Name + Default>(&self) -> Vec<M> {
        let Ok(data) = TxMsgData::decode(self.data.as_slice()) else { return Vec::new() };
        let own = data.msg_responses.into_iter().filter(|any| any.type_url == M::type_url());
        own.filter_map(|any| M::decode(any.value.as_slice()).ok()).collect()
    }

    /// What became of a MsgCommitAggregation; from the response, or else from the event.
    pub fn committed(&self) -> Option<Committed> {
        let response = self.first::<MsgCommitAggregationResponse>().map(|response| Committed {
            commitment_id: response.commitment_id,
            reveal_deadline_height: Some(response.reveal_deadline_height).filter(|height| *height > 0),
        });
        response.or_else(|| {
            self.find(|event| match event {
                ModuleEvent::CommitAggregation { commitment_id, .. } => {
                    Some(Committed { commitment_id, reveal_deadline_height: None })
                }
                _ => None,
            })
        })
    }

    /// The id of the aggregation that a MsgRevealAggregation or MsgSubmitAggregation made; from the
    /// response, or else from the event. Ids start at 0.
    pub fn aggregation_id(&self) -> Option<u64> {
        self.first::<MsgRevealAggregationResponse>()
            .map(|response| response.aggregation_id)
            .or_else(|| self.first::<MsgSubmitAggregationResponse>().map(|response| response.aggregation_id))
            .or_else(|| {
                self.find(|event| match event {
                    ModuleEvent::RevealAggregation { aggregation_id, .. }
                    | ModuleEvent::AggregationSubmitted { aggregation_id, .. } => Some(aggregation_id),
                    _ => None,
                })
            })
    }

    /// The ids of the gradients that this transaction's MsgSubmitGradient messages stored.
    pub fn gradient_ids(&self) -> Vec<u64> {
        let responses = self.responses::<MsgSubmitGradientResponse>();
        if !responses.is_empty() {
            return responses.into_iter().map(|response| response.stored_gradient_id).collect();
        }
        let submitted = self.succeeded().filter_map(|event| match event.decode() {
            Some(ModuleEvent::GradientSubmitted { gradient_id, .. }) => Some(gradient_id),
            _ => None,
        });
        submitted.collect()
    }

    /// The registration's id, where the chain answered one.
    pub fn registration_id(&self) -> Option<u64> {
        self.first::<MsgRegisterNodeResponse>().map(|response| response.registration_id)
    }

    /// The coins that `address` received in this transaction: rewards, withdrawals, transfers.
    pub fn received(&self, address: &str) -> Coins {
        let received = self.succeeded().filter_map(|event| match event.decode() {
            Some(ModuleEvent::CoinReceived { receiver, amount }) if receiver == address => Some(amount.0),
            _ => None,
        });
        Coins(received.flatten().collect())
    }

    /// The events, where the transaction did what it should: those of a failed one report only its fee.
    fn succeeded(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|_| self.code == 0)
    }

    fn first<M: Message + Name + Default>(&self) -> Option<M> {
        self.responses().into_iter().next()
    }

    fn find<T>(&self, pick: impl Fn(ModuleEvent) -> Option<T>) -> Option<T> {
        self.succeeded().filter_map(Event::decode).find_map(pick)
    }

    pub(crate) fn from_result(
        hash: String,
        height: i64,
        index: u32,
        tx: Vec<u8>,
        result: ExecTxResult,
    ) -> Self {
        let ExecTxResult { code, data, log, gas_wanted, gas_used, events, codespace } = result;
        Included { hash, height, index, code, codespace, log, gas_wanted, gas_used, events, data, tx }
    }
}

impl From<TxResponse> for Included {
    fn from(found: TxResponse) -> Self {
        let TxResponse { hash, height, index, tx_result, tx } = found;
        let hash = if tx.is_empty() { hash.to_ascii_uppercase() } else { tx::tx_hash(&tx) };
        Included::from_result(hash, height, index, tx, tx_result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn included(responses: Vec<cosmrs::Any>, events: Vec<Event>) -> Included {
        let data = TxMsgData { msg_responses: responses, ..TxMsgData::default() }.encode_to_vec();
        Included { data, events, ..Included::default() }
    }

    fn event(kind: &str, attributes: &[(&str, &str)]) -> Event {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Event { kind: kind.to_owned(), attributes: attributes.collect() }
    }

    /// Id 0 is a real id, and protobuf writes no byte for it.
    #[test]
    fn a_response_of_no_bytes_is_id_0() {
        let response = MsgCommitAggregationResponse { commitment_id: 0, reveal_deadline_height: 0 };
        let any = tx::any(&response);
        assert!(any.value.is_empty());
        assert_eq!(any.type_url, "/remes.remes.v1.MsgCommitAggregationResponse");
        let committed = included(vec![any], vec![]).committed();
        assert_eq!(committed, Some(Committed { commitment_id: 0, reveal_deadline_height: None }));
    }

    #[test]
    fn events_stand_in_for_missing_responses() {
        let commit = event("commit_aggregation", &[("proposer", "p"), ("commitment_id", "4")]);
        let reveal = event(
            "reveal_aggregation",
            &[("proposer", "p"), ("commitment_id", "4"), ("aggregation_id", "0"), ("training_round_id", "1")],
        );
        assert_eq!(included(vec![], vec![commit.clone()]).committed().unwrap().commitment_id, 4);
        assert_eq!(included(vec![], vec![reveal]).aggregation_id(), Some(0));
        let failed = Included { code: 5, ..included(vec![], vec![commit]) };
        assert_eq!(failed.committed(), None);
        assert!(failed.refusal().is_some());
    }

    #[test]
    fn who_failed_before_the_fee_was_taken_paid_none() {
        let fee = event("tx", &[("fee", "2500stake"), ("fee_payer", "remes1p")]);
        let failed = |events| Included { code: 30, ..included(vec![], events) };
        assert!(failed(vec![fee]).paid_fee());
        assert!(!failed(vec![]).paid_fee());
        assert!(included(vec![], vec![]).paid_fee(), "what succeeded has paid, whatever a node tells of it");
    }

    #[test]
    fn a_reward_is_what_the_address_received() {
        let events = vec![
            event("coin_received", &[("receiver", "remes1module"), ("amount", "520remes")]),
            event("coin_received", &[("receiver", "remes1p"), ("amount", "520remes")]),
            event("coin_received", &[("receiver", "remes1p"), ("amount", "2stake")]),
        ];
        let received = included(vec![], events).received("remes1p");
        assert_eq!(received.to_string(), "520remes,2stake");
    }
}
