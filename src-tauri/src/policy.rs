//! The shell's decisions, as functions of plain values.

use std::path::Path;

use r3mes_api::session::{EngineState, Health, Notice, NoticeKind, Preferences};

/// What closing the window does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnClose {
    /// The window goes, the engine works on, and the tray brings the window back.
    Hide,
    /// The launcher ends in order.
    Quit,
}

/// A window may only hide where there is something to bring it back.
pub(crate) fn on_close(tray_host: bool, close_to_tray: bool) -> OnClose {
    if tray_host && close_to_tray { OnClose::Hide } else { OnClose::Quit }
}

/// Whether the launcher begins without a window: when the desktop started it, and a tray can bring it back.
pub(crate) fn begins_hidden(started_by_desktop: bool, tray_host: bool) -> bool {
    started_by_desktop && tray_host
}

/// Whether the operator chose to be told of it.
pub(crate) fn is_told(preferences: &Preferences, kind: NoticeKind) -> bool {
    preferences.notifications.contains(&kind)
}

/// What a notification is headed by.
pub(crate) fn heading(notice: &Notice, turkish: bool) -> &'static str {
    match (notice.kind, turkish) {
        (NoticeKind::RoundRevealed, false) => "Round revealed",
        (NoticeKind::RoundRevealed, true) => "Tur açıklandı",
        (NoticeKind::Reward, false) => "Reward booked",
        (NoticeKind::Reward, true) => "Ödül kaydedildi",
        (NoticeKind::Challenge, false) => "Aggregation challenged",
        (NoticeKind::Challenge, true) => "Birleştirmeye itiraz edildi",
        (NoticeKind::Slash, false) => "Stake cut",
        (NoticeKind::Slash, true) => "Teminat kesildi",
        (NoticeKind::RevealAtRisk, false) => "Reveal at risk",
        (NoticeKind::RevealAtRisk, true) => "Açıklama tehlikede",
        (NoticeKind::DiskLow, false) => "Disk nearly full",
        (NoticeKind::DiskLow, true) => "Disk dolmak üzere",
        (NoticeKind::EngineStopped, false) => "Proposer stopped",
        (NoticeKind::EngineStopped, true) => "Önerici durdu",
    }
}

/// What a notification says, with the amount as people read it. The engine's own words are English; in Turkish
/// what is more to say stands in the window.
pub(crate) fn body(notice: &Notice, amount: Option<&str>, turkish: bool) -> String {
    if !turkish {
        return notice.detail.clone();
    }
    let round = notice.training_round.as_deref();
    match (notice.kind, round) {
        (NoticeKind::RoundRevealed, Some(round)) => format!("{round} numaralı tur açıklandı"),
        (NoticeKind::Reward, Some(round)) => {
            format!("{round} numaralı tur {} kazandırdı", amount.unwrap_or_default())
        }
        (NoticeKind::Challenge, Some(round)) => {
            format!("{round} numaralı turun birleştirmesine itiraz edildi")
        }
        (NoticeKind::Slash, Some(round)) => format!("{round} numaralı turun birleştirmesi geri alındı"),
        (NoticeKind::Slash, None) => format!("zincir {} kesti", amount.unwrap_or_default()),
        (NoticeKind::RevealAtRisk, _) => "taahhüdün süresi doluyor, açıklama henüz zincirde değil".to_owned(),
        (NoticeKind::DiskLow, _) => "veri klasörünün diskinde yer azaldı".to_owned(),
        (NoticeKind::EngineStopped, _) => "nedeni ve çaresi pencerede".to_owned(),
        (NoticeKind::RoundRevealed | NoticeKind::Reward | NoticeKind::Challenge, None) => {
            "ayrıntısı pencerede".to_owned()
        }
    }
}

/// Whether texts of the shell are in Turkish: by the preference, or else by the system.
pub(crate) fn is_turkish(language: Option<&str>, locale: Option<&str>) -> bool {
    language.or(locale).is_some_and(|language| language.to_ascii_lowercase().starts_with("tr"))
}

/// What the tray says of the engine.
pub(crate) fn tray_line(state: EngineState, health: Health, turkish: bool) -> &'static str {
    use EngineState::{CannotRecover, Running, Starting, Stopped, StoppedWithError, Stopping};
    match (state, health, turkish) {
        (Stopped, _, false) => "Stopped",
        (Stopped, _, true) => "Durdu",
        (Starting, _, false) => "Starting",
        (Starting, _, true) => "Başlıyor",
        (Running, Health::Troubled, false) => "Running, with trouble",
        (Running, Health::Troubled, true) => "Çalışıyor, sorun var",
        (Running, _, false) => "Running",
        (Running, _, true) => "Çalışıyor",
        (Stopping, _, false) => "Stopping",
        (Stopping, _, true) => "Duruyor",
        (StoppedWithError, _, false) => "Stopped, will try again",
        (StoppedWithError, _, true) => "Durdu, yeniden denenecek",
        (CannotRecover, _, false) => "Stopped: needs you",
        (CannotRecover, _, true) => "Durdu: size ihtiyaç var",
    }
}

/// What the tray's icon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing runs, and nothing need be done.
    Stopped,
    /// The engine works.
    Running,
    /// Something keeps the engine from its work.
    Trouble,
}

/// The icon that stands for a state.
pub(crate) fn tray_mark(state: EngineState, health: Health) -> Mark {
    use EngineState::{CannotRecover, Running, Starting, Stopped, StoppedWithError, Stopping};
    match (state, health) {
        (StoppedWithError | CannotRecover, _) | (Running, Health::Troubled) => Mark::Trouble,
        (Running, _) => Mark::Running,
        (Stopped | Starting | Stopping, _) => Mark::Stopped,
    }
}

/// The locale out of the environment, as languages are named in a browser: `tr_TR.UTF-8` is `tr-TR`. The
/// `C` and `POSIX` locales name no language.
pub(crate) fn locale(variables: [Option<String>; 3]) -> Option<String> {
    let chosen = variables.into_iter().flatten().find(|value| !value.is_empty())?;
    let name = chosen.split(['.', '@', ':']).next().unwrap_or_default().replace('_', "-");
    (!name.is_empty() && name != "C" && name != "POSIX").then_some(name)
}

/// Whether the window's renderer must leave DMA buffers alone: on NVIDIA's driver it shows nothing else, and without
/// a graphics card it takes twice as long for a frame. What the operator has said about it holds.
pub(crate) fn avoids_dmabuf(set_already: bool, nvidia: bool, draws: bool) -> bool {
    (nvidia || !draws) && !set_already
}

/// Whether there is a device that draws.
pub(crate) fn has_graphics(dev: &Path) -> bool {
    let devices = std::fs::read_dir(dev.join("dri")).into_iter().flatten().flatten();
    devices.into_iter().any(|device| device.file_name().to_string_lossy().starts_with("renderD"))
}

/// Whether NVIDIA's own driver is loaded.
pub(crate) fn has_nvidia(proc: &Path) -> bool {
    proc.join("driver/nvidia/version").exists()
}

/// Whether a URL is that of a known page or below it.
pub(crate) fn is_page_of(url: &str, page: &str) -> bool {
    let page = page.trim_end_matches('/');
    let web = url.starts_with("https://") || url.starts_with("http://");
    web && url.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_hides_only_where_a_tray_brings_it_back() {
        assert_eq!(on_close(true, true), OnClose::Hide);
        for (tray, wish) in [(false, true), (true, false), (false, false)] {
            assert_eq!(on_close(tray, wish), OnClose::Quit);
        }
        assert!(begins_hidden(true, true));
        assert!(!begins_hidden(true, false));
        assert!(!begins_hidden(false, true));
    }

    #[test]
    fn only_what_was_chosen_is_told() {
        let preferences = Preferences { notifications: vec![NoticeKind::Slash], ..Preferences::default() };
        assert!(is_told(&preferences, NoticeKind::Slash));
        assert!(!is_told(&preferences, NoticeKind::Reward));
    }

    #[test]
    fn a_notification_of_every_kind_has_words_in_both_languages() {
        for kind in NoticeKind::ALL {
            let notice = Notice {
                kind,
                training_round: Some("7".into()),
                amount: Some("12000000".into()),
                denom: Some("uremes".into()),
                detail: format!("the engine's words of {kind:?}"),
            };
            assert_ne!(heading(&notice, false), heading(&notice, true));
            assert_eq!(body(&notice, Some("12 REMES"), false), notice.detail);
            for notice in [notice.clone(), Notice { training_round: None, ..notice.clone() }] {
                let turkish = body(&notice, Some("12 REMES"), true);
                assert!(!turkish.is_empty() && !turkish.contains("the engine"), "{turkish}");
            }
        }
        let reward = Notice {
            kind: NoticeKind::Reward,
            training_round: Some("7".into()),
            amount: None,
            denom: None,
            detail: String::new(),
        };
        assert_eq!(body(&reward, Some("12 REMES"), true), "7 numaralı tur 12 REMES kazandırdı");
    }

    #[test]
    fn a_locale_names_a_language_or_nothing() {
        let of = |text: &str| locale([None, Some(text.to_owned()), None]);
        assert_eq!(of("tr_TR.UTF-8").as_deref(), Some("tr-TR"));
        assert_eq!(of("en").as_deref(), Some("en"));
        for none in ["C", "C.UTF-8", "POSIX", ""] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(locale([Some("de_DE".into()), Some("tr_TR".into()), None]).as_deref(), Some("de-DE"));
        assert!(is_turkish(None, Some("tr-TR")) && !is_turkish(Some("en"), Some("tr-TR")));
    }

    #[test]
    fn dma_buffers_are_left_alone_on_nvidia_and_without_a_graphics_card() {
        assert!(avoids_dmabuf(false, true, true) && avoids_dmabuf(false, false, false));
        assert!(!avoids_dmabuf(true, true, true) && !avoids_dmabuf(true, false, false));
        assert!(!avoids_dmabuf(false, false, true));
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_nvidia(folder.path()));
        std::fs::create_dir_all(folder.path().join("driver/nvidia")).unwrap();
        std::fs::write(folder.path().join("driver/nvidia/version"), "").unwrap();
        assert!(has_nvidia(folder.path()));
        assert!(!has_graphics(folder.path()));
        std::fs::create_dir(folder.path().join("dri")).unwrap();
        std::fs::write(folder.path().join("dri/card0"), "").unwrap();
        assert!(!has_graphics(folder.path()));
        std::fs::write(folder.path().join("dri/renderD128"), "").unwrap();
        assert!(has_graphics(folder.path()));
    }

    #[test]
    fn only_pages_of_the_network_are_opened() {
        let page = "https://explorer.example/r3mes/";
        assert!(is_page_of("https://explorer.example/r3mes/tx/AB", page));
        assert!(is_page_of("https://explorer.example/r3mes?q=1", page));
        for other in
            ["https://explorer.example/r3mes-not", "https://explorer.example.org/r3mes", "file:///etc"]
        {
            assert!(!is_page_of(other, page), "{other}");
        }
        assert!(!is_page_of("file:///etc/passwd", "file:///etc"));
    }

    #[test]
    fn the_tray_says_something_of_every_state_in_both_languages() {
        use EngineState::*;
        for state in [Stopped, Starting, Running, Stopping, StoppedWithError, CannotRecover] {
            for health in [Health::Off, Health::Good, Health::Troubled] {
                let (english, turkish) = (tray_line(state, health, false), tray_line(state, health, true));
                assert!(!english.is_empty() && english != turkish);
            }
        }
    }

    #[test]
    fn the_trays_icon_is_marked_where_something_is_wrong() {
        use EngineState::*;
        assert_eq!(tray_mark(Running, Health::Good), Mark::Running);
        assert_eq!(tray_mark(Running, Health::Idle), Mark::Running);
        assert_eq!(tray_mark(Stopped, Health::Troubled), Mark::Stopped);
        for (state, health) in [(Running, Health::Troubled), (StoppedWithError, Health::Off)] {
            assert_eq!(tray_mark(state, health), Mark::Trouble);
        }
    }
}
