//! The own cgroup's figures, in version 1 and 2 (kernel: Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst).

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The own cgroup's figures at the end; `anon_bytes` and `file_bytes` are the largest seen at a change of phase, every
/// quarter of a second between, or at the end, since a child that has ended has given its memory back.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct CgroupFigures {
    pub version: u32,
    pub peak_bytes: Option<u64>,
    pub anon_bytes: Option<u64>,
    pub file_bytes: Option<u64>,
    pub oom_kills: Option<u64>,
    pub cpu_ns: Option<u64>,
    pub throttled_ns: Option<u64>,
}

/// Where this process's cgroup shows its figures, and the largest memory parts seen in it so far.
#[derive(Debug)]
pub struct Cgroup {
    version: u32,
    memory: Option<PathBuf>,
    /// cpuacct in version 1, the one directory in version 2.
    cpu_usage: Option<PathBuf>,
    cpu: Option<PathBuf>,
    anon_bytes: Option<u64>,
    file_bytes: Option<u64>,
}

impl Cgroup {
    /// Version 1 where its memory controller is mounted, else version 2, else None.
    pub fn own() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let memberships = fs::read_to_string("/proc/self/cgroup").ok()?;
        Self::from_proc(&mounts, &memberships)
    }

    fn from_proc(mounts: &str, memberships: &str) -> Option<Self> {
        let directory = |controller: &str| directory(mounts, memberships, controller);
        if let Some(memory) = directory("memory") {
            let (cpu_usage, cpu) = (directory("cpuacct"), directory("cpu"));
            return Some(Cgroup {
                version: 1,
                memory: Some(memory),
                cpu_usage,
                cpu,
                anon_bytes: None,
                file_bytes: None,
            });
        }
        let unified = directory("")?;
        let all = || Some(unified.clone());
        Some(Cgroup { version: 2, memory: all(), cpu_usage: all(), cpu: all(), anon_bytes: None, file_bytes: None })
    }

    /// Takes the memory parts as they are now.
    pub fn sample(&mut self) {
        let Some(stat) = self.memory.as_ref().and_then(|dir| fs::read_to_string(dir.join("memory.stat")).ok()) else {
            return;
        };
        let (anon, file) = if self.version == 1 { ("total_rss", "total_cache") } else { ("anon", "file") };
        self.anon_bytes = self.anon_bytes.max(field(&stat, anon));
        self.file_bytes = self.file_bytes.max(field(&stat, file));
    }

    /// All figures, at the end.
    pub fn figures(mut self) -> CgroupFigures {
        self.sample();
        let peak = if self.version == 1 { "memory.max_usage_in_bytes" } else { "memory.peak" };
        let oom = if self.version == 1 { "memory.oom_control" } else { "memory.events" };
        let (cpu_ns, throttled_ns) = self.cpu_figures();
        CgroupFigures {
            version: self.version,
            peak_bytes: number(self.memory.as_deref(), peak),
            anon_bytes: self.anon_bytes,
            file_bytes: self.file_bytes,
            oom_kills: field_of(self.memory.as_deref(), oom, "oom_kill"),
            cpu_ns,
            throttled_ns,
        }
    }

    fn cpu_figures(&self) -> (Option<u64>, Option<u64>) {
        if self.version == 1 {
            let throttled_ns = field_of(self.cpu.as_deref(), "cpu.stat", "throttled_time");
            return (number(self.cpu_usage.as_deref(), "cpuacct.usage"), throttled_ns);
        }
        let from_us = |key| field_of(self.cpu.as_deref(), "cpu.stat", key).map(|us| us * 1000);
        (from_us("usage_usec"), from_us("throttled_usec"))
    }
}

/// The directory of our cgroup under that controller of version 1, or of version 2 for the empty name.
fn directory(mounts: &str, memberships: &str, controller: &str) -> Option<PathBuf> {
    let path = memberships.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        controllers.split(',').any(|name| name == controller).then_some(path)
    })?;
    let (root, mount_point) = mounts.lines().find_map(|line| mount_of(line, controller))?;
    // In a container the mount often starts at our own cgroup, or at a root that our path knows nothing of.
    let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
    Some(Path::new(mount_point).join(below))
}

/// Root and mount point, if this line of mountinfo mounts that controller (proc(5)).
fn mount_of<'a>(line: &'a str, controller: &str) -> Option<(&'a str, &'a str)> {
    let (left, right) = line.split_once(" - ")?;
    let (mut left, mut right) = (left.split(' ').skip(3), right.split(' '));
    let (root, mount_point) = (left.next()?, left.next()?);
    let (kind, options) = (right.next()?, right.nth(1)?);
    let is_it = match kind {
        "cgroup" => !controller.is_empty() && options.split(',').any(|option| option == controller),
        "cgroup2" => controller.is_empty(),
        _ => false,
    };
    is_it.then_some((root, mount_point))
}

fn number(directory: Option<&Path>, file: &str) -> Option<u64> {
    fs::read_to_string(directory?.join(file)).ok()?.trim().parse().ok()
}

fn field_of(directory: Option<&Path>, file: &str, key: &str) -> Option<u64> {
    field(&fs::read_to_string(directory?.join(file)).ok()?, key)
}

/// The number after `key` in lines of `key number`.
fn field(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1_MOUNTS: &str = "\
        36 25 0:32 /docker/abc /sys/fs/cgroup/memory ro,nosuid master:1 - cgroup cgroup rw,memory\n\
        37 25 0:33 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:2 - cgroup cgroup rw,cpu,cpuacct\n";

    #[test]
    fn a_container_of_version_1_sees_its_own_cgroup_at_the_mount_point() {
        let memberships = "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n";
        let cgroup = Cgroup::from_proc(V1_MOUNTS, memberships).unwrap();
        assert_eq!(cgroup.version, 1);
        assert_eq!(cgroup.memory, Some("/sys/fs/cgroup/memory".into()));
        assert_eq!(cgroup.cpu_usage, Some("/sys/fs/cgroup/cpu,cpuacct".into()));
    }

    #[test]
    fn a_path_below_the_mounts_root_is_joined_and_a_foreign_one_is_not() {
        let below = directory(V1_MOUNTS, "9:memory:/docker/abc/inner\n", "memory");
        assert_eq!(below, Some("/sys/fs/cgroup/memory/inner".into()));
        let foreign = directory(V1_MOUNTS, "9:memory:/elsewhere\n", "memory");
        assert_eq!(foreign, Some("/sys/fs/cgroup/memory".into()));
    }

    #[test]
    fn version_2_has_one_directory_for_everything() {
        let mounts = "29 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let cgroup = Cgroup::from_proc(mounts, "0::/user.slice/a.scope\n").unwrap();
        assert_eq!(cgroup.version, 2);
        let expected = Some("/sys/fs/cgroup/user.slice/a.scope".into());
        assert_eq!((&cgroup.memory, &cgroup.cpu), (&expected, &expected));
    }

    #[test]
    fn without_cgroups_there_is_none() {
        assert!(Cgroup::from_proc("21 1 0:20 / /proc rw - proc proc rw\n", "").is_none());
    }

    /// Files as kernels of both versions write them.
    fn figures_of(name: &str, version: u32, files: &[(&str, &str)]) -> CgroupFigures {
        let dir = std::env::temp_dir().join(format!("probe-cgroup-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        for (file, text) in files {
            fs::write(dir.join(file), text).unwrap();
        }
        let all = || Some(dir.clone());
        let (memory, cpu_usage, cpu) = (all(), all(), all());
        let figures = Cgroup { version, memory, cpu_usage, cpu, anon_bytes: None, file_bytes: None }.figures();
        fs::remove_dir_all(dir).unwrap();
        figures
    }

    #[test]
    fn version_1_figures_are_read() {
        let figures = figures_of(
            "v1",
            1,
            &[
                ("memory.max_usage_in_bytes", "1000\n"),
                ("memory.stat", "cache 1\nrss 2\ntotal_cache 300\ntotal_rss 500\n"),
                ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
                ("cpuacct.usage", "77\n"),
                ("cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_time 55\n"),
            ],
        );
        let expected = CgroupFigures {
            version: 1,
            peak_bytes: Some(1000),
            anon_bytes: Some(500),
            file_bytes: Some(300),
            oom_kills: Some(2),
            cpu_ns: Some(77),
            throttled_ns: Some(55),
        };
        assert_eq!(figures, expected);
    }

    #[test]
    fn version_2_figures_are_read_and_what_the_kernel_lacks_is_none() {
        let figures = figures_of(
            "v2",
            2,
            &[
                ("memory.stat", "anon 500\nfile 300\nanon_thp 9\n"),
                ("memory.events", "low 0\noom 3\noom_kill 1\n"),
                ("cpu.stat", "usage_usec 77\nuser_usec 70\n"),
            ],
        );
        let expected = CgroupFigures {
            version: 2,
            peak_bytes: None,
            anon_bytes: Some(500),
            file_bytes: Some(300),
            oom_kills: Some(1),
            cpu_ns: Some(77_000),
            throttled_ns: None,
        };
        assert_eq!(figures, expected);
    }
}
