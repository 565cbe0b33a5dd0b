//! Whether what the settings name can be reached, by a TCP connection that is closed at once.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Reading;

/// Something that the proposer talks to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// What it is for, such as `chain RPC`.
    pub name: String,
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether the proposer can do nothing without it.
    pub required: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// An endpoint and whether it was reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndpointReading {
    /// Which.
    pub endpoint: Endpoint,
    /// How it was reached.
    pub reach: Reading<Reach>,
}

/// A connection that stood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reach {
    /// Where the name led.
    pub address: SocketAddr,
    /// Time from the first packet to the standing connection, in milliseconds.
    pub latency_ms: f64,
}

/// Connects within `timeout`, trying every address of the name.
pub(crate) fn reach(endpoint: &Endpoint, timeout: Duration) -> Result<Reach, String> {
    let deadline = Instant::now() + timeout;
    let addresses = resolve(endpoint, timeout)?;
    let mut failure = "the name has no address".to_owned();
    for (tried, address) in addresses.iter().enumerate() {
        // An address that swallows packets must leave time for the others.
        let share = (addresses.len() - tried) as u32;
        let left = deadline.saturating_duration_since(Instant::now()) / share;
        if left.is_zero() {
            break;
        }
        let begun = Instant::now();
        match TcpStream::connect_timeout(address, left) {
            Ok(_) => {
                return Ok(Reach { address: *address, latency_ms: begun.elapsed().as_secs_f64() * 1000.0 });
            }
            Err(error) => failure = plain(&error, *address),
        }
    }
    Err(failure)
}

/// The system's resolver knows no timeout, so it gets a thread of its own that may outlive the answer.
fn resolve(endpoint: &Endpoint, timeout: Duration) -> Result<Vec<SocketAddr>, String> {
    let (answer, answers) = mpsc::channel();
    let name = (endpoint.host.clone(), endpoint.port);
    thread::Builder::new()
        .name("resolve".into())
        .spawn(move || {
            let _ = answer.send(name.to_socket_addrs().map(Vec::from_iter));
        })
        .map_err(|error| format!("start a thread: {error}"))?;
    match answers.recv_timeout(timeout) {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(_)) => Err(format!("the name {:?} cannot be resolved", endpoint.host)),
        Err(_) => {
            Err(format!("the name {:?} was not resolved within {} ms", endpoint.host, timeout.as_millis()))
        }
    }
}

fn plain(error: &io::Error, address: SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{address} refused the connection"),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => format!("{address} did not answer in time"),
        io::ErrorKind::NetworkUnreachable => format!("there is no route to {address}"),
        io::ErrorKind::HostUnreachable => format!("{address} is unreachable"),
        kind => format!("{address}: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(port: u16) -> Endpoint {
        Endpoint { name: "chain RPC".into(), host: "127.0.0.1".into(), port, required: true }
    }

    #[test]
    fn an_open_port_is_reached() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let reached = reach(&loopback(address.port()), Duration::from_secs(30)).unwrap();
        assert_eq!(reached.address, address);
        assert!(reached.latency_ms >= 0.0);
    }

    #[test]
    fn a_closed_port_refuses() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let reason = reach(&loopback(port), Duration::from_secs(30)).unwrap_err();
        assert_eq!(reason, format!("127.0.0.1:{port} refused the connection"));
    }

    /// No resolver takes a zero byte, so the answer needs no network.
    #[test]
    fn a_name_without_an_address_is_said_to_have_none() {
        let endpoint = Endpoint { host: "no\0host".into(), ..loopback(80) };
        let reason = reach(&endpoint, Duration::from_secs(30)).unwrap_err();
        assert_eq!(reason, "the name \"no\\0host\" cannot be resolved");
    }
}
