use cosmrs::proto::cosmos::vesting::v1beta1::BaseVestingAccount;
use prost::Name;

use super::*;
use crate::tx::any;

fn numbered() -> BaseAccount {
    BaseAccount { address: "remes1a".into(), account_number: 7, sequence: 3, ..BaseAccount::default() }
}

fn found(any: &Any) -> Option<(u64, u64)> {
    base_account(any).unwrap().map(|base| (base.account_number, base.sequence))
}

#[test]
fn every_account_type_holds_a_base_account() {
    let vesting =
        Some(BaseVestingAccount { base_account: Some(numbered()), ..BaseVestingAccount::default() });
    let accounts = [
        any(&numbered()),
        any(&ModuleAccount { base_account: Some(numbered()), ..ModuleAccount::default() }),
        any(&ContinuousVestingAccount { base_vesting_account: vesting.clone(), start_time: 1 }),
        any(&DelayedVestingAccount { base_vesting_account: vesting.clone() }),
        any(&PeriodicVestingAccount { base_vesting_account: vesting.clone(), ..Default::default() }),
        any(&PermanentLockedAccount { base_vesting_account: vesting }),
    ];
    for account in accounts {
        assert_eq!(found(&account), Some((7, 3)), "{}", account.type_url);
    }
    let other = Any { type_url: "/ethermint.types.v1.EthAccount".into(), value: vec![] };
    assert_eq!(found(&other), None);
    let broken = Any { type_url: BaseAccount::type_url(), value: vec![0xff] };
    assert!(base_account(&broken).is_err());
}

#[test]
fn not_found_is_told_from_refused() {
    let not_found = [
        Refusal::new("sdk", 22, "rpc error: code = NotFound desc = account remes1a not found: key not found"),
        Refusal::new("sdk", 6, "rpc error: code = NotFound desc = x: unknown request"),
        Refusal::new("undefined", 1, "gradient 5 not found"),
    ];
    assert!(not_found.iter().all(is_not_found));
    assert!(!is_not_found(&Refusal::new("sdk", 6, "unknown query path: unknown request")));
}
