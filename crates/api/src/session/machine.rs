//! This machine: readings, verdicts, and its load while somebody looks.

use serde::Serialize;
use specta::Type;

use r3mes_hardware::{Level, Verdict};

use super::access::blocking;
use super::snapshot::Change;
use super::troubles::{Concern, Found};
use super::{Session, lock, now, rfc3339};
use crate::{ApiError, ErrorCode, HardwareOptions, HardwareReport};

/// This machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MachineView {
    /// The processor's name.
    pub processor: Option<String>,
    /// Cores that this process may use.
    pub cores: Option<u32>,
    /// Bytes of memory that this process may use.
    pub memory_bytes: Option<String>,
    /// Bytes of that which are free.
    pub memory_available: Option<String>,
    /// Bytes on the data folder's file system.
    pub disk_bytes: Option<String>,
    /// Bytes of that which are free.
    pub disk_free: Option<String>,
    /// Seconds by which the clock is ahead of the chain's; negative where it is behind.
    pub clock_skew_seconds: Option<f64>,
    /// What is to be said of it.
    pub verdicts: Vec<VerdictView>,
    /// When it was read.
    pub at: Option<String>,
}

/// A verdict on one requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    /// What was judged, such as `memory`.
    pub subject: String,
    /// How it stands.
    pub level: VerdictLevel,
    /// What was found, and what it was held against.
    pub reason: String,
    /// What mends it.
    pub remedy: Option<String>,
    /// When it was read.
    pub at: String,
    /// Since when it stands so.
    pub since: String,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum VerdictLevel {
    /// As it should be.
    Pass,
    /// It works, and could be better.
    Warn,
    /// It does not do.
    Fail,
    /// It could not be looked at.
    Unknown,
}

impl From<Level> for VerdictLevel {
    fn from(level: Level) -> VerdictLevel {
        match level {
            Level::Pass => VerdictLevel::Pass,
            Level::BelowRecommended => VerdictLevel::Warn,
            Level::Fail => VerdictLevel::Fail,
            Level::Unknown => VerdictLevel::Unknown,
        }
    }
}

impl VerdictView {
    /// A verdict that has come after others: one of the same level keeps its beginning.
    fn after(before: &[VerdictView], verdict: Verdict) -> VerdictView {
        let (level, at) = (verdict.level.into(), rfc3339(verdict.at));
        let same = before.iter().find(|before| before.subject == verdict.subject && before.level == level);
        VerdictView {
            level,
            since: same.map_or_else(|| at.clone(), |same| same.since.clone()),
            subject: verdict.subject,
            reason: verdict.reason,
            remedy: verdict.remedy,
            at,
        }
    }
}

/// The load since it was last asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LoadView {
    /// Share of all cores in use, 0 to 1.
    pub cpu: f64,
    /// Share of one core that this process uses; above 1 for several.
    pub process_cpu: f64,
    /// Bytes of memory in use.
    pub memory_used: String,
    /// Bytes of memory there are.
    pub memory_total: String,
    /// Bytes that this process holds.
    pub process_memory: String,
    /// Bytes free on the data folder's file system.
    pub disk_free: Option<String>,
    /// Bytes a second that came in over all interfaces.
    pub received_per_second: f64,
    /// Bytes a second that went out.
    pub sent_per_second: f64,
    /// When it was read.
    pub at: String,
}

impl Session {
    /// Reads the machine into the snapshot. `whole` also writes to the data folder, as the system check does.
    ///
    /// Without a network, or in a folder that cannot be written, the readings concerned say so.
    pub async fn read_machine(&self, whole: bool) -> MachineView {
        let options = HardwareOptions {
            home: Some(self.data().root().to_owned()),
            write: whole,
            ..HardwareOptions::default()
        };
        let view = match crate::hardware(&options).await {
            Ok(report) => self.machine_view(report, whole),
            Err(error) => MachineView {
                verdicts: vec![VerdictView {
                    subject: "settings".into(),
                    level: VerdictLevel::Fail,
                    reason: error.message,
                    remedy: error.remedy,
                    at: now(),
                    since: now(),
                }],
                at: Some(now()),
                ..MachineView::default()
            },
        };
        self.inner.board.put(Change::Machine(Box::new(view.clone())));
        self.refresh_setup();
        view
    }

    fn machine_view(&self, report: HardwareReport, whole: bool) -> MachineView {
        let before = self.inner.board.read(|snapshot| snapshot.machine.verdicts.clone());
        let readings = &report.readings;
        let memory = readings.memory.value();
        let disk = readings.disk.value();
        let processor = readings.processor.value();
        let mut verdicts: Vec<VerdictView> =
            report.verdicts.into_iter().map(|verdict| VerdictView::after(&before, verdict)).collect();
        if !whole {
            // The last writing stands, with its age.
            verdicts.extend(before.into_iter().filter(|verdict| verdict.subject == "data folder"));
        }
        MachineView {
            processor: processor.map(|processor| processor.model.clone()),
            cores: processor.map(|processor| processor.usable_cores),
            memory_bytes: memory.map(|memory| memory.usable().to_string()),
            memory_available: memory.map(|memory| memory.available.to_string()),
            disk_bytes: disk.map(|disk| disk.total.to_string()),
            disk_free: disk.map(|disk| disk.free.to_string()),
            clock_skew_seconds: readings
                .clock
                .as_ref()
                .and_then(|reading| reading.value())
                .map(|skew| skew.seconds),
            verdicts,
            at: Some(now()),
        }
    }

    /// Looks whether the data folder's disk has room for what comes next.
    pub(crate) async fn look_at_disk(&self) {
        let folder = self.data().root().to_owned();
        let limits = self.settings_now().map(|settings| settings.limits).unwrap_or_default();
        let needed = limits.max_gradient.get() * GRADIENTS_OF_ROOM;
        let space = blocking(move || {
            r3mes_hardware::space(&folder).map_err(|reason| ApiError::new(ErrorCode::Engine, reason))
        });
        match space.await {
            Ok(space) => self.inner.board.looked(Concern::Disk, lacks_room(space.free, needed)),
            Err(error) => tracing::debug!("failed to {error}"),
        }
    }

    /// The load since it was last asked for; the first answer covers a moment only.
    ///
    /// # Errors
    /// When the system does not tell.
    pub async fn load(&self) -> Result<LoadView, ApiError> {
        let session = self.clone();
        let folder = self.data().root().to_owned();
        blocking(move || {
            let mut meter = lock(&session.inner.meter);
            let load = meter
                .read()
                .map_err(|reason| ApiError::new(ErrorCode::Engine, format!("read the load: {reason}")))?;
            Ok(LoadView {
                cpu: load.cpu,
                process_cpu: load.process_cpu,
                memory_used: load.memory_used.to_string(),
                memory_total: load.memory_total.to_string(),
                process_memory: load.process_memory.to_string(),
                disk_free: r3mes_hardware::space(&folder).ok().map(|disk| disk.free.to_string()),
                received_per_second: load.received_per_second,
                sent_per_second: load.sent_per_second,
                at: now(),
            })
        })
        .await
    }
}

/// Gradients of the largest size that must find room: what is fetched, and the aggregate that is made of it.
const GRADIENTS_OF_ROOM: u64 = 2;

fn lacks_room(free: u64, needed: u64) -> Option<Found> {
    // Tens of megabytes, so that words do not change with every look.
    let megabytes = |bytes: u64| bytes / 10_000_000 * 10;
    (free < needed).then(|| Found {
        message: format!(
            "keep enough room on the disk: {} MB are free, the next round needs up to {} MB",
            megabytes(free),
            megabytes(needed)
        ),
        remedy: "free space on the disk of the data folder, or move the data folder; work goes on by itself"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_keeps_its_beginning_while_its_level_stays() {
        let verdict = |level, second| Verdict {
            subject: "clock".into(),
            level,
            reason: String::new(),
            remedy: None,
            at: time::OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second),
        };
        let first = VerdictView::after(&[], verdict(Level::Fail, 0));
        let second = VerdictView::after(std::slice::from_ref(&first), verdict(Level::Fail, 5));
        assert_eq!((&second.since, second.at != second.since), (&first.at, true));
        let third = VerdictView::after(&[second], verdict(Level::Pass, 9));
        assert_eq!(third.since, third.at);
    }

    #[test]
    fn room_for_two_gradients_is_enough() {
        assert_eq!(lacks_room(200, 200), None);
        let found = lacks_room(1_999_999, 210_000_000).unwrap();
        assert!(found.message.contains("0 MB are free, the next round needs up to 210 MB"), "{found:?}");
    }
}
