use super::*;

#[test]
fn frames_of_cometbft_are_read() {
    let confirmation = read_frame(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#).unwrap();
    assert!(matches!(confirmation, Frame::Confirmation));
    let block = br#"{"jsonrpc":"2.0","id":1,"result":{"query":"tm.event='NewBlock'","data":{"type":"tendermint/event/NewBlock","value":{
        "block":{"header":{"chain_id":"remes-test","height":"9","time":"2026-01-01T00:00:00Z"},"data":{"txs":["AQI="]},"evidence":{"evidence":[]},"last_commit":{}},
        "block_id":{"hash":"AB"},
        "result_finalize_block":{"events":[{"type":"aggregation_finalized","attributes":[{"key":"aggregation_id","value":"0","index":true}]}],
          "tx_results":[],"validator_updates":[],"app_hash":"x"}}},
        "events":{"tm.event":["NewBlock"],"aggregation_finalized.aggregation_id":["0"]}}}"#;
    let Frame::Notice(Notice::Block { height, time, events }) = read_frame(block).unwrap() else { panic!() };
    assert_eq!((height, time.as_str()), (9, "2026-01-01T00:00:00Z"));
    assert!(matches!(
        events[0].decode(),
        Some(crate::ModuleEvent::AggregationFinalized { aggregation_id: 0, .. })
    ));
    let tx = br#"{"jsonrpc":"2.0","id":2,"result":{"query":"tm.event='Tx'","data":{"type":"tendermint/event/Tx","value":{"TxResult":{
        "height":"9","index":1,"tx":"AQI=","result":{"code":5,"codespace":"sdk","data":null,"log":"insufficient funds","gasWanted":"7","gas_used":"6","events":[]}}}},
        "events":{"tm.event":["Tx"],"tx.height":["9"]}}}"#;
    let Frame::Notice(Notice::Tx(included)) = read_frame(tx).unwrap() else { panic!() };
    assert_eq!(included.hash, "A12871FEE210FB8619291EAEA194581CBD2531E4B23759D225F6806923F63222");
    assert_eq!((included.height, included.index, included.gas_wanted, included.gas_used), (9, 1, 7, 6));
    assert!(included.refusal().is_some());
    let error = br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"client is not pulling messages fast enough"}}"#;
    assert!(matches!(read_frame(error), Err(ChainError::Node(_))));
    assert!(matches!(read_frame(b"<html>"), Err(ChainError::Malformed { .. })));
}

#[test]
fn the_websocket_stands_beside_the_rpc_endpoint() {
    let address = |text: &str| websocket_url(&Url::parse(text).unwrap()).map(String::from);
    assert_eq!(address("http://127.0.0.1:26657").unwrap(), "ws://127.0.0.1:26657/websocket");
    assert_eq!(address("https://node.example/rpc/").unwrap(), "wss://node.example/rpc/websocket");
    assert_eq!(address("wss://node.example/websocket").unwrap(), "wss://node.example/websocket");
    assert!(matches!(address("ftp://node.example"), Err(ChainError::Endpoint { .. })));
}

#[test]
fn waits_double_up_to_the_longest() {
    let backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };
    let waits: Vec<u64> = (0..9).map(|failures| backoff.wait(failures).as_millis() as u64).collect();
    assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    assert_eq!(backoff.wait(u32::MAX), backoff.longest);
}
