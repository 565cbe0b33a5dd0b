//! What the window may ask: each command parses, calls the session and hands the answer back. The bindings
//! of the web UI are generated from this list.

mod account;
mod desktop;
mod history;
mod observe;
mod setup;
#[cfg(test)]
mod tests;

use r3mes_api::session::Delta;
use r3mes_api::{ApiError, ErrorCode};
use tauri::Runtime;
use tauri_specta::{Builder, collect_commands};

/// What every command answers.
pub(crate) type Answer<T> = Result<T, ApiError>;

/// All commands and events: one builder for the program, the mock runtime and the bindings.
pub fn builder<R: Runtime>() -> Builder<R> {
    Builder::<R>::new()
        .commands(collect_commands![
            observe::snapshot,
            observe::deltas,
            observe::start,
            observe::stop,
            observe::look_again,
            observe::machine_load,
            observe::check_system,
            observe::doctor,
            observe::log_page,
            observe::export_log,
            observe::window_ready,
            observe::record_fault,
            history::rounds,
            history::gradients,
            history::gradient,
            history::gradient_points,
            history::miners,
            history::miner,
            history::submissions,
            history::export_submissions,
            history::ledger,
            history::earnings_by_day,
            setup::settings,
            setup::check_settings,
            setup::save_settings,
            setup::set_preferences,
            setup::profiles,
            setup::choose_network,
            setup::add_profile,
            setup::probe_endpoint,
            setup::probe_ipfs,
            setup::probe_folder,
            setup::set_access_passphrase,
            account::keychain_state,
            account::draft_key,
            account::reveal_words,
            account::keep_key,
            account::drop_draft,
            account::import_key,
            account::use_key,
            account::delete_key,
            account::unlock_keys,
            account::back_up,
            account::restore,
            account::request_authorization,
            account::save_authorization,
            account::send_authorization,
            account::grant_on_local_network,
            account::registration_preview,
            account::register,
            account::claim_preview,
            account::claim,
            account::check_payout,
            account::payout_preview,
            account::payout,
            desktop::pick_folder,
            desktop::move_data_folder,
            desktop::open_data_folder,
            desktop::open_page,
            desktop::quit,
        ])
        .typ::<Delta>()
        .typ::<ErrorCode>()
}
