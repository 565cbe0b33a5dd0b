//! The proposer as a whole: its journal, its standing on the chain, its endpoints.

use serde::Serialize;

use crate::configure::Reach;
use crate::{ApiError, Overview, Standing, Workspace};

/// A proposer's state, from the journal and from the network as far as it answers.
#[derive(Clone, Debug, Serialize)]
pub struct StatusReport {
    /// What the journal knows.
    #[serde(flatten)]
    pub overview: Overview,
    /// Where the account stands on the chain.
    pub standing: Option<Standing>,
    /// The endpoints.
    pub reach: Reach,
    /// Why the chain did not tell the standing.
    pub unavailable: Option<String>,
}

impl Workspace {
    /// Reads the journal and asks the network. What does not answer leaves its part out.
    ///
    /// # Errors
    /// As [`Workspace::overview`].
    pub async fn status(&self, last: u32) -> Result<StatusReport, ApiError> {
        let overview = self.overview(last)?;
        let (standing, reach) = tokio::join!(self.standing(), self.reach());
        let (standing, unavailable) = match standing {
            Ok(standing) => (Some(standing), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Ok(StatusReport { overview, standing, reach: reach?, unavailable })
    }
}
