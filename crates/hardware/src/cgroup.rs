//! The memory limit of the control group that this process runs in, versions 1 and 2.

use std::fs;
use std::path::{Path, PathBuf};

/// A limit and what is used of it, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) limit: u64,
    pub(crate) used: Option<u64>,
}

/// The narrowest memory limit that holds for this process, in the file tree below `root`; `None` where
/// there are no control groups, no limit, or no permission to see one.
pub(crate) fn memory(root: &Path) -> Option<Limit> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let hierarchies = groups.lines().filter_map(|line| hierarchy(root, line));
    hierarchies.filter_map(|hierarchy| hierarchy.narrowest()).min_by_key(|found| found.limit)
}

/// One hierarchy of groups, and the way to ours.
struct Hierarchy {
    mount: PathBuf,
    group: PathBuf,
    limit: &'static str,
    used: &'static str,
}

/// A line of `/proc/self/cgroup` is `ID:CONTROLLERS:PATH`; version 2 has the id 0 and names no controllers.
fn hierarchy(root: &Path, line: &str) -> Option<Hierarchy> {
    let mut fields = line.splitn(3, ':');
    let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let (mount, limit, used) = if id == "0" && controllers.is_empty() {
        ("sys/fs/cgroup", "memory.max", "memory.current")
    } else if controllers.split(',').any(|controller| controller == "memory") {
        ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
    } else {
        return None;
    };
    let group = PathBuf::from(path.trim_start_matches('/'));
    Some(Hierarchy { mount: root.join(mount), group, limit, used })
}

impl Hierarchy {
    /// The narrowest limit from our group up to the mount. A container that sees only its own part of
    /// the tree finds nothing at its group's path and its own limit at the mount.
    fn narrowest(&self) -> Option<Limit> {
        let folders = self.group.ancestors().map(|group| self.mount.join(group));
        folders.filter_map(|folder| self.limit_of(&folder)).min_by_key(|found| found.limit)
    }

    /// `max` is version 2's word for no limit.
    fn limit_of(&self, folder: &Path) -> Option<Limit> {
        let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok();
        Some(Limit { limit: number(self.limit)?, used: number(self.used) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn version_2_takes_the_narrowest_limit_on_the_way_up() {
        let root = tree(&[
            ("proc/self/cgroup", "0::/slice/service\n"),
            ("sys/fs/cgroup/slice/memory.max", "4000\n"),
            ("sys/fs/cgroup/slice/memory.current", "1500\n"),
            ("sys/fs/cgroup/slice/service/memory.max", "max\n"),
            ("sys/fs/cgroup/slice/service/memory.current", "1000\n"),
        ]);
        assert_eq!(memory(root.path()), Some(Limit { limit: 4000, used: Some(1500) }));
    }

    #[test]
    fn version_1_reads_the_memory_controller() {
        let root = tree(&[
            ("proc/self/cgroup", "5:cpu,cpuacct:/box\n4:memory:/box\n0::/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "2048\n"),
            ("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "96\n"),
        ]);
        assert_eq!(memory(root.path()), Some(Limit { limit: 2048, used: Some(96) }));
    }

    #[test]
    fn a_container_without_its_groups_path_finds_its_limit_at_the_mount() {
        let root = tree(&[
            ("proc/self/cgroup", "3:memory:/docker/0123abc\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "512\n"),
        ]);
        assert_eq!(memory(root.path()), Some(Limit { limit: 512, used: None }));
    }

    #[test]
    fn no_limit_and_no_groups_are_none() {
        assert_eq!(memory(tree(&[]).path()), None);
        let unlimited = tree(&[("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")]);
        assert_eq!(memory(unlimited.path()), None);
    }
}
