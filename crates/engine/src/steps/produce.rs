//! Aggregating and publishing: from the participants to an aggregate that IPFS holds.

use std::path::PathBuf;

use r3mes_ipfs::{Added, CidSettings};

use super::Progress;
use crate::aggregation::{AggregationInput, file_has_cid};
use crate::context::Context;
use crate::journal::{Direction, PinKind};
use crate::round::{PublishedAggregate, Round, RoundState};
use crate::verification::gradient_limits;
use crate::{Checkpoint, EngineError};

impl Context {
    /// Computes the aggregate of a closed round and fixes its CID and Merkle root.
    pub(crate) async fn aggregate(&self, mut round: Round, height: i64) -> Result<Progress, EngineError> {
        let Some(selection) = round.selection.clone() else {
            return self.abandon(round, height, "the journal holds no participants").await;
        };
        let method = match selection.method.parse() {
            Ok(method) => method,
            Err(error) => return self.abandon(round, height, &format!("{error}")).await,
        };
        self.pin_inputs(&round).await?;
        let inputs: Vec<AggregationInput> = selection
            .participants
            .iter()
            .map(|participant| AggregationInput {
                id: participant.gradient_id,
                weight: participant.weight,
                path: self.home.gradient(participant.gradient_id),
            })
            .collect();
        let limits = gradient_limits(&self.settings.limits);
        let output = self.home.aggregate(round.id);
        let (preparing, id) = (self.preparing.clone(), round.id);
        let aggregated =
            tokio::task::spawn_blocking(move || preparing.close(id, &method, &limits, &inputs, &output))
                .await
                .map_err(|error| EngineError::Task(error.to_string()))?;
        let written = match aggregated {
            Ok(written) => written,
            Err(error) => match EngineError::from(error) {
                // The participants are as good as before.
                error if error.is_disk_full() => return Err(error),
                error => return self.abandon(round, height, &error.to_string()).await,
            },
        };
        self.journal.record_similarities(&written.similarities)?;
        self.pass(Checkpoint::AggregateWritten);
        let hashes: Vec<&str> =
            selection.participants.iter().map(|participant| participant.gradient_hash.as_str()).collect();
        let Some(merkle_root) = r3mes_chain::merkle_root(&hashes) else {
            return self.abandon(round, height, "there are no participants").await;
        };
        round.aggregate =
            Some(PublishedAggregate { cid: written.cid.to_string(), merkle_root, bytes: written.bytes });
        self.enter(&mut round, RoundState::Publishing, height, &[])?;
        self.pass(Checkpoint::AggregateJournaled);
        Ok(Progress::Done)
    }

    /// Adds the aggregate to IPFS and pins it. Doing so twice changes nothing.
    pub(crate) async fn publish(&self, round: &Round, cid: &str) -> Result<(), EngineError> {
        let path = self.home.aggregate(round.id);
        if !file_has_cid(&path, cid) {
            let source =
                std::io::Error::other(format!("the file is not the aggregate {cid} that was journaled"));
            return Err(EngineError::Folder { path, source });
        }
        let bytes = round.aggregate.as_ref().map_or(0, |aggregate| aggregate.bytes);
        if let Ok(cid) = cid.parse() {
            self.will_pin(&cid, PinKind::Aggregate, bytes).await?;
        }
        let added = self.upload(path, cid, bytes).await?;
        if added.cid.to_string() != cid {
            return Err(EngineError::CidDiffers { found: added.cid.to_string(), expected: cid.to_owned() });
        }
        self.pass(Checkpoint::AggregatePublished);
        Ok(())
    }

    async fn upload(&self, path: PathBuf, cid: &str, bytes: u64) -> Result<Added, EngineError> {
        let transfer = self.ipfs.transfers().begin(Direction::Upload, cid.to_owned(), None);
        let added = self.ipfs.node().add_with(path, &CidSettings::default(), transfer.listener()).await;
        let failure = added.as_ref().err().map(ToString::to_string);
        let bytes = if failure.is_none() { bytes } else { 0 };
        transfer.end(bytes, 0, failure, (&self.journal, &self.environment));
        Ok(added?)
    }

    /// Gives a round up that nothing on the chain binds us to.
    pub(crate) async fn abandon(
        &self,
        mut round: Round,
        height: i64,
        reason: &str,
    ) -> Result<Progress, EngineError> {
        round.reason = Some(reason.to_owned());
        self.enter(&mut round, RoundState::Abandoned, height, &[])?;
        Ok(Progress::Done)
    }
}
