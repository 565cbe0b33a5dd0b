//! How fast files really passed to and from IPFS. The figures are of work that was done, not of a probe.

use serde::Serialize;
use time::OffsetDateTime;

/// The rates of the latest transfers, each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TransferRates {
    /// From IPFS to us; absent where nothing was fetched yet.
    pub fetch: Option<TransferRate>,
    /// From us to the IPFS node; absent where nothing was uploaded yet.
    pub upload: Option<TransferRate>,
}

/// The rate of some transfers together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TransferRate {
    /// Files that passed.
    pub files: u32,
    /// Their bytes.
    pub bytes: u64,
    /// Seconds that they took, one after the other.
    pub seconds: f64,
    /// Bytes a second.
    pub bytes_per_second: f64,
    /// When the newest of them ended, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub newest: OffsetDateTime,
}

impl TransferRate {
    /// The rate of transfers of `(bytes, seconds, ended at)`; `None` where no byte or no time passed.
    pub fn of(transfers: impl IntoIterator<Item = (u64, f64, OffsetDateTime)>) -> Option<TransferRate> {
        let mut rate: Option<TransferRate> = None;
        for (bytes, seconds, at) in transfers {
            let sum = rate.get_or_insert(TransferRate {
                files: 0,
                bytes: 0,
                seconds: 0.0,
                bytes_per_second: 0.0,
                newest: at,
            });
            sum.files += 1;
            sum.bytes += bytes;
            sum.seconds += seconds;
            sum.newest = sum.newest.max(at);
        }
        let mut rate = rate.filter(|rate| rate.bytes > 0 && rate.seconds > 0.0)?;
        rate.bytes_per_second = rate.bytes as f64 / rate.seconds;
        Some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_all_bytes_over_all_seconds() {
        let at = |second| OffsetDateTime::from_unix_timestamp(second).unwrap();
        let rate = TransferRate::of([(300, 2.0, at(9)), (100, 0.5, at(7))]).unwrap();
        assert_eq!((rate.files, rate.bytes, rate.seconds, rate.newest), (2, 400, 2.5, at(9)));
        assert_eq!(rate.bytes_per_second, 160.0);
        assert_eq!(TransferRate::of([]), None);
        assert_eq!(TransferRate::of([(0, 1.0, at(1))]), None);
        assert_eq!(TransferRate::of([(5, 0.0, at(1))]), None, "no rate is infinite");
    }
}
