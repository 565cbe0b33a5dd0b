use super::*;

fn settled(as_: SettledAs, codespace: &str, code: u32, log: &str) -> SignedTransaction {
    SignedTransaction {
        hash: String::new(),
        round_id: Some(1),
        order_id: None,
        purpose: Purpose::Reveal,
        bytes: Vec::new(),
        sequence: 4,
        timeout_height: 20,
        fee: "2500stake".into(),
        sent: true,
        settlement: Some(Settlement {
            as_,
            height: None,
            code,
            codespace: codespace.into(),
            log: log.into(),
            gas_used: 0,
        }),
    }
}

#[test]
fn a_first_reveal_leaves_room_for_a_second_and_a_third() {
    // Committed in block 100, to be revealed up to block 110: each attempt is given up one block after its
    // timeout height has passed.
    assert_eq!(timeout_height(100, Some(110)), Some(103));
    assert_eq!(timeout_height(105, Some(110)), Some(107));
    assert_eq!(timeout_height(109, Some(110)), Some(110));
    assert_eq!(timeout_height(110, Some(110)), None, "the next block is past the deadline");
    assert_eq!(timeout_height(111, Some(110)), None);
    assert_eq!(timeout_height(100, None), Some(112));
}

#[test]
fn each_failure_teaches_the_next_attempt() {
    let count = |earlier: &[SignedTransaction]| Attempts::count(earlier, "stake");
    assert_eq!(count(&[]), Attempts::default());
    let timed_out = settled(SettledAs::TimedOut, "", 0, "");
    assert_eq!(
        count(&[timed_out.clone(), timed_out]),
        Attempts { made: 2, fee_raises: 2, ..Default::default() }
    );
    let late =
        settled(SettledAs::Included, "sdk", 30, "block height: 615, timeout height: 614: tx timeout height");
    assert_eq!(count(&[late]), Attempts { made: 1, fee_raises: 1, ..Default::default() });
    let out_of_gas = settled(SettledAs::Included, "sdk", 11, "out of gas in location: x: out of gas");
    assert_eq!(count(&[out_of_gas]), Attempts { made: 1, gas_raises: 1, ..Default::default() });
    let fee = "insufficient fees; got: 1stake required: 5000stake,3other: insufficient fee";
    let priced = count(&[settled(SettledAs::Refused, "sdk", 13, fee)]);
    assert_eq!(priced, Attempts { made: 1, least_fee: 5000, fee_refusals: 1, ..Default::default() });
    let unpriced = count(&[settled(SettledAs::Refused, "sdk", 13, "insufficient fee")]);
    assert_eq!((unpriced.least_fee, unpriced.fee_raises), (0, 1));
}

#[test]
fn a_refusal_is_believed_in_the_end() {
    let refusal = |code, log: &str| Refusal::new("sdk", code, log);
    let mut attempts = Attempts::default();
    for _ in 0..RAISES {
        assert!(attempts.may_raise(&refusal(11, "out of gas")));
        attempts.gas_raises += 1;
    }
    assert!(!attempts.may_raise(&refusal(11, "out of gas")));
    assert!(attempts.may_raise(&refusal(13, "insufficient fee")));
    assert!(!attempts.may_raise(&refusal(5, "insufficient funds")));
}
