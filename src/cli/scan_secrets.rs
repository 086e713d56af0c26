//! `latchkey scan-secrets`: looks for this server's secrets where none may be.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, demo,
    output::{self, Record},
    settings::Settings,
};
use crate::keys::sightings::{LONGEST, Sighting, Spotter};

/// Bytes that are read at once.
const CHUNK: u64 = 256 * 1024;

/// Look for Latchkey's keys, tokens and secrets in files, and fail if there are any
#[derive(Args)]
pub(super) struct ScanSecrets {
    /// Files and directories; `-` reads standard input, as in `git log -p | latchkey scan-secrets -`
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Also what has no checksum that proves it, but the form of a product's keys: look twice
    #[arg(long)]
    forms: bool,
    /// Print a line of JSON for each
    #[arg(long)]
    json: bool,
}

impl ScanSecrets {
    /// Prints where secrets stand, never the secrets.
    pub(super) fn run(self, settings: &Settings) -> Result<(), Failure> {
        // keys of the demo's products look like those of the real ones
        let spotter = Spotter::new(&settings.load_over(demo::PRODUCTS)?.products);
        let mut report =
            Report { spotter, forms: self.forms, as_json: self.json, found: 0, unread: 0 };
        for path in &self.paths {
            if path == Path::new("-") {
                report.read("-", io::stdin().lock())?;
            } else {
                // what is named and not there is a mistake, and not a file that went meanwhile
                let about = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
                report.visit(path, about.is_dir())?;
            }
        }
        report.end()
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} cannot be read: {error}", path.display()))
}

struct Report {
    spotter: Spotter,
    forms: bool,
    as_json: bool,
    found: usize,
    unread: usize,
}

impl Report {
    fn visit(&mut self, path: &Path, is_directory: bool) -> Result<(), Failure> {
        if is_directory {
            let Some(entries) = self.or_note(path, fs::read_dir(path)) else { return Ok(()) };
            let mut entries: Vec<_> =
                entries.filter_map(|entry| self.or_note(path, entry)).collect();
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let path = entry.path();
                let Some(kind) = self.or_note(&path, entry.file_type()) else { continue };
                // links are not followed, and pipes and devices not read
                if kind.is_dir() || kind.is_file() {
                    self.visit(&path, kind.is_dir())?;
                }
            }
            return Ok(());
        }
        match self.or_note(path, File::open(path)) {
            Some(file) => self.read(&path.display().to_string(), file),
            None => Ok(()),
        }
    }

    fn or_note<T>(&mut self, path: &Path, outcome: io::Result<T>) -> Option<T> {
        outcome
            .inspect_err(|error| {
                self.unread += 1;
                unreadable(path, error).report();
            })
            .ok()
    }

    /// Reads to the end, a piece at a time; a secret on the border of two is seen in the second.
    fn read(&mut self, name: &str, mut source: impl Read) -> Result<(), Failure> {
        let (mut buffer, mut from, mut line) = (Vec::new(), 0, 1);
        loop {
            let read = source.by_ref().take(CHUNK).read_to_end(&mut buffer);
            let Some(read) = self.or_note(Path::new(name), read) else { return Ok(()) };
            let tail = if read == 0 { 0 } else { LONGEST };
            let mut end = buffer.len().saturating_sub(tail).max(from);
            let (seen, mut counted) = (end, from);
            for sighting in self.spotter.look(&buffer, from) {
                if sighting.at >= seen {
                    break;
                }
                line += lines_in(&buffer[counted..sighting.at]);
                counted = sighting.at;
                end = end.max(sighting.at + sighting.length);
                if sighting.is_proved || self.forms {
                    self.print((name, line), &sighting)?;
                }
            }
            if read == 0 {
                return Ok(());
            }
            line += lines_in(&buffer[counted..end]);
            // what stands before a form is looked at, too
            buffer.drain(..end.saturating_sub(1));
            from = end.min(1);
        }
    }

    fn print(&mut self, (path, line): (&str, usize), sighting: &Sighting) -> Result<(), Failure> {
        self.found += 1;
        let Sighting { what, start, last4, is_proved, .. } = sighting;
        if !self.as_json {
            let doubt = if *is_proved { "" } else { ", by its form" };
            let path: String = path.chars().filter(|c| !c.is_control()).collect();
            return output::line(&format!("{path}:{line}: {what} {start}…{last4}{doubt}"));
        }
        let record = Record::new()
            .with("path", path)
            .with("line", line)
            .with("what", what.as_str())
            .with("start", start.as_str())
            .with("last4", last4.as_str())
            .with("checksum", *is_proved);
        output::record(record, true)
    }

    fn end(self) -> Result<(), Failure> {
        let (found, unread) = (self.found, self.unread);
        match (found, unread) {
            (0, 0) => Ok(()),
            (0, unread) => Err(Failure::new(format!("{unread} files could not be read"))),
            (1, _) => Err(Failure::new("1 secret was found: revoke it, then remove it")),
            (found, _) => Err(Failure::new(format!(
                "{found} secrets were found: revoke them, then remove them"
            ))),
        }
    }
}

fn lines_in(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}
