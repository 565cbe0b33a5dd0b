//! What the chain does with what it takes: records, rewards, events, deadlines, challenges.

mod common;

use common::*;
use cosmrs::proto::cosmos::distribution::v1beta1::{
    MsgWithdrawDelegatorReward, MsgWithdrawDelegatorRewardResponse, MsgWithdrawValidatorCommission,
    MsgWithdrawValidatorCommissionResponse, QueryDelegationTotalRewardsRequest,
    QueryDelegationTotalRewardsResponse, QueryValidatorCommissionRequest, QueryValidatorCommissionResponse,
};
use cosmrs::proto::cosmos::staking::v1beta1::MsgDelegate;
use r3mes_chain::proto::*;
use r3mes_localnet::chain::{Block, Operation};
use r3mes_localnet::{LocalnetConfig, Role};
use serde_json::{Value, json};

const DEC_ONE: u128 = 1_000_000_000_000_000_000;

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// An event's attributes without those that the SDK adds.
fn own(mut attributes: Vec<(String, String)>) -> Vec<(String, String)> {
    attributes.retain(|(key, _)| key != "msg_index" && key != "mode");
    attributes
}

/// Events of the block that belong to no transaction, as `block_results` answers them.
async fn block_events(net: &Net, height: i64) -> Value {
    let results = net.rpc("block_results", json!({ "height": height.to_string() })).await;
    assert_eq!(results["height"], height.to_string());
    results["finalize_block_events"].clone()
}

#[tokio::test]
async fn a_round_from_announcement_to_finalization() {
    let net = Net::with(LocalnetConfig { challenge_period_blocks: 4, ..LocalnetConfig::default() }).await;
    let proposer = net.proposer.address.clone();
    let done = net.register(&net.proposer).await;
    let event = own(events(&done.result["events"], "register_node").remove(0));
    assert_eq!(event, pairs(&[("node_address", &proposer), ("node_type", "NODE_TYPE_PROPOSER")]));
    assert_eq!(net.registration(&proposer).await.registered_at_height, done.height);

    // The very first gradient, commitment and aggregation have id 0.
    let announcement = net.announcement(&net.miners[0], 3);
    let done = net.send(&net.miners[0], &announcement).await.unwrap();
    let response: MsgSubmitGradientResponse = done.response();
    assert_eq!((response.stored_gradient_id, &response.tx_hash), (0, &done.hash));
    let event = own(events(&done.result["events"], "gradient_submitted").remove(0));
    let expected = [
        ("miner", net.miners[0].address.as_str()),
        ("gradient_id", "0"),
        ("ipfs_hash", CID),
        ("model_version", VERSION),
        ("training_round_id", "3"),
    ];
    assert_eq!(event, pairs(&expected));
    let stored = net.gradient(0).await;
    assert_eq!((stored.status.as_str(), stored.submitted_at_height), ("pending", done.height));
    assert_eq!((stored.shard_id, stored.gpu_architecture.as_str()), (2, "sm_90"));

    let mut ids = vec![0];
    for miner in &net.miners[1..3] {
        let done = net.send(miner, &net.announcement(miner, 3)).await.unwrap();
        ids.push(done.response::<MsgSubmitGradientResponse>().stored_gradient_id);
    }
    let (commit, reveal) = net.commit_and_reveal(&net.proposer, &ids, 3).await;
    let committed = net.send(&net.proposer, &commit).await.unwrap();
    let response: MsgCommitAggregationResponse = committed.response();
    assert_eq!(response.commitment_id, 0);
    assert_eq!(response.reveal_deadline_height, committed.height + 10);
    let event = own(events(&committed.result["events"], "commit_aggregation").remove(0));
    assert_eq!(event, pairs(&[("proposer", &proposer), ("commitment_id", "0"), ("training_round_id", "3")]));
    let record: AggregationCommitment = net.record("ac_", 0).await.unwrap();
    assert_eq!(record.participant_gradient_ids, ids);
    assert_eq!((record.status.as_str(), record.committed_at_height), ("committed", committed.height));
    assert_eq!(net.gradient(0).await.status, "pending", "a commitment takes nothing yet");

    let before = net.balance(&proposer, "remes").await;
    let revealed = net.send(&net.proposer, &reveal).await.unwrap();
    let response: MsgRevealAggregationResponse = revealed.response();
    assert_eq!((response.aggregation_id, response.commitment_verified), (0, true));
    assert_eq!(net.balance(&proposer, "remes").await, before + 500 + 10 * 3);
    let list = &revealed.result["events"];
    let event = own(events(list, "reveal_aggregation").remove(0));
    let expected = [
        ("proposer", proposer.as_str()),
        ("commitment_id", "0"),
        ("aggregation_id", "0"),
        ("training_round_id", "3"),
    ];
    assert_eq!(event, pairs(&expected));
    let received = events(list, "coin_received").into_iter().map(own);
    let to_proposer = pairs(&[("receiver", &proposer), ("amount", "530remes")]);
    assert_eq!(received.filter(|event| *event == to_proposer).count(), 1);
    assert_eq!(attribute(list, "coinbase", "amount").as_deref(), Some("530remes"));
    assert_eq!(attribute(list, "message", "action").as_deref(), Some("/remes.remes.v1.MsgRevealAggregation"));
    for id in ids {
        assert_eq!(net.gradient(id).await.status, "aggregated");
    }
    let record: AggregationCommitment = net.record("ac_", 0).await.unwrap();
    assert_eq!((record.status.as_str(), record.revealed_aggregation_id), ("revealed", 0));
    let record = net.aggregation(0).await;
    assert_eq!((record.status.as_str(), record.submitted_at_height), ("pending", revealed.height));
    assert_eq!(record.challenge_deadline_height, revealed.height + 4);
    let summary: QueryGetAggregationResponse = net
        .query("/remes.remes.v1.Query/GetAggregation", &QueryGetAggregationRequest { id: 0 })
        .await
        .unwrap();
    assert_eq!((summary.participant_count, summary.merkle_root), (3, record.merkle_root));

    // It becomes final at the end of the deadline block, and says so in no transaction.
    net.chain().produce_blocks(3);
    assert_eq!(net.aggregation(0).await.status, "pending");
    assert!(events(&block_events(&net, revealed.height + 3).await, "aggregation_finalized").is_empty());
    net.chain().produce_block();
    assert_eq!(net.aggregation(0).await.status, "finalized");
    let event =
        own(events(&block_events(&net, revealed.height + 4).await, "aggregation_finalized").remove(0));
    assert_eq!(event, pairs(&[("proposer", &proposer), ("aggregation_id", "0"), ("training_round_id", "3")]));
    let found = net.rpc("tx_search", json!({ "query": "aggregation_finalized.aggregation_id EXISTS" })).await;
    assert_eq!(found["total_count"], "0");
}

#[tokio::test]
async fn a_direct_submission_pays_and_takes_as_a_reveal_does() {
    let net = Net::start().await;
    net.register(&net.proposer).await;
    let ids = net.announce(2, 1).await;
    let (_, reveal) = net.commit_and_reveal(&net.proposer, &ids, 1).await;
    let submission = MsgSubmitAggregation {
        proposer: reveal.proposer,
        aggregated_gradient_ipfs_hash: reveal.aggregated_gradient_ipfs_hash,
        merkle_root: reveal.merkle_root,
        participant_gradient_ids: ids,
        training_round_id: 1,
        model_version: VERSION.into(),
    };
    let before = net.balance(&net.proposer.address, "remes").await;
    let done = net.send(&net.proposer, &submission).await.unwrap();
    assert_eq!(done.response::<MsgSubmitAggregationResponse>().aggregation_id, 0);
    assert_eq!(net.balance(&net.proposer.address, "remes").await, before + 520);
    let event = own(events(&done.result["events"], "aggregation_submitted").remove(0));
    let expected =
        [("proposer", net.proposer.address.as_str()), ("aggregation_id", "0"), ("training_round_id", "1")];
    assert_eq!(event, pairs(&expected));
    assert_eq!(net.gradient(0).await.status, "aggregated");
}

#[tokio::test]
async fn gradients_are_paged_by_offset() {
    let net = Net::start().await;
    for round in 1..=25 {
        // All in one block, in the order in which they came.
        for miner in &net.miners[..5] {
            let message = any(&net.announcement(miner, round));
            let tx = net.sign(miner, &[message], &Options::default()).await;
            net.broadcast(&tx).await.unwrap();
        }
        net.chain().produce_block();
    }
    let page = async |offset, limit| -> Vec<u64> {
        let pagination =
            cosmrs::proto::cosmos::base::query::v1beta1::PageRequest { offset, limit, ..Default::default() };
        let request = QueryListStoredGradientRequest { pagination: Some(pagination) };
        let response: QueryListStoredGradientResponse =
            net.query("/remes.remes.v1.Query/ListStoredGradient", &request).await.unwrap();
        assert!(response.pagination.unwrap().next_key.is_empty());
        response.stored_gradients.iter().map(|g| g.id).collect()
    };
    assert_eq!(page(0, 0).await, (0..100).collect::<Vec<_>>(), "100 where no limit is stated");
    assert_eq!(page(100, 0).await, (100..125).collect::<Vec<_>>());
    assert_eq!(page(7, 3).await, [7, 8, 9]);
    assert!(page(125, 10).await.is_empty());
    let all: QueryListStoredGradientResponse = net
        .query("/remes.remes.v1.Query/ListStoredGradient", &QueryListStoredGradientRequest::default())
        .await
        .unwrap();
    assert_eq!(all.stored_gradients.len(), 100);
    let rounds: Vec<u64> = all.stored_gradients.iter().map(|g| g.training_round_id).take(6).collect();
    assert_eq!(rounds, [1, 1, 1, 1, 1, 2]);
    let unknown = QueryGetStoredGradientRequest { id: 125 };
    let refused = net
        .query::<QueryGetStoredGradientResponse>("/remes.remes.v1.Query/GetStoredGradient", &unknown)
        .await
        .unwrap_err();
    refused.is("sdk", 22, "stored gradient 125 not found: key not found");
}

#[tokio::test]
async fn a_challenge_lost_reverts_the_aggregation() {
    let net = Net::start().await;
    net.register(&net.proposer).await;
    let ids = net.announce(3, 1).await;
    let id = net.aggregate(&net.proposer, &ids, 1).await;
    let (proposer, admin) = (net.proposer.address.clone(), net.admin.address.clone());
    let (stake, bond) = (net.balance(&proposer, "remes").await, net.balance(&admin, "remes").await);
    let opened = net.admin("challenge", json!({ "aggregation_id": id, "challenger": admin })).await.unwrap();
    assert_eq!(opened["challenge_id"], "0");
    assert_eq!(net.balance(&admin, "remes").await, bond - 5_000);
    assert_eq!(net.aggregation(id).await.status, "challenged");
    let height = net.chain().height();
    let event = own(events(&block_events(&net, height).await, "aggregation_challenged").remove(0));
    assert_eq!(event, pairs(&[("challenger", &admin), ("challenge_id", "0"), ("aggregation_id", "0")]));

    net.admin("resolve-challenge", json!({ "challenge_id": 0, "guilty": true })).await.unwrap();
    assert_eq!(net.aggregation(id).await.status, "reverted");
    for gradient in &ids {
        assert_eq!(net.gradient(*gradient).await.status, "pending");
    }
    assert_eq!(net.balance(&proposer, "remes").await, stake - 25_000, "half of the stake");
    assert_eq!(net.balance(&admin, "remes").await, bond);
    let registration = net.registration(&proposer).await;
    assert_eq!((registration.slashing_events, registration.status()), (1, NodeStatus::Active));
    let height = net.chain().height();
    let list = block_events(&net, height).await;
    assert_eq!(attribute(&list, "node_slash", "node_address").as_ref(), Some(&proposer));
    assert_eq!(attribute(&list, "node_slash", "amount").as_deref(), Some("25000remes"));
    assert_eq!(attribute(&list, "resolve_challenge", "proposer").as_ref(), Some(&proposer));
    let challenge: ChallengeRecord = net.record("cr_", 0).await.unwrap();
    assert_eq!((challenge.aggregation_id, challenge.status.as_str()), (0, "upheld"));

    // The same gradients can be aggregated again under their old ids, and it never becomes final.
    let again = net.aggregate(&net.proposer, &ids, 1).await;
    assert_eq!(again, 1);
    net.chain().produce_blocks(110);
    assert_eq!(net.aggregation(0).await.status, "reverted");
    assert_eq!(net.aggregation(1).await.status, "finalized");
    net.admin("challenge", json!({ "aggregation_id": 0, "challenger": admin })).await.unwrap_err().is(
        "remes",
        1014,
        "aggregation 0 is reverted: invalid challenge",
    );
}

#[tokio::test]
async fn a_challenge_won_pays_half_of_the_bond_also_behind_finality() {
    let net = Net::with(LocalnetConfig { challenge_period_blocks: 5, ..LocalnetConfig::default() }).await;
    net.register(&net.proposer).await;
    let ids = net.announce(2, 1).await;
    let (proposer, admin) = (net.proposer.address.clone(), net.admin.address.clone());
    for (id, wait, status) in [(0, 0, "pending"), (1, 6, "finalized")] {
        assert_eq!(net.aggregate(&net.proposer, &ids[id..=id], 1).await, id as u64);
        net.chain().produce_blocks(wait);
        let before = net.balance(&proposer, "remes").await;
        let challenger = admin.clone();
        let aggregation_id = id as u64;
        let open = Operation::Challenge { aggregation_id, challenger, reason: "differs".into() };
        assert_eq!(net.administer(open)["challenge_id"], id.to_string());
        net.administer(Operation::ResolveChallenge { challenge_id: id as u64, guilty: false });
        assert_eq!(net.aggregation(id as u64).await.status, status);
        assert_eq!(net.balance(&proposer, "remes").await, before + 2_500);
    }
    // What was pending again becomes final at its old deadline.
    net.chain().produce_blocks(6);
    assert_eq!(net.aggregation(0).await.status, "finalized");
    net.admin("resolve-challenge", json!({ "challenge_id": 0, "guilty": true })).await.unwrap_err().is(
        "remes",
        1014,
        "challenge 0 is rejected",
    );
}

#[tokio::test]
async fn five_censored_gradients_cost_a_tenth_of_the_stake() {
    let net = Net::start().await;
    net.register(&net.proposer).await;
    let ids = net.announce(2, 1).await;
    let aggregation_id = net.aggregate(&net.proposer, &ids[..1], 1).await;
    let before = net.balance(&net.proposer.address, "remes").await;
    let reporter = net.admin.address.clone();
    let report =
        || Operation::ReportCensorship { aggregation_id, gradient_id: ids[1], reporter: reporter.clone() };
    for _ in 0..4 {
        net.administer(report());
    }
    assert_eq!(net.balance(&net.proposer.address, "remes").await, before);
    net.administer(report());
    assert_eq!(net.balance(&net.proposer.address, "remes").await, before - 5_000);
    let record = net.raw("pcr_", net.proposer.address.as_bytes()).await.unwrap();
    let record: ProposerCensorshipRecord = prost::Message::decode(record.as_slice()).unwrap();
    assert_eq!((record.censored_gradients, record.total_aggregations), (5, 1));
    let list = block_events(&net, net.chain().produce_block().height).await;
    assert_eq!(events(&list, "report_proposer_censorship").len(), 5);
    // An aggregated gradient was not left out.
    let wrong = json!({ "aggregation_id": 0, "gradient_id": 0, "reporter": net.admin.address });
    net.admin("report-censorship", wrong).await.unwrap_err().is("remes", 1014, "is aggregated");
}

#[tokio::test]
async fn whitelists_are_one_byte_or_nothing() {
    let net = Net::start().await;
    let address = net.miners[0].address.as_bytes();
    assert_eq!(net.raw("apa_", net.proposer.address.as_bytes()).await, Some(vec![1]));
    assert_eq!(net.raw("apa_", address).await, None);
    net.admin("grant-proposer", json!({ "address": net.miners[0].address })).await.unwrap();
    net.admin("grant-validator", json!({ "address": net.miners[0].address })).await.unwrap();
    assert_eq!(net.raw("apa_", address).await, Some(vec![1]));
    assert_eq!(net.raw("ava_", address).await, Some(vec![1]));
    net.admin("revoke-proposer", json!({ "address": net.miners[0].address })).await.unwrap();
    assert_eq!(net.raw("apa_", address).await, None);
    net.admin("suspend", json!({ "address": net.miners[0].address })).await.unwrap_err().is(
        "remes",
        1002,
        "is not a registered node",
    );
    net.admin("enthrone", json!({})).await.unwrap_err().is("undefined", 1, "unknown variant `enthrone`");
}

#[tokio::test]
async fn scores_model_and_formula() {
    let net = Net::start().await;
    let score = async |miner: &str| -> Result<QueryGetMinerScoreResponse, Refused> {
        let request = QueryGetMinerScoreRequest { miner: miner.to_owned() };
        net.query("/remes.remes.v1.Query/GetMinerScore", &request).await
    };
    let miner = &net.miners[0].address;
    score(miner).await.unwrap_err().is("sdk", 22, "has no record");
    net.register(&net.proposer).await;
    let ids = net.announce(2, 1).await;
    net.aggregate(&net.proposer, &ids[..1], 1).await;
    let good = score(miner).await.unwrap();
    assert_eq!((good.total_submissions, good.successful_submissions), (1, 1));
    assert_eq!((good.trust_score.as_str(), good.reputation_tier.as_str()), ("0.6667", "silver"));
    let waiting = score(&net.miners[1].address).await.unwrap();
    assert_eq!((waiting.total_submissions, waiting.successful_submissions), (1, 0));
    assert_eq!(waiting.trust_score, "0.3333");

    let model = GlobalModelState {
        model_ipfs_hash: CID.into(),
        model_version: "v2".into(),
        training_round_id: 4,
        last_aggregation_id: 0,
        ..GlobalModelState::default()
    };
    let height = net.chain().height();
    net.chain().set_global_model(model).unwrap();
    let state: QueryGetGlobalModelStateResponse = net
        .query("/remes.remes.v1.Query/GetGlobalModelState", &QueryGetGlobalModelStateRequest {})
        .await
        .unwrap();
    let state = state.state.unwrap();
    assert_eq!((state.model_version.as_str(), state.training_round_id), ("v2", 4));
    assert_eq!(state.last_updated_height, height);
    assert_eq!(state.last_updated_time.unwrap().seconds, 1_700_000_000 + 5 * height);
    let params: QueryGetModelParamsResponse =
        net.query("/remes.remes.v1.Query/GetModelParams", &QueryGetModelParamsRequest {}).await.unwrap();
    assert_eq!((params.model_ipfs_hash.as_str(), params.model_version.as_str()), (CID, "v2"));
    let formula: QueryGetRewardFormulaResponse =
        net.query("/remes.remes.v1.Query/GetRewardFormula", &QueryGetRewardFormulaRequest {}).await.unwrap();
    let formula: Value = serde_json::from_str(&formula.formulas).unwrap();
    assert_eq!(formula["proposer"]["base"], "500remes");
}

#[tokio::test]
async fn delegations_earn_and_are_withdrawn_in_one_transaction() {
    let net = Net::start().await;
    let delegator = net.proposer.address.clone();
    let total = async || -> QueryDelegationTotalRewardsResponse {
        let request = QueryDelegationTotalRewardsRequest { delegator_address: delegator.clone() };
        net.query("/cosmos.distribution.v1beta1.Query/DelegationTotalRewards", &request).await.unwrap()
    };
    net.chain().produce_blocks(20);
    let earned = total().await;
    assert_eq!(earned.rewards.len(), 2);
    let sum: u128 = earned.total[0].amount.parse().unwrap();
    // 1000 a block over 22 million tokens, of which a million with each validator, at 5 % and 10 %.
    let per_block = 1_000 * DEC_ONE / 22_000_000 * 1_000_000;
    let kept = per_block / 1000 * 50 + per_block / 1000 * 100;
    assert_eq!(sum, 21 * (2 * per_block - kept));
    let validators: Vec<String> = earned.rewards.iter().map(|r| r.validator_address.clone()).collect();
    let messages: Vec<_> = validators
        .iter()
        .map(|validator| {
            any(&MsgWithdrawDelegatorReward {
                delegator_address: delegator.clone(),
                validator_address: validator.clone(),
            })
        })
        .collect();
    let before = net.balance(&delegator, "stake").await;
    let tx = net.sign(&net.proposer, &messages, &Options::default()).await;
    let done = net.deliver(&tx).await.unwrap();
    let list = &done.result["events"];
    let withdrawn = events(list, "withdraw_rewards");
    assert_eq!(withdrawn.len(), 2);
    let amounts: Vec<u128> = done
        .responses::<MsgWithdrawDelegatorRewardResponse>()
        .iter()
        .map(|response| response.amount[0].amount.parse().unwrap())
        .collect();
    for (event, (validator, amount)) in withdrawn.into_iter().zip(validators.iter().zip(&amounts)) {
        let amount = format!("{amount}stake");
        assert_eq!(
            own(event),
            pairs(&[("amount", &amount), ("validator", validator), ("delegator", &delegator)])
        );
    }
    let gained: u128 = amounts.iter().sum();
    assert!(gained >= sum / DEC_ONE, "{gained} of {sum}");
    assert_eq!(net.balance(&delegator, "stake").await, before + gained - 25_000);
    let rest: u128 = total().await.total[0].amount.parse().unwrap();
    assert!(rest < 2 * DEC_ONE, "only fractions stay: {rest}");

    // The operator's commission.
    let operator = net.localnet.account(Role::Validator(0)).unwrap();
    let id: cosmrs::AccountId = operator.address.parse().unwrap();
    let validator = cosmrs::AccountId::new("remesvaloper", &id.to_bytes()).unwrap().to_string();
    let request = QueryValidatorCommissionRequest { validator_address: validator.clone() };
    let commission: QueryValidatorCommissionResponse =
        net.query("/cosmos.distribution.v1beta1.Query/ValidatorCommission", &request).await.unwrap();
    let waiting: u128 = commission.commission.unwrap().commission[0].amount.parse().unwrap();
    let message = MsgWithdrawValidatorCommission { validator_address: validator.clone() };
    let done = net.send(&operator, &message).await.unwrap();
    let paid: u128 =
        done.response::<MsgWithdrawValidatorCommissionResponse>().amount[0].amount.parse().unwrap();
    assert!(paid >= waiting / DEC_ONE && paid > 0);
    let event = attribute(&done.result["events"], "withdraw_commission", "amount");
    assert_eq!(event, Some(format!("{paid}stake")));

    // A miner that delegates nothing withdraws nothing; once it delegates it earns.
    let miner = &net.miners[0];
    let withdraw = MsgWithdrawDelegatorReward {
        delegator_address: miner.address.clone(),
        validator_address: validator.clone(),
    };
    net.send(miner, &withdraw).await.unwrap_err().is("distribution", 5, "no delegation");
    let delegate = MsgDelegate {
        delegator_address: miner.address.clone(),
        validator_address: validator,
        amount: Some(cosmrs::proto::cosmos::base::v1beta1::Coin {
            denom: "stake".into(),
            amount: "50000000".into(),
        }),
    };
    net.send(miner, &delegate).await.unwrap();
    net.chain().produce_blocks(3);
    let done = net.send(miner, &withdraw).await.unwrap();
    let amount: u128 =
        done.response::<MsgWithdrawDelegatorRewardResponse>().amount[0].amount.parse().unwrap();
    assert!(amount > 0);
}

#[tokio::test]
async fn simulations_tell_the_gas_and_the_refusal() {
    let net = Net::start().await;
    let message = any(&registration(&net.proposer.address));
    let tx =
        net.sign(&net.proposer, &[message], &Options { gas: 0, fee: Some(0), ..Options::default() }).await;
    let simulated = net.simulate(&tx).await.unwrap();
    let gas = simulated.gas_info.unwrap().gas_used;
    assert!(gas > 50_000);
    assert!(net.raw("nr_", net.proposer.address.as_bytes()).await.is_none(), "a simulation keeps nothing");
    // The same transaction with its gas and a fee uses just a little more: its fee is longer.
    let done = net.register(&net.proposer).await;
    let used: u64 = done.result["gas_used"].as_str().unwrap().parse().unwrap();
    assert!(used.abs_diff(gas) < 1_000, "{used} and {gas}");
    assert_eq!(done.result["gas_wanted"], "1000000");

    let wrong = registration(&net.miners[0].address);
    let tx = net.sign(&net.miners[0], &[any(&wrong)], &Options::default()).await;
    let refused = net.simulate(&tx).await.unwrap_err();
    refused.is("sdk", 6, "rpc error: code = Unknown desc = failed to execute message; message index: 0: ");
    refused.is("sdk", 6, "is not an authorized proposer: unauthorized with gas used: '");
}

#[tokio::test]
async fn a_block_holds_many_transactions_of_one_account_in_their_order() {
    let net = Net::start().await;
    net.register(&net.proposer).await;
    let ids = net.announce(2, 1).await;
    let (commit, reveal) = net.commit_and_reveal(&net.proposer, &ids, 1).await;
    let sequence = net.base_account(&net.proposer.address).await.unwrap().sequence;
    let mut hashes = Vec::new();
    for (offset, message) in [any(&commit), any(&reveal)].into_iter().enumerate() {
        let options = Options { sequence: Some(sequence + offset as u64), ..Options::default() };
        let tx = net.sign(&net.proposer, &[message], &options).await;
        hashes.push(net.broadcast(&tx).await.unwrap());
    }
    let block = net.chain().produce_block();
    let order: Vec<&str> = block.txs.iter().map(|tx| tx.hash.as_str()).collect();
    assert_eq!(order, hashes);
    assert!(block.txs.iter().all(|tx| tx.result.code == 0));
    assert_eq!(net.aggregation(0).await.submitted_at_height, block.height);
}

#[tokio::test]
async fn equal_transactions_in_equal_blocks_give_equal_chains() {
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let net = Net::start().await;
        net.register(&net.proposer).await;
        let ids = net.announce(3, 1).await;
        net.aggregate(&net.proposer, &ids, 1).await;
        net.administer(Operation::Suspend { address: net.proposer.address.clone() });
        let last: std::sync::Arc<Block> = net.chain().produce_block();
        hashes.push((last.height, last.hash, last.app_hash));
    }
    assert_eq!(hashes[0], hashes[1]);
}
