//! The one error of the border: a stable code, text for people, and what mends it.

use std::fmt;

use r3mes_chain::{ChainError, RefusalReason};
use r3mes_config::ConfigError;
use r3mes_engine::EngineError;
use r3mes_localnet::LocalnetError;
use serde::Serialize;
use specta::Type;

use crate::files::FileError;

/// What kind of error it is; a face may branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// A file that was given cannot be used.
    File,
    /// The settings or a profile cannot be used.
    Settings,
    /// What was asked for does not fit together.
    Request,
    /// The data folder is in use.
    InUse,
    /// There is no key for this account.
    Key,
    /// There is no keychain service.
    NoKeychain,
    /// The keychain is there and locked.
    KeychainLocked,
    /// The store is open and the key's entry is not in it.
    NoKeyEntry,
    /// The store holds something else than the key that was enrolled.
    KeyDiffers,
    /// A passphrase is missing or wrong.
    Passphrase,
    /// The access passphrase of the desktop is missing or wrong.
    Access,
    /// The account may not propose.
    Standing,
    /// The same key runs elsewhere.
    ForeignCommitment,
    /// The chain or IPFS does not answer, or says something else than it must.
    Network,
    /// The chain refused a transaction.
    Refused,
    /// Another order of the same kind is under way.
    Pending,
    /// There is nothing to claim.
    NothingToClaim,
    /// The fee is above a limit, or above what it would bring.
    Fee,
    /// The account owns too little.
    InsufficientFunds,
    /// The stake is below the network's minimum.
    InsufficientStake,
    /// A person did not confirm it.
    Unconfirmed,
    /// What was shown or signed does not hold.
    Invalid,
    /// The proposer's own folder, journal or tasks failed.
    Engine,
}

/// An error as a face shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
pub struct ApiError {
    /// The kind.
    pub code: ErrorCode,
    /// One line for people.
    pub message: String,
    /// What to do about it, where that is known.
    pub remedy: Option<String>,
    /// Whether the same may succeed a little later, without anything being changed.
    #[serde(skip)]
    pub(crate) transient: bool,
}

impl ApiError {
    /// An error of a face's own, such as a prompt that was left.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), remedy: None, transient: false }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<String>) -> ApiError {
        ApiError { remedy: Some(remedy.into()), ..self }
    }

    /// 2 for input that cannot be used, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self.code {
            ErrorCode::File | ErrorCode::Settings | ErrorCode::Request | ErrorCode::Unconfirmed => 2,
            _ => 1,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<FileError> for ApiError {
    fn from(error: FileError) -> ApiError {
        let code = match error {
            FileError::Request(_) | FileError::Method(_) => ErrorCode::Request,
            FileError::Read { .. } | FileError::Aggregation(_) => ErrorCode::File,
        };
        ApiError::new(code, error.to_string())
    }
}

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> ApiError {
        ApiError::new(ErrorCode::Settings, error.to_string())
    }
}

impl From<LocalnetError> for ApiError {
    fn from(error: LocalnetError) -> ApiError {
        ApiError::new(ErrorCode::Network, format!("run the local network: {error}"))
    }
}

impl From<ChainError> for ApiError {
    fn from(error: ChainError) -> ApiError {
        EngineError::from(error).into()
    }
}

/// The code of a refusal, and what to do about it.
fn of_refusal(reason: &RefusalReason) -> (ErrorCode, Option<String>) {
    let code = match reason {
        RefusalReason::InsufficientFunds | RefusalReason::UnknownAccount => ErrorCode::InsufficientFunds,
        RefusalReason::InsufficientStake => ErrorCode::InsufficientStake,
        _ => ErrorCode::Refused,
    };
    (code, Some(reason.remedy().to_owned()))
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> ApiError {
        let (code, remedy) = match &error {
            EngineError::AlreadyRunning { .. } => (ErrorCode::InUse, None),
            EngineError::Standing { .. } => (ErrorCode::Standing, None),
            EngineError::ForeignCommitment { .. } => (ErrorCode::ForeignCommitment, None),
            EngineError::Refused(refusal) | EngineError::Chain(ChainError::Refused(refusal)) => {
                of_refusal(&refusal.reason)
            }
            EngineError::FeeTooHigh { .. } => (ErrorCode::Fee, None),
            EngineError::Chain(_) => (
                ErrorCode::Network,
                Some("check the RPC address in the network profile, and that the node runs".to_owned()),
            ),
            EngineError::Ipfs(_) | EngineError::IpfsNode(_) | EngineError::Fetch(_) => (
                ErrorCode::Network,
                Some("check the IPFS address in the network profile, and that the IPFS node runs".to_owned()),
            ),
            EngineError::WrongChain { .. }
            | EngineError::CidDiffers { .. }
            | EngineError::NotStored { .. } => (ErrorCode::Network, None),
            _ => (ErrorCode::Engine, None),
        };
        ApiError { code, message: error.to_string(), remedy, transient: error.is_transient() }
    }
}
