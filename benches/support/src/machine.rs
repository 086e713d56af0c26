//! The machine that figures come from.

use std::{fs, process::Command, thread};

/// Processor, cores, memory, kernel, file system and commit, as one sentence.
#[must_use]
pub fn description() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let kernel = file("/proc/sys/kernel/osrelease");
    let memory = value("/proc/meminfo", "MemTotal:").unwrap_or_default();
    let kib: u64 = memory.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(0);
    format!(
        "{cores} cores of {}, {} GiB, Linux {}, {} below the data directory, {}, commit {}",
        value("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unnamed processor".to_owned()),
        kib.div_ceil(1024 * 1024),
        kernel.trim(),
        file_system(),
        said("rustc", &["--version"]),
        said("git", &["describe", "--always", "--dirty"]),
    )
}

fn file(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn value(path: &str, name: &str) -> Option<String> {
    let text = file(path);
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line[name.len()..].trim_start_matches([' ', '\t', ':']).to_owned())
}

/// Of the directory for temporary files: a durable write into memory proves nothing.
fn file_system() -> String {
    let directory = std::env::temp_dir();
    let directory = directory.to_string_lossy();
    said("findmnt", &["--noheadings", "--output", "FSTYPE", "--target", &*directory])
}

/// The first line that a program prints.
#[must_use]
pub fn said(program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).output();
    let text = done.map(|done| String::from_utf8_lossy(&done.stdout).into_owned());
    text.ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_default()
}
