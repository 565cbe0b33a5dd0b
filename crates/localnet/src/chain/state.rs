//! The application: state, and the transactions and blocks that change it. No clock, no network.

use cosmrs::proto::Any;
use cosmrs::proto::cosmos::base::abci::v1beta1::TxMsgData;
use prost::Message;
use r3mes_chain::proto::GlobalModelState;
use sha2::{Digest, Sha256};

use super::ante::{self, Mode, Tx};
use super::config::ChainConfig;
use super::context::{BlockInfo, Context};
use super::error::{Refusal, sdk};
use super::event::Event;
use super::gas::GasMeter;
use super::modules::{aggregation, bank, distribution, remes};
use super::store::{Layer, Store, Writes};

/// What became of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxResult {
    /// 0 where it succeeded.
    pub code: u32,
    /// The module that numbers the code.
    pub codespace: String,
    /// Empty, or why it was refused.
    pub log: String,
    /// `TxMsgData` with a response for each message; empty where it failed.
    pub data: Vec<u8>,
    /// The limit that the transaction set.
    pub gas_wanted: u64,
    /// What it took.
    pub gas_used: u64,
    /// Events of the fee and the sequence, then those of the messages.
    pub events: Vec<Event>,
}

/// What a block did.
#[derive(Clone, Debug)]
pub(crate) struct Finalized {
    pub(crate) results: Vec<TxResult>,
    pub(crate) events: Vec<Event>,
    pub(crate) app_hash: [u8; 32],
}

/// The outcome of a simulation: gas, events and responses, or the refusal and the gas until there.
pub(crate) type Simulated = Result<(u64, TxResult, Vec<Any>), (Refusal, u64)>;

/// The state of the chain after a block, and the state that its mempool expects.
#[derive(Debug)]
pub(crate) struct State {
    config: ChainConfig,
    store: Store,
    /// What the transactions of the mempool change before their messages run.
    check: Writes,
    /// Events of what was done between two blocks; the next block carries them.
    between: Vec<Event>,
    block: BlockInfo,
    app_hash: [u8; 32],
}

impl State {
    /// The state before the first block.
    pub(crate) fn genesis(config: ChainConfig, block: BlockInfo) -> Result<State, Refusal> {
        let store = Store::default();
        let mut ctx = Context::new(&config, block, Layer::new(&store), GasMeter::unlimited(0));
        for account in &config.accounts {
            bank::genesis(&mut ctx, &account.address, &account.balance)?;
        }
        for validator in &config.consensus {
            distribution::genesis(&mut ctx, validator)?;
        }
        for address in &config.proposers {
            remes::set_flag(&mut ctx, remes::proposer_key(address), true);
        }
        for address in &config.validators {
            remes::set_flag(&mut ctx, remes::validator_key(address), true);
        }
        let (model_ipfs_hash, model_version) = config.model.clone();
        let model = GlobalModelState {
            model_ipfs_hash,
            model_version,
            last_updated_time: Some(block.time.into()),
            ..GlobalModelState::default()
        };
        ctx.set_record(remes::MODEL.to_vec(), &model);
        let writes = ctx.layer.into_writes();
        let app_hash = extend_hash([0; 32], &writes);
        let mut store = store;
        store.apply(writes);
        Ok(State { config, store, check: Writes::new(), between: Vec::new(), block, app_hash })
    }

    pub(crate) fn config(&self) -> &ChainConfig {
        &self.config
    }

    pub(crate) fn block(&self) -> BlockInfo {
        self.block
    }

    pub(crate) fn app_hash(&self) -> [u8; 32] {
        self.app_hash
    }

    /// The raw value under a key of a module's store.
    pub(crate) fn raw(&self, key: &[u8]) -> Option<&[u8]> {
        self.store.get(key)
    }

    /// A context that reads the last block's state. What is written through it is lost.
    pub(crate) fn view(&self) -> Context<'_> {
        Context::new(&self.config, self.block, Layer::new(&self.store), GasMeter::unlimited(0))
    }

    /// Forgets what the mempool expected; its transactions are then checked anew.
    pub(crate) fn reset_check(&mut self) {
        self.check.clear();
    }

    /// Whether the mempool may take the transaction, on top of those that it holds already.
    pub(crate) fn check_tx(&mut self, bytes: &[u8], mode: Mode) -> TxResult {
        let tx = match Tx::decode(bytes) {
            Ok(tx) => tx,
            Err(refusal) => return refused(refusal, 0, 0),
        };
        let gas = GasMeter::limited(tx.gas_limit());
        let layer = Layer::over(&self.store, &self.check);
        let mut ctx = Context::new(&self.config, self.block, layer, gas);
        let outcome = ante::run(&mut ctx, &tx, mode);
        let (gas_wanted, gas_used) = (ctx.gas.wanted(), ctx.gas.used());
        if let Err(refusal) = outcome {
            return refused(refusal, gas_wanted, gas_used);
        }
        let events = std::mem::take(&mut ctx.events);
        let writes = ctx.layer.into_writes();
        self.check.extend(writes);
        TxResult { gas_wanted, gas_used, events, ..TxResult::default() }
    }

    /// Runs a transaction on the state that the mempool expects, without a gas limit, and keeps nothing.
    pub(crate) fn simulate(&self, bytes: &[u8]) -> Simulated {
        let tx = Tx::decode(bytes).map_err(|refusal| (refusal, 0))?;
        let layer = Layer::over(&self.store, &self.check);
        let gas = GasMeter::unlimited(tx.gas_limit());
        let mut ctx = Context::new(&self.config, self.block, layer, gas);
        let run = ante::run(&mut ctx, &tx, Mode::Simulate).and_then(|()| run_messages(&mut ctx, &tx));
        let gas_used = ctx.gas.used();
        let responses = run.map_err(|refusal| (refusal, gas_used))?;
        let result = TxResult {
            data: TxMsgData { msg_responses: responses.clone(), ..TxMsgData::default() }.encode_to_vec(),
            gas_wanted: ctx.gas.wanted(),
            gas_used,
            events: ctx.events,
            ..TxResult::default()
        };
        Ok((gas_used, result, responses))
    }

    /// Does something of an administrator's between two blocks. Its events are the next block's.
    pub(crate) fn administer<T>(
        &mut self,
        operation: impl FnOnce(&mut Context<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut ctx = Context::new(&self.config, self.block, Layer::new(&self.store), GasMeter::unlimited(0));
        let answer = operation(&mut ctx)?;
        self.between.append(&mut ctx.events);
        let writes = ctx.layer.into_writes();
        self.app_hash = extend_hash(self.app_hash, &writes);
        self.store.apply(writes);
        Ok(answer)
    }

    /// Executes a block and makes it the last one.
    pub(crate) fn finalize_block(&mut self, txs: &[Vec<u8>], block: BlockInfo) -> Finalized {
        self.block = block;
        let mut events = std::mem::take(&mut self.between);
        events.extend(self.run_step("BeginBlock", distribution::allocate));
        let results = txs.iter().map(|bytes| self.deliver(bytes)).collect();
        events.extend(self.run_step("EndBlock", aggregation::finalize_due));
        self.check.clear();
        Finalized { results, events, app_hash: self.app_hash }
    }

    fn commit(&mut self, writes: Writes) {
        self.app_hash = extend_hash(self.app_hash, &writes);
        self.store.apply(writes);
    }

    fn run_step(
        &mut self,
        mode: &str,
        step: impl FnOnce(&mut Context<'_>) -> Result<(), Refusal>,
    ) -> Vec<Event> {
        let mut ctx = Context::new(&self.config, self.block, Layer::new(&self.store), GasMeter::unlimited(0));
        if let Err(refusal) = step(&mut ctx) {
            tracing::error!(height = self.block.height, mode, "failed to run a block's step: {refusal}");
            return Vec::new();
        }
        let events = std::mem::take(&mut ctx.events);
        let writes = ctx.layer.into_writes();
        self.commit(writes);
        events.into_iter().map(|event| event.with("mode", mode)).collect()
    }

    /// The fee and the sequence stand once the transaction itself is in order; its messages all take
    /// effect or none does.
    fn deliver(&mut self, bytes: &[u8]) -> TxResult {
        let tx = match Tx::decode(bytes) {
            Ok(tx) => tx,
            Err(refusal) => return refused(refusal, 0, 0),
        };
        let gas = GasMeter::limited(tx.gas_limit());
        let mut ctx = Context::new(&self.config, self.block, Layer::new(&self.store), gas);
        if let Err(refusal) = ante::run(&mut ctx, &tx, Mode::Deliver) {
            return refused(refusal, ctx.gas.wanted(), ctx.gas.used());
        }
        let mark = ctx.layer.mark();
        let paid = ctx.events.clone();
        let outcome = run_messages(&mut ctx, &tx);
        let (gas_wanted, gas_used) = (ctx.gas.wanted(), ctx.gas.used());
        let result = match outcome {
            Ok(msg_responses) => TxResult {
                data: TxMsgData { msg_responses, ..TxMsgData::default() }.encode_to_vec(),
                gas_wanted,
                gas_used,
                events: std::mem::take(&mut ctx.events),
                ..TxResult::default()
            },
            Err(refusal) => {
                ctx.layer.restore(mark);
                TxResult { events: paid, ..refused(refusal, gas_wanted, gas_used) }
            }
        };
        let writes = ctx.layer.into_writes();
        self.commit(writes);
        result
    }
}

fn run_messages(ctx: &mut Context<'_>, tx: &Tx) -> Result<Vec<Any>, Refusal> {
    let mut responses = Vec::with_capacity(tx.messages.len());
    for (index, message) in tx.messages.iter().enumerate() {
        let before = ctx.events.len();
        let response = message.run(ctx, &tx.hash).map_err(|refusal| {
            // The SDK reports gas and panics where they happen, other errors by the message's index.
            match (refusal.codespace, refusal.code) {
                ("undefined", 111_222) | ("sdk", 11) => refusal,
                _ => refusal.within(format_args!("failed to execute message; message index: {index}")),
            }
        })?;
        for event in &mut ctx.events[before..] {
            *event = event.clone().with("msg_index", index);
        }
        responses.push(response);
    }
    Ok(responses)
}

fn refused(refusal: Refusal, gas_wanted: u64, gas_used: u64) -> TxResult {
    TxResult {
        code: refusal.code,
        codespace: refusal.codespace.to_owned(),
        log: refusal.log,
        gas_wanted,
        gas_used,
        ..TxResult::default()
    }
}

/// The hash of a state is that of the state before and of every change since.
fn extend_hash(previous: [u8; 32], writes: &Writes) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(previous);
    for (key, value) in writes {
        hasher.update((key.len() as u64).to_be_bytes());
        hasher.update(key);
        match value {
            Some(value) => {
                hasher.update([1]);
                hasher.update((value.len() as u64).to_be_bytes());
                hasher.update(value);
            }
            None => hasher.update([0]),
        }
    }
    hasher.finalize().into()
}

impl Refusal {
    /// The refusal of a simulation, as its gRPC service words it for `abci_query`.
    pub(crate) fn simulated(self, gas_used: u64) -> Refusal {
        sdk::UNKNOWN_REQUEST.because(format_args!(
            "rpc error: code = Unknown desc = {} with gas used: '{gas_used}'",
            self.log
        ))
    }
}
