//! Answers in the shape of CometBFT 0.38's RPC documentation.

use super::*;

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

#[test]
fn status() {
    let json = r#"{
      "node_info": {
        "protocol_version": {"p2p": "8", "block": "11", "app": "0"},
        "id": "5576458aef205977e18fd50b274e9b5d9014525a", "listen_addr": "tcp://0.0.0.0:26656",
        "network": "remes-test", "version": "0.38.17", "channels": "40202122233038606100",
        "moniker": "moniker-node", "other": {"tx_index": "on", "rpc_address": "tcp://0.0.0.0:26657"}
      },
      "sync_info": {
        "latest_block_hash": "790BA84C3545FCCC49A5C629CEE6EA58A6E875C3862175BDC11EE7AF54703501",
        "latest_app_hash": "C9AEBB441B787D9F1D846DE51F3826F4FD386108B59B08239653ABF59455C3F8",
        "latest_block_height": "1262196", "latest_block_time": "2019-08-01T11:52:22.818762194Z",
        "earliest_block_hash": "79", "earliest_app_hash": "C9", "earliest_block_height": "1",
        "earliest_block_time": "2019-08-01T11:52:22.818762194Z", "catching_up": false
      },
      "validator_info": {"address": "5D6A", "pub_key": {"type": "tendermint/PubKeyEd25519", "value": "x"}, "voting_power": "0"}
    }"#;
    let status: Status = read::<JsonStatus>(json).into();
    assert_eq!(
        (status.chain_id.as_str(), status.height, status.earliest_height),
        ("remes-test", 1_262_196, 1)
    );
    assert!(!status.catching_up && status.tx_index == "on" && status.version == "0.38.17");
    let bare: Status = read::<JsonStatus>(r#"{"sync_info":{"latest_block_height":"5"}}"#).into();
    assert_eq!(bare.height, 5);
    assert!(serde_json::from_str::<JsonStatus>("{}").is_err(), "a status without a height is none");
}

#[test]
fn block() {
    let json = r#"{
      "block_id": {"hash": "112BC173FD838FB68EB43476816CD7B4C6661B6884A9E357B417EE957E1CF8F7",
                   "parts": {"total": 1, "hash": "38"}},
      "block": {
        "header": {"version": {"block": "11"}, "chain_id": "remes-test", "height": "12",
                   "time": "2019-04-22T17:01:51.701356223Z", "app_hash": "AB", "proposer_address": "D5"},
        "data": {"txs": ["AQI="]},
        "evidence": {"evidence": []},
        "last_commit": {"height": "11", "round": 0, "block_id": {}, "signatures": []}
      }
    }"#;
    let block: Block = read::<JsonBlockResponse>(json).into();
    assert_eq!((block.header.height, block.txs), (12, vec![vec![1, 2]]));
    let empty: Block = read::<JsonBlockResponse>(
        r#"{"block_id":null,"block":{"header":{"height":"3"},"data":{"txs":null}}}"#,
    )
    .into();
    assert_eq!((empty.header.height, empty.txs.len()), (3, 0));
}

#[test]
fn block_results() {
    let json = r#"{
      "height": "12",
      "txs_results": [
        {"code": 0, "data": "EgA=", "log": "", "info": "", "gas_wanted": "200000", "gas_used": "28596",
         "events": [{"type": "tx", "attributes": [{"key": "fee", "value": "5stake", "index": true}]}], "codespace": ""},
        {"code": 32, "data": null, "log": "account sequence mismatch, expected 1, got 0: incorrect account sequence",
         "gas_wanted": "0", "gas_used": "0", "events": [], "codespace": "sdk"}
      ],
      "finalize_block_events": [{"type": "aggregation_finalized", "attributes": [
        {"key": "proposer", "value": "remes1p", "index": true}, {"key": "aggregation_id", "value": "0", "index": true},
        {"key": "training_round_id", "value": "1", "index": true}, {"key": "mode", "value": "EndBlock", "index": true}]}],
      "validator_updates": null, "consensus_param_updates": {"block": {"max_bytes": "22020096"}}, "app_hash": "abcd"
    }"#;
    let results: BlockResults = read(json);
    assert_eq!(results.txs_results.len(), 2);
    assert_eq!(
        (results.txs_results[0].gas_used, results.txs_results[0].data.as_slice()),
        (28596, &[0x12, 0][..])
    );
    assert_eq!((results.txs_results[1].code, results.txs_results[1].codespace.as_str()), (32, "sdk"));
    assert_eq!(
        results.finalize_block_events[0].decode(),
        Some(crate::ModuleEvent::AggregationFinalized {
            proposer: "remes1p".into(),
            aggregation_id: 0,
            training_round_id: 1
        })
    );
    let empty: BlockResults = read(r#"{"height":"3","txs_results":null,"finalize_block_events":null}"#);
    assert_eq!((empty.height, empty.txs_results.len()), (3, 0));
}

#[test]
fn abci_query() {
    let absent: JsonAbciQuery = read(
        r#"{"response":{"code":0,"log":"","info":"","index":"0","key":"YWNf","value":null,"proofOps":null,"height":"77","codespace":""}}"#,
    );
    assert_eq!((absent.response.value.len(), absent.response.height), (0, 77));
    let refused: JsonAbciQuery = read(
        r#"{"response":{"code":22,"log":"rpc error: code = NotFound desc = gradient 9 not found: key not found","info":"","index":"0","key":null,"value":null,"proofOps":null,"height":"77","codespace":"sdk"}}"#,
    );
    assert_eq!((refused.response.code, refused.response.codespace.as_str()), (22, "sdk"));
}

#[test]
fn tx_and_search() {
    let tx = r#"{"hash": "D70952032620CC4E2737EB8AC379806359D8E0B17B0488F627997A0B043ABDED", "height": "1000", "index": 2,
      "tx_result": {"code": 0, "data": null, "log": "[]", "gas_wanted": "200000", "gas_used": "28596", "events": null, "codespace": ""},
      "tx": "AQI="}"#;
    let found: TxResponse = read(tx);
    assert_eq!((found.height, found.index, found.tx.as_slice()), (1000, 2, &[1, 2][..]));
    let search: TxSearch = read(&format!(r#"{{"txs":[{tx}],"total_count":"31"}}"#));
    assert_eq!((search.txs.len(), search.total_count), (1, 31));
    assert_eq!(read::<TxSearch>(r#"{"txs":null,"total_count":"0"}"#), TxSearch::default());
    assert!(serde_json::from_str::<TxResponse>(r#"{"hash":"AB"}"#).is_err(), "without height and result");
}

#[test]
fn mempool() {
    let answer: BroadcastTxSync = read(
        r#"{"code":13,"data":"","log":"insufficient fee","codespace":"sdk","hash":"0D33F2F03A5234F38706E43004489E061AC40A2E"}"#,
    );
    assert_eq!((answer.code, answer.codespace.as_str()), (13, "sdk"));
    let waiting: NumUnconfirmedTxs = read(r#"{"n_txs":"31","total":"82","total_bytes":"19974","txs":null}"#);
    assert_eq!((waiting.total, waiting.total_bytes), (82, 19974));
}

#[test]
fn consensus_params() {
    let read = |gas: &str| -> ConsensusParams {
        let json = format!(
            r#"{{"block_height":"12","consensus_params":{{"block":{{"max_bytes":"22020096","max_gas":"{gas}"}},
               "evidence":{{"max_age_num_blocks":"100000"}},"validator":{{"pub_key_types":["ed25519"]}}}}}}"#
        );
        read::<JsonConsensusParams>(&json).into()
    };
    assert_eq!(read("-1"), ConsensusParams { max_bytes: Some(22_020_096), max_gas: None });
    assert_eq!(read("40000000").max_gas, Some(40_000_000));
}
