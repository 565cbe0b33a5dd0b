//! The one place that builds an HTTP client.

use std::sync::Once;
use std::time::Duration;

use crate::ChainError;

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// Until the next bytes of a response come. It bounds silence, not the size of a download.
    pub read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts { connect: Duration::from_secs(5), read: Duration::from_secs(60) }
    }
}

/// An HTTP client with connection reuse. Clones share their connections, so one is enough.
///
/// Redirects are not followed: an RPC endpoint has no reason to send a caller elsewhere.
///
/// # Errors
/// [`ChainError::Client`] when the platform's certificate store cannot be used.
pub fn client(timeouts: Timeouts) -> Result<reqwest::Client, ChainError> {
    install_tls_provider();
    reqwest::Client::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("r3mes-proposer/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ChainError::Client { reason: crate::error::innermost(&error) })
}

/// Makes ring the process's TLS provider, once. A provider that the program installed stays.
pub(crate) fn install_tls_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It fails only where another provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
