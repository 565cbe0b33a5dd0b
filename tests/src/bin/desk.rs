//! Stands for a desktop around the launcher, on a screen and a session bus that have none: `tray` is where icons
//! are shown, until it is killed; `close TITLE` does what a window's cross does.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("error: only Linux has desktops of this kind");
    std::process::exit(1);
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["tray"] => tray::show(),
        ["close", title] => window::close(title),
        _ => Err("usage: desk tray | desk close TITLE".into()),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Where the icons of `StatusNotifierItem` are shown. Nobody sees them; the programs that have one cannot tell.
#[cfg(target_os = "linux")]
mod tray {
    use std::error::Error;

    use zbus::blocking::connection::Builder;
    use zbus::interface;

    const NAME: &str = "org.kde.StatusNotifierWatcher";

    #[derive(Default)]
    struct Watcher {
        items: Vec<String>,
    }

    #[interface(name = "org.kde.StatusNotifierWatcher")]
    impl Watcher {
        fn register_status_notifier_item(&mut self, service: String) {
            self.items.push(service);
        }

        fn register_status_notifier_host(&self, _service: String) {}

        #[zbus(property)]
        fn registered_status_notifier_items(&self) -> Vec<String> {
            self.items.clone()
        }

        #[zbus(property)]
        fn is_status_notifier_host_registered(&self) -> bool {
            true
        }

        #[zbus(property)]
        fn protocol_version(&self) -> i32 {
            0
        }
    }

    pub(super) fn show() -> Result<(), Box<dyn Error>> {
        let _connection = Builder::session()?
            .serve_at("/StatusNotifierWatcher", Watcher::default())?
            .name(NAME)?
            .build()?;
        println!("ready");
        loop {
            std::thread::park();
        }
    }
}

/// Windows of the screen, without a window manager.
#[cfg(target_os = "linux")]
mod window {
    use std::error::Error;

    use x11rb::CURRENT_TIME;
    use x11rb::connection::Connection;
    use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, Window};

    pub(super) fn close(title: &str) -> Result<(), Box<dyn Error>> {
        let (connection, screen) = x11rb::connect(None)?;
        let root = connection.setup().roots[screen].root;
        let window =
            find(&connection, root, title)?.ok_or_else(|| format!("there is no window {title:?}"))?;
        let atom = |name: &str| {
            Ok::<u32, Box<dyn Error>>(connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
        };
        let asked = [atom("WM_DELETE_WINDOW")?, CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS")?, asked);
        connection.send_event(false, window, EventMask::NO_EVENT, message)?;
        connection.flush()?;
        // The answer to a question that comes behind it: then the server has both.
        connection.get_input_focus()?.reply()?;
        Ok(())
    }

    /// The first window with a title, from the top down.
    fn find(
        connection: &impl Connection,
        within: Window,
        title: &str,
    ) -> Result<Option<Window>, Box<dyn Error>> {
        let name =
            connection.get_property(false, within, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 1024)?.reply()?.value;
        if name == title.as_bytes() {
            return Ok(Some(within));
        }
        for child in connection.query_tree(within)?.reply()?.children {
            if let Some(found) = find(connection, child, title)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
