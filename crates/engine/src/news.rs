//! What wakes the work between two looks at the chain, and keeps an eye on its endpoints.

use std::time::Duration;

use futures::StreamExt;
use r3mes_chain::{Backoff, Chain, Connection, subscribe_again};
use tokio::sync::broadcast::error::RecvError;

use crate::context::Context;
use crate::event::EngineEvent;

/// CometBFT pings about every 27 seconds; two of them may be missed.
const SILENCE: Duration = Duration::from_secs(60);

/// The waits before a lost websocket is connected again.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// How often the endpoints are looked after, at most and at least.
const CHECKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

impl Context {
    /// Listens to the chain for as long as the work goes on. It never ends.
    pub(crate) async fn keep_company(&self) {
        tokio::join!(self.listen(), self.forward_changes(), self.look_after_endpoints());
    }

    /// Every block and transaction that the websocket tells of is news. What happened while it was down is found
    /// by asking, which goes on all the time.
    async fn listen(&self) {
        let chain = self.chain.clone();
        let endpoint = move || first_of(&chain);
        let mut connections = std::pin::pin!(subscribe_again(endpoint, SILENCE, BACKOFF));
        let mut is_up = true;
        while let Some(connection) = connections.next().await {
            match connection {
                Connection::Up => {
                    is_up = true;
                    self.announcer.announce(EngineEvent::Listening { trouble: None });
                }
                Connection::Notice(_) => {}
                Connection::Down(error) => {
                    if std::mem::take(&mut is_up) {
                        let trouble = Some(error.to_string());
                        self.announcer.announce(EngineEvent::Listening { trouble });
                    }
                    continue;
                }
            }
            self.news.send_modify(|count| *count += 1);
        }
    }

    async fn forward_changes(&self) {
        let mut changes = self.chain.endpoint_changes();
        loop {
            match changes.recv().await {
                Ok(endpoint) => self.announcer.announce(EngineEvent::EndpointChanged { endpoint }),
                Err(RecvError::Lagged(_)) => {}
                // The client lives as long as this context.
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// With one endpoint the work itself shows how it stands.
    async fn look_after_endpoints(&self) {
        if self.chain.endpoints().len() < 2 {
            return;
        }
        let pause = self.settings.network.block_time.clamp(CHECKS.0, CHECKS.1);
        loop {
            self.chain.check_endpoints().await;
            tokio::time::sleep(pause).await;
        }
    }
}

/// The endpoint that would be asked first now.
fn first_of(chain: &Chain) -> url::Url {
    chain.rpc().urls().into_iter().next().unwrap_or_else(|| chain.rpc().url().clone())
}
