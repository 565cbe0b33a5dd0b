//! How a refusal is answered: a codespace, a code in it, and a log text.

use thiserror::Error;

/// A refusal of a transaction or of a query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{log}")]
pub struct Refusal {
    /// The module that numbers the code: `sdk`, `remes`, `undefined`, ...
    pub codespace: &'static str,
    /// Never 0.
    pub code: u32,
    /// What went wrong, with the registered text of the code at its end.
    pub log: String,
}

/// A registered error: codespace, code, registered text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code(&'static str, u32, &'static str);

impl Code {
    pub(crate) fn because(self, reason: impl std::fmt::Display) -> Refusal {
        Refusal { codespace: self.0, code: self.1, log: format!("{reason}: {}", self.2) }
    }
}

pub(crate) mod sdk {
    use super::Code;
    pub(crate) const TX_DECODE: Code = Code("sdk", 2, "tx parse error");
    pub(crate) const UNAUTHORIZED: Code = Code("sdk", 4, "unauthorized");
    pub(crate) const INSUFFICIENT_FUNDS: Code = Code("sdk", 5, "insufficient funds");
    pub(crate) const UNKNOWN_REQUEST: Code = Code("sdk", 6, "unknown request");
    pub(crate) const INVALID_ADDRESS: Code = Code("sdk", 7, "invalid address");
    pub(crate) const INVALID_PUB_KEY: Code = Code("sdk", 8, "invalid pubkey");
    pub(crate) const UNKNOWN_ADDRESS: Code = Code("sdk", 9, "unknown address");
    pub(crate) const INVALID_COINS: Code = Code("sdk", 10, "invalid coins");
    pub(crate) const OUT_OF_GAS: Code = Code("sdk", 11, "out of gas");
    pub(crate) const MEMO_TOO_LARGE: Code = Code("sdk", 12, "memo too large");
    pub(crate) const INSUFFICIENT_FEE: Code = Code("sdk", 13, "insufficient fee");
    pub(crate) const NO_SIGNATURES: Code = Code("sdk", 15, "no signatures supplied");
    pub(crate) const INVALID_REQUEST: Code = Code("sdk", 18, "invalid request");
    pub(crate) const TX_TOO_LARGE: Code = Code("sdk", 21, "tx too large");
    pub(crate) const KEY_NOT_FOUND: Code = Code("sdk", 22, "key not found");
    pub(crate) const INVALID_HEIGHT: Code = Code("sdk", 26, "invalid height");
    pub(crate) const TX_TIMEOUT_HEIGHT: Code = Code("sdk", 30, "tx timeout height");
    pub(crate) const WRONG_SEQUENCE: Code = Code("sdk", 32, "incorrect account sequence");
}

pub(crate) mod remes {
    use super::Code;
    pub(crate) const INVALID_MINER: Code = Code("remes", 1001, "invalid miner address");
    pub(crate) const INVALID_NODE: Code = Code("remes", 1002, "invalid node address");
    pub(crate) const INVALID_MODEL_VERSION: Code = Code("remes", 1005, "invalid model version");
    pub(crate) const INVALID_REQUEST: Code = Code("remes", 1007, "invalid request");
    pub(crate) const INVALID_GRADIENT_HASH: Code = Code("remes", 1012, "invalid gradient hash");
    pub(crate) const INVALID_IPFS_HASH: Code = Code("remes", 1013, "invalid IPFS hash");
    pub(crate) const INVALID_CHALLENGE: Code = Code("remes", 1014, "invalid challenge");
    pub(crate) const INVALID_SIGNATURE: Code = Code("remes", 1015, "invalid signature");
    pub(crate) const INVALID_NONCE: Code = Code("remes", 1016, "invalid nonce");
    pub(crate) const UNAUTHORIZED: Code = Code("remes", 1017, "unauthorized");
    pub(crate) const INSUFFICIENT_STAKE: Code = Code("remes", 1021, "insufficient stake");
}

pub(crate) mod distribution {
    use super::Code;
    pub(crate) const NO_DELEGATION: Code = Code("distribution", 5, "no delegation distribution info");
    pub(crate) const NO_COMMISSION: Code = Code("distribution", 7, "no validator commission to withdraw");
}

pub(crate) mod staking {
    use super::Code;
    pub(crate) const NO_VALIDATOR: Code = Code("staking", 3, "validator does not exist");
}

impl Refusal {
    /// An error that the module never registered: unknown ids, the supply cap.
    pub(crate) fn unregistered(reason: impl std::fmt::Display) -> Self {
        Refusal { codespace: "undefined", code: 1, log: reason.to_string() }
    }

    /// The module ran into a bug of its own and the SDK caught it.
    pub(crate) fn panicked(reason: impl std::fmt::Display) -> Self {
        Refusal { codespace: "undefined", code: 111_222, log: format!("recovered: {reason}: panic") }
    }

    /// The same refusal, with `context` before its text.
    pub(crate) fn within(self, context: impl std::fmt::Display) -> Self {
        Refusal { log: format!("{context}: {}", self.log), ..self }
    }
}
