//! From a message's type URL to the module that runs it.

use cosmrs::proto::Any;
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmos::distribution::v1beta1::{
    MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission,
};
use cosmrs::proto::cosmos::staking::v1beta1::MsgDelegate;
use prost::{Message, Name};
use r3mes_chain::proto::{
    MsgAppealSlashing, MsgCommitAggregation, MsgRegisterNode, MsgRevealAggregation, MsgSubmitAggregation,
    MsgSubmitGradient, MsgUpdateNodeRegistration,
};

use super::context::Context;
use super::error::{Refusal, sdk};
use super::event::Event;
use super::gas;
use super::modules::{aggregation, appeal, auth, bank, distribution, gradient, registration};

/// A message that this chain knows.
#[derive(Clone, Debug)]
pub(crate) enum Msg {
    RegisterNode(Box<MsgRegisterNode>),
    UpdateNodeRegistration(Box<MsgUpdateNodeRegistration>),
    SubmitGradient(Box<MsgSubmitGradient>),
    CommitAggregation(MsgCommitAggregation),
    RevealAggregation(Box<MsgRevealAggregation>),
    SubmitAggregation(MsgSubmitAggregation),
    AppealSlashing(MsgAppealSlashing),
    Send(MsgSend),
    WithdrawDelegatorReward(MsgWithdrawDelegatorReward),
    WithdrawValidatorCommission(MsgWithdrawValidatorCommission),
    Delegate(MsgDelegate),
}

impl Msg {
    pub(crate) fn decode(any: &Any) -> Result<Msg, Refusal> {
        fn read<M: Message + Default>(any: &Any) -> Result<M, Refusal> {
            M::decode(any.value.as_slice())
                .map_err(|e| sdk::TX_DECODE.because(format_args!("{}: {e}", any.type_url)))
        }
        fn is<M: Name>(any: &Any) -> bool {
            any.type_url.strip_prefix('/').is_some_and(|name| name == M::full_name())
        }
        Ok(match any {
            _ if is::<MsgRegisterNode>(any) => Msg::RegisterNode(read(any)?),
            _ if is::<MsgUpdateNodeRegistration>(any) => Msg::UpdateNodeRegistration(read(any)?),
            _ if is::<MsgSubmitGradient>(any) => Msg::SubmitGradient(read(any)?),
            _ if is::<MsgCommitAggregation>(any) => Msg::CommitAggregation(read(any)?),
            _ if is::<MsgRevealAggregation>(any) => Msg::RevealAggregation(read(any)?),
            _ if is::<MsgSubmitAggregation>(any) => Msg::SubmitAggregation(read(any)?),
            _ if is::<MsgAppealSlashing>(any) => Msg::AppealSlashing(read(any)?),
            _ if is::<MsgSend>(any) => Msg::Send(read(any)?),
            _ if is::<MsgWithdrawDelegatorReward>(any) => Msg::WithdrawDelegatorReward(read(any)?),
            _ if is::<MsgWithdrawValidatorCommission>(any) => Msg::WithdrawValidatorCommission(read(any)?),
            _ if is::<MsgDelegate>(any) => Msg::Delegate(read(any)?),
            Any { type_url, .. } => {
                return Err(sdk::TX_DECODE.because(format_args!("unable to resolve type URL {type_url}")));
            }
        })
    }

    /// The account that must sign the message, as the message names it.
    pub(crate) fn signer(&self, prefix: &str) -> Result<String, Refusal> {
        let named = match self {
            Msg::RegisterNode(m) => &m.node_address,
            Msg::UpdateNodeRegistration(m) => &m.node_address,
            Msg::SubmitGradient(m) => &m.miner,
            Msg::CommitAggregation(m) => &m.proposer,
            Msg::RevealAggregation(m) => &m.proposer,
            Msg::SubmitAggregation(m) => &m.proposer,
            Msg::AppealSlashing(m) => &m.appellant,
            Msg::Send(m) => &m.from_address,
            Msg::WithdrawDelegatorReward(m) => &m.delegator_address,
            Msg::Delegate(m) => &m.delegator_address,
            Msg::WithdrawValidatorCommission(m) => {
                let operator = auth::with_prefix(&m.validator_address, prefix);
                return operator.ok_or_else(|| {
                    sdk::INVALID_ADDRESS
                        .because(format_args!("invalid validator address: {:?}", m.validator_address))
                });
            }
        };
        Ok(named.clone())
    }

    /// Runs the message: its type URL's event, its gas, its module. Answers the response as the
    /// transaction's data holds it.
    pub(crate) fn run(&self, ctx: &mut Context<'_>, tx_hash: &str) -> Result<Any, Refusal> {
        ctx.gas.consume(gas::MESSAGE, "message")?;
        let sender = self.signer(&ctx.config.prefix)?;
        let (request, module) = self.names();
        let event = Event::new("message", [("action", format!("/{request}"))]);
        ctx.emit(event.with("sender", sender).with("module", module));
        match self {
            Msg::RegisterNode(m) => registration::register(ctx, m).map(respond),
            Msg::UpdateNodeRegistration(m) => registration::update(ctx, m).map(respond),
            Msg::SubmitGradient(m) => gradient::submit(ctx, m, tx_hash).map(respond),
            Msg::CommitAggregation(m) => aggregation::commit(ctx, m).map(respond),
            Msg::RevealAggregation(m) => aggregation::reveal(ctx, m).map(respond),
            Msg::SubmitAggregation(m) => aggregation::submit(ctx, m).map(respond),
            Msg::AppealSlashing(m) => appeal::appeal(ctx, m).map(respond),
            Msg::Send(m) => bank::msg_send(ctx, m).map(respond),
            Msg::WithdrawDelegatorReward(m) => distribution::withdraw_reward(ctx, m).map(respond),
            Msg::WithdrawValidatorCommission(m) => distribution::withdraw_commission(ctx, m).map(respond),
            Msg::Delegate(m) => distribution::delegate(ctx, m).map(respond),
        }
    }

    fn names(&self) -> (String, &'static str) {
        match self {
            Msg::RegisterNode(_) => (MsgRegisterNode::full_name(), "remes"),
            Msg::UpdateNodeRegistration(_) => (MsgUpdateNodeRegistration::full_name(), "remes"),
            Msg::SubmitGradient(_) => (MsgSubmitGradient::full_name(), "remes"),
            Msg::CommitAggregation(_) => (MsgCommitAggregation::full_name(), "remes"),
            Msg::RevealAggregation(_) => (MsgRevealAggregation::full_name(), "remes"),
            Msg::SubmitAggregation(_) => (MsgSubmitAggregation::full_name(), "remes"),
            Msg::AppealSlashing(_) => (MsgAppealSlashing::full_name(), "remes"),
            Msg::Send(_) => (MsgSend::full_name(), "bank"),
            Msg::WithdrawDelegatorReward(_) => (MsgWithdrawDelegatorReward::full_name(), "distribution"),
            Msg::WithdrawValidatorCommission(_) => {
                (MsgWithdrawValidatorCommission::full_name(), "distribution")
            }
            Msg::Delegate(_) => (MsgDelegate::full_name(), "staking"),
        }
    }
}

fn respond<M: Message + Name>(response: M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: response.encode_to_vec() }
}
