//! Signatures over arbitrary data, as ADR-036 of the Cosmos SDK defines them.
//!
//! The data is wrapped into an amino sign document that no chain accepts as a transaction: no chain id,
//! no fee, account number and sequence 0. The document is canonical JSON: keys in order, no blanks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k256::ecdsa::signature::Verifier;
use k256::ecdsa::{Signature, VerifyingKey};

use crate::AccountKey;
use crate::account::address_of;

/// A signature over arbitrary data with the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArbitrarySignature {
    /// The compressed secp256k1 public key, 33 bytes.
    pub public_key: Vec<u8>,
    /// The compact signature `r || s`, 64 bytes.
    pub signature: Vec<u8>,
}

/// Why a signature over arbitrary data does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The signer is no bech32 address.
    #[error("the signer {signer:?} is not a bech32 address")]
    Signer {
        /// As it was given.
        signer: String,
    },
    /// The public key cannot be read.
    #[error("the public key is not a compressed secp256k1 key of 33 bytes")]
    PublicKey,
    /// The signature cannot be read.
    #[error("the signature is not a compact ECDSA signature of 64 bytes")]
    Signature,
    /// The public key belongs to another address.
    #[error("the public key belongs to {found}, and the signer is {signer}")]
    OtherSigner {
        /// The public key's address.
        found: String,
        /// The signer that was claimed.
        signer: String,
    },
    /// The signature is one of other data, or of another key.
    #[error("the signature does not fit the data and the public key")]
    DoesNotFit,
}

/// Signs `data` by ADR-036 as the account of `key` under `prefix`.
pub fn sign_arbitrary(key: &AccountKey, prefix: &str, data: &[u8]) -> ArbitrarySignature {
    ArbitrarySignature {
        public_key: key.public_key().to_bytes(),
        signature: key.sign(sign_document(&key.address(prefix), data).as_bytes()).to_vec(),
    }
}

/// Checks that the account `signer` signed `data` by ADR-036.
///
/// # Errors
/// [`VerifyError`] says which part does not hold. A signature with high `s`, which Cosmos chains refuse
/// as malleable, does not fit.
pub fn verify_arbitrary(signer: &str, data: &[u8], signed: &ArbitrarySignature) -> Result<(), VerifyError> {
    let (prefix, _) = subtle_encoding::bech32::decode(signer)
        .map_err(|_| VerifyError::Signer { signer: signer.to_owned() })?;
    let key = match signed.public_key.len() {
        33 => VerifyingKey::from_sec1_bytes(&signed.public_key).map_err(|_| VerifyError::PublicKey)?,
        _ => return Err(VerifyError::PublicKey),
    };
    let found = address_of(&signed.public_key, &prefix);
    if found != signer {
        return Err(VerifyError::OtherSigner { found, signer: signer.to_owned() });
    }
    let signature = Signature::from_slice(&signed.signature).map_err(|_| VerifyError::Signature)?;
    if signature.normalize_s().is_some() {
        return Err(VerifyError::DoesNotFit);
    }
    key.verify(sign_document(signer, data).as_bytes(), &signature).map_err(|_| VerifyError::DoesNotFit)
}

/// The sign document. Neither base64 nor a bech32 address holds a character that JSON escapes.
fn sign_document(signer: &str, data: &[u8]) -> String {
    let data = STANDARD.encode(data);
    format!(
        r#"{{"account_number":"0","chain_id":"","fee":{{"amount":[],"gas":"0"}},"memo":"","msgs":[{{"type":"sign/MsgSignData","value":{{"data":"{data}","signer":"{signer}"}}}}],"sequence":"0"}}"#
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> AccountKey {
        AccountKey::from_bytes(&[7; 32]).unwrap()
    }

    /// The example of the ADR with its blanks taken out.
    #[test]
    fn the_document_is_that_of_the_adr() {
        let signer = "cosmos1hftz5ugqmpg9243xeegsqqav62f8hnywsjr4xr";
        let document = sign_document(signer, b"random");
        let parsed: serde_json::Value = serde_json::from_str(&document).unwrap();
        let expected = serde_json::json!({
            "chain_id": "", "account_number": "0", "sequence": "0",
            "fee": { "gas": "0", "amount": [] },
            "msgs": [{ "type": "sign/MsgSignData", "value": { "signer": signer, "data": "cmFuZG9t" } }],
            "memo": "",
        });
        assert_eq!(parsed, expected);
        assert_eq!(document, parsed.to_string(), "canonical: keys in order, no blanks");
    }

    #[test]
    fn what_does_not_hold_is_said() {
        let signed = sign_arbitrary(&key(), "remes", b"data");
        let signer = key().address("remes");
        let check = |signer: &str, data: &[u8], change: &dyn Fn(&mut ArbitrarySignature)| {
            let mut changed = signed.clone();
            change(&mut changed);
            verify_arbitrary(signer, data, &changed)
        };
        assert_eq!(check(&signer, b"data", &|_| {}), Ok(()));
        assert_eq!(check(&signer, b"Data", &|_| {}), Err(VerifyError::DoesNotFit));
        assert_eq!(check(&signer, b"data", &|s| s.signature[40] ^= 1), Err(VerifyError::DoesNotFit));
        assert_eq!(check(&signer, b"data", &|s| s.signature.truncate(63)), Err(VerifyError::Signature));
        assert_eq!(check(&signer, b"data", &|s| s.public_key.truncate(32)), Err(VerifyError::PublicKey));
        assert!(matches!(check("remes1x", b"data", &|_| {}), Err(VerifyError::Signer { .. })));
        let other = AccountKey::from_bytes(&[8; 32]).unwrap().address("remes");
        assert!(matches!(check(&other, b"data", &|_| {}), Err(VerifyError::OtherSigner { .. })));
        // Another prefix is another signer: the document names it.
        assert_eq!(check(&key().address("cosmos"), b"data", &|_| {}), Err(VerifyError::DoesNotFit));
    }

    #[test]
    fn a_malleated_signature_is_refused() {
        let mut signed = sign_arbitrary(&key(), "remes", b"data");
        let low = Signature::from_slice(&signed.signature).unwrap();
        let (r, s) = low.split_scalars();
        signed.signature =
            Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap().to_bytes().to_vec();
        let refused = verify_arbitrary(&key().address("remes"), b"data", &signed);
        assert_eq!(refused, Err(VerifyError::DoesNotFit));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_signature_holds_for_its_data_and_no_other(data: Vec<u8>, at: usize) {
            let signed = sign_arbitrary(&key(), "remes", &data);
            let signer = key().address("remes");
            prop_assert_eq!(verify_arbitrary(&signer, &data, &signed), Ok(()));
            let mut other = data;
            match other.len() {
                0 => other.push(0),
                length => other[at % length] ^= 1,
            }
            prop_assert_eq!(verify_arbitrary(&signer, &other, &signed), Err(VerifyError::DoesNotFit));
        }
    }
}
