//! File systems of a drill's own, for as long as they are needed.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use bench_support::Result;

use crate::reply::demand;

const ROOM: &str = "size=16m,mode=0700";
const IMAGE_BYTES: u64 = 64 << 20;
/// Whatever becomes of the drill, the disk goes on by itself: no signal reaches what waits for it.
const STALL: &str =
    r#"fsfreeze --freeze "$0" && echo stalls && sleep "$1"; fsfreeze --unfreeze "$0""#;

/// One that is mounted.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// A small one, in memory.
    pub(crate) fn small(path: &Path) -> Result<Self> {
        fs::create_dir_all(path)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", ROOM, "latchkey-drill"]).arg(path);
        demand(mount.status()?.success(), || "a small disk could not be mounted".to_owned())?;
        Ok(Self(path.to_owned()))
    }

    /// One on a disk, which is a file; nothing, where the system cannot do that.
    pub(crate) fn on_disk(file: &Path, path: &Path) -> Result<Option<Self>> {
        fs::create_dir_all(path)?;
        fs::File::create(file)?.set_len(IMAGE_BYTES)?;
        let mut make = Command::new("mkfs.ext4");
        let mut mount = Command::new("mount");
        make.arg("-q").arg(file);
        mount.args(["-o", "loop"]).arg(file).arg(path);
        let is_done = |command: &mut Command| command.status().is_ok_and(|it| it.success());
        if !(is_done(&mut make) && is_done(&mut mount)) {
            return Ok(None);
        }
        let mounted = Self(path.to_owned());
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        Ok(Some(mounted))
    }

    /// Mounts it again, to be read only or to be written too. Nobody may have a file of it open.
    pub(crate) fn remount(&self, how: &str) -> Result<()> {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.0);
        demand(mount.status()?.success(), || format!("it could not be mounted again: {how}"))
    }

    /// From now on what is written to it comes to no end, for so long.
    pub(crate) fn stall(&self, length: Duration) -> Result<Stall> {
        let mut shell = Command::new("sh");
        shell.args(["-c", STALL]).arg(&self.0).arg(length.as_secs().to_string());
        let mut shell = shell.stdout(Stdio::piped()).spawn()?;
        let mut said = String::new();
        BufReader::new(shell.stdout.take().ok_or("a shell that says nothing")?)
            .read_line(&mut said)?;
        demand(said.trim() == "stalls", || "a disk could not be stalled".to_owned())?;
        Ok(Stall(shell))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// A disk that does not answer.
pub(crate) struct Stall(Child);

impl Stall {
    /// Waits until it answers again.
    pub(crate) async fn over(mut self) -> Result<()> {
        let ended = tokio::task::spawn_blocking(move || self.0.wait()).await??;
        demand(ended.success(), || "the disk stalls for ever".to_owned())
    }
}
