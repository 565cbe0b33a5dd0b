//! What a message sees while it runs: the state under its own changes, the block, the gas, the events.

use std::time::SystemTime;

use prost::Message;

use super::config::ChainConfig;
use super::error::Refusal;
use super::event::Event;
use super::gas::GasMeter;
use super::store::Layer;

/// The block in which something runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockInfo {
    pub(crate) height: i64,
    pub(crate) time: SystemTime,
}

/// The surroundings of one transaction, or of the end of a block.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a ChainConfig,
    pub(crate) block: BlockInfo,
    pub(crate) layer: Layer<'a>,
    pub(crate) gas: GasMeter,
    pub(crate) events: Vec<Event>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(config: &'a ChainConfig, block: BlockInfo, layer: Layer<'a>, gas: GasMeter) -> Self {
        Context { config, block, layer, gas, events: Vec::new() }
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The record under `key`. What does not decode was never written by this chain: it answers as a
    /// panic of the module would.
    pub(crate) fn record<M: Message + Default>(&self, key: &[u8]) -> Result<Option<M>, Refusal> {
        let decode =
            |bytes| M::decode(bytes).map_err(|e| Refusal::panicked(format_args!("corrupt record: {e}")));
        self.layer.get(key).map(decode).transpose()
    }

    pub(crate) fn set_record<M: Message>(&mut self, key: Vec<u8>, record: &M) {
        self.layer.set(key, record.encode_to_vec());
    }

    pub(crate) fn number(&self, key: &[u8]) -> u128 {
        let bytes = self.layer.get(key).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u128::from_be_bytes)
    }

    pub(crate) fn set_number(&mut self, key: Vec<u8>, value: u128) {
        self.layer.set(key, value.to_be_bytes().to_vec());
    }

    /// The next unused id of a sequence; the first is 0.
    pub(crate) fn next_id(&mut self, key: &[u8]) -> u64 {
        let id = self.number(key) as u64;
        self.set_number(key.to_vec(), u128::from(id) + 1);
        id
    }
}
