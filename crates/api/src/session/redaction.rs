//! What a text that leaves this machine does not tell: who its user is, where its nodes are, and anything
//! that could be a secret.

use std::fmt::Write;

/// The text with the home folder, credentials and queries of URLs, addresses of other machines, and runs of
/// words that could be a mnemonic taken out.
pub fn redact(text: &str) -> String {
    let home = std::env::home_dir().map(|home| home.display().to_string()).filter(|home| home.len() > 1);
    redact_of(text, home.as_deref())
}

fn redact_of(text: &str, home: Option<&str>) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let line = match home {
            Some(home) => line.replace(home, "~"),
            None => line.to_owned(),
        };
        let line = without_mnemonics(&line);
        for word in line.split_inclusive(char::is_whitespace) {
            out.push_str(&word_redacted(word));
        }
    }
    out
}

/// Twelve plain lower-case words in a row are a mnemonic until shown otherwise.
fn without_mnemonics(line: &str) -> String {
    const LEAST: usize = 12;
    let words: Vec<&str> = line.split_inclusive(char::is_whitespace).collect();
    let could_be = |word: &&str| {
        let word = word.trim();
        (3..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while at < words.len() {
        let run = words[at..].iter().take_while(|word| could_be(word)).count();
        if run >= LEAST {
            let _ = write!(out, "<{run} words>");
            let last = words[at + run - 1];
            out.push_str(&last[last.trim_end().len()..]);
        } else {
            out.extend(words[at..at + run.max(1)].iter().copied());
        }
        at += run.max(1);
    }
    out
}

fn word_redacted(word: &str) -> String {
    if let Some((before, rest)) = word.split_once("://") {
        let end = rest.find(|c: char| "/?#\"')>,;".contains(c) || c.is_whitespace()).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let shown = if is_loopback(host) { host } else { "<host>" };
        let secret = tail.find('?').map_or(tail, |query| &tail[..query]);
        let dropped = if secret.len() < tail.len() { "?<query>" } else { "" };
        let space = if dropped.is_empty() { "" } else { &word[word.trim_end().len()..] };
        return format!("{before}://{shown}{secret}{dropped}{space}");
    }
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let address = bare.rsplit_once(':').map_or(bare, |(host, _)| host);
    match address.parse::<std::net::Ipv4Addr>() {
        Ok(found) if !found.is_loopback() && !found.is_unspecified() => word.replace(address, "<host>"),
        _ => word.to_owned(),
    }
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    name == "localhost" || name == "[::1]" || name.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_the_user_and_the_nodes_is_gone() {
        let table = [
            ("open /keeper/data/journal.sqlite\n", "open ~/data/journal.sqlite\n"),
            (
                "ask https://ada:secret@rpc.example:443/status?key=1 again",
                "ask https://<host>/status?<query> again",
            ),
            ("reach http://127.0.0.1:26657/status", "reach http://127.0.0.1:26657/status"),
            ("connect 10.1.2.3:5001, refused", "connect <host>:5001, refused"),
            ("connect 127.0.0.1:5001", "connect 127.0.0.1:5001"),
            ("round 3: 12 gradients", "round 3: 12 gradients"),
        ];
        for (text, expected) in table {
            assert_eq!(redact_of(text, Some("/keeper")), expected);
        }
    }

    #[test]
    fn words_of_a_key_are_gone_wherever_they_stand() {
        let words = "abandon ".repeat(11) + "about";
        assert_eq!(redact_of(&format!("key: {words}\nnext"), None), "key: <12 words>\nnext");
        assert_eq!(redact_of("it is not so that this one went", None), "it is not so that this one went");
    }
}
