//! Appeals against a slash.

use r3mes_chain::proto::{MsgAppealSlashing, MsgAppealSlashingResponse};

use super::super::context::Context;
use super::super::error::{Refusal, remes};
use super::super::event::Event;
use super::auth;
use super::remes::{NEXT_APPEAL, appeal_key, check_cid, registration};

pub(crate) fn appeal(
    ctx: &mut Context<'_>,
    msg: &MsgAppealSlashing,
) -> Result<MsgAppealSlashingResponse, Refusal> {
    let appellant = &msg.appellant;
    if !auth::is_address(appellant, &ctx.config.prefix) {
        return Err(remes::INVALID_NODE.because(format_args!("{appellant:?} is not an address")));
    }
    if msg.appeal_reason.trim().is_empty() {
        return Err(remes::INVALID_REQUEST.because("the appeal states no reason"));
    }
    check_cid(&msg.evidence_ipfs_hash)?;
    if registration(ctx, appellant)?.is_none_or(|r| r.slashing_events == 0) {
        return Err(remes::INVALID_REQUEST.because(format_args!("{appellant} was never slashed")));
    }
    let id = ctx.next_id(NEXT_APPEAL);
    ctx.set_record(appeal_key(id), msg);
    let appeal_id = format!("appeal-{id}");
    ctx.emit(Event::new("appeal_slashing", [("appellant", appellant), ("appeal_id", &appeal_id)]));
    Ok(MsgAppealSlashingResponse { appeal_id })
}
