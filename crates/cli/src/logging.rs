//! Log lines on standard error, apart from what a command prints.

use tracing_subscriber::EnvFilter;

/// Starts logging; `RUST_LOG` overrides the verbosity.
pub(crate) fn start(verbose: u8, json: bool) {
    let level = match verbose {
        // Commands print what an operator must know of themselves.
        0 => "error",
        1 => "warn,r3mes_engine=info,r3mes_localnet=info,r3mes_api=info",
        _ => {
            "info,r3mes_engine=debug,r3mes_chain=debug,r3mes_ipfs=debug,r3mes_localnet=debug,r3mes_api=debug"
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if json { builder.json().init() } else { builder.init() }
}
