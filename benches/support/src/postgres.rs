//! A PostgreSQL of the benchmark's own: default settings, every commit on the disk.

use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use crate::{
    Result,
    process::{Process, free_address, signal},
};

/// A running cluster; its data goes with it.
pub struct Cluster {
    // ends before its directory goes
    postmaster: Process,
    address: SocketAddr,
    bin: PathBuf,
    version: String,
    user: Account,
    directory: TempDir,
}

impl Cluster {
    /// Makes and starts one.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub async fn start() -> Result<Self> {
        let bin = bin_directory()?;
        let directory = tempfile::Builder::new().prefix("latchkey-bench-pg.").tempdir()?;
        let data = directory.path().join("data");
        let user = Account::of_postgres()?;
        user.owns(directory.path())?;
        let mut init = user.command(&bin.join("initdb"), directory.path());
        init.args(["--username=latchkey", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        let made = init.arg("--no-sync").arg("--pgdata").arg(&data).output()?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
        }
        let address = free_address()?;
        let postmaster = postmaster(&user, &bin, directory.path(), address)?;
        let version = Command::new(bin.join("postgres")).arg("--version").output()?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        let cluster = Self { postmaster, address, bin, version, user, directory };
        cluster.ready().await?;
        Ok(cluster)
    }

    /// Ends it in the middle of everything, as a power cut does.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub fn crash(&mut self) -> Result<()> {
        let children = self.processes()?;
        self.postmaster.kill()?;
        for child in children {
            // whoever has noticed by itself that the first one is gone is gone too
            let _ = signal(child, "KILL");
        }
        // it would refuse to start beside itself
        let _ = fs::remove_file(self.directory.path().join("data/postmaster.pid"));
        Ok(())
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.postmaster = postmaster(&self.user, &self.bin, self.directory.path(), self.address)?;
        self.ready().await
    }

    /// Sends a signal to each of its processes, such as `STOP`.
    ///
    /// # Errors
    /// When its first process is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.postmaster.signal(name)?;
        for child in self.processes()? {
            // a worker may have ended meanwhile
            let _ = signal(child, name);
        }
        Ok(())
    }

    /// Its processes, but the first.
    fn processes(&self) -> Result<Vec<u32>> {
        let file = format!("/proc/{0}/task/{0}/children", self.id());
        let children = fs::read_to_string(file)?;
        Ok(children.split_whitespace().filter_map(|id| id.parse().ok()).collect())
    }

    async fn ready(&self) -> Result<()> {
        for _ in 0..1000 {
            // it listens before it is ready, so it is asked
            if TcpStream::connect(self.address).await.is_ok()
                && self.query("postgres", "select 1").is_ok()
            {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err("PostgreSQL does not start".into())
    }

    /// The id of its first process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.postmaster.id()
    }

    /// Its version, as it says.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The directory of its tables.
    #[must_use]
    pub fn tables(&self) -> PathBuf {
        self.directory.path().join("data/base")
    }

    /// Creates a database and answers its URL.
    ///
    /// # Errors
    /// When there is one of this name.
    pub fn create(&self, database: &str) -> Result<String> {
        self.query("postgres", &format!("create database {database}"))?;
        Ok(format!("postgres://latchkey@{}/{database}", self.address))
    }

    /// Something that runs a statement to its end, for another thread.
    pub fn holding(
        &self,
        database: &str,
        sql: &str,
    ) -> impl FnOnce() -> Result<()> + Send + 'static {
        let mut psql = self.psql(database, sql);
        let sql = sql.to_owned();
        move || {
            let done = psql.output()?;
            if done.status.success() { Ok(()) } else { Err(sql.into()) }
        }
    }

    /// What writes all of a database into a file, as of one moment.
    #[must_use]
    pub fn dump(&self, database: &str, file: &Path) -> Command {
        let mut dump = self.program("pg_dump", database);
        dump.arg("--format=custom").arg("--file").arg(file);
        dump
    }

    /// What reads such a file into a database that is empty.
    #[must_use]
    pub fn restore(&self, database: &str, file: &Path) -> Command {
        let mut restore = self.program("pg_restore", database);
        restore.arg("--exit-on-error").arg(file);
        restore
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut psql = self.program("psql", database);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        psql
    }

    /// A program that came with PostgreSQL, and speaks to a database of this cluster.
    fn program(&self, name: &str, database: &str) -> Command {
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        let mut program = Command::new(self.bin.join(name));
        program.env_clear().stdin(Stdio::null());
        program.args(["-h", &host, "-p", &port, "-U", "latchkey", "-d", database]);
        program
    }

    /// What a statement answers, one line a row.
    ///
    /// # Errors
    /// When it fails.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        let done = self.psql(database, sql).output()?;
        if !done.status.success() {
            return Err(format!("{sql}: {}", String::from_utf8_lossy(&done.stderr)).into());
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }
}

fn postmaster(
    user: &Account,
    bin: &Path,
    directory: &Path,
    address: SocketAddr,
) -> Result<Process> {
    let log = File::options().create(true).append(true).open(directory.join("log"))?;
    let mut postgres = user.command(&bin.join("postgres"), directory);
    postgres.arg("-D").arg(directory.join("data")).args(["-p", &address.port().to_string()]);
    postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
    postgres.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // SIGINT is its fast shutdown
    Process::ending_by(&mut postgres, "INT")
}

/// The directory of initdb, postgres and psql; the newest version if there are several.
fn bin_directory() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut candidates: Vec<_> = versions.map(|it| it.path().join("bin")).collect();
    let version = |path: &PathBuf| {
        let name = path.parent().and_then(Path::file_name).and_then(|it| it.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    candidates.sort_by_key(version);
    candidates.insert(0, "/usr/local/bin".into());
    candidates.insert(0, "/usr/bin".into());
    let found = candidates.into_iter().rev().find(|bin| bin.join("initdb").exists());
    found.ok_or_else(|| "PostgreSQL is missing: install Debian's package postgresql".into())
}

/// PostgreSQL refuses to run as root.
struct Account(Option<(u32, u32)>);

impl Account {
    fn of_postgres() -> Result<Self> {
        if number("id", &["-u"])? != 0 {
            return Ok(Self(None));
        }
        Ok(Self(Some((number("id", &["-u", "postgres"])?, number("id", &["-g", "postgres"])?))))
    }

    fn owns(&self, directory: &Path) -> Result<()> {
        if let Self(Some((user, group))) = self {
            std::os::unix::fs::chown(directory, Some(*user), Some(*group))?;
        }
        Ok(())
    }

    fn command(&self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(directory);
        if let Self(Some((user, group))) = self {
            command.uid(*user).gid(*group);
        }
        command
    }
}

fn number(program: &str, args: &[&str]) -> Result<u32> {
    let done = Command::new(program).args(args).output()?;
    Ok(String::from_utf8_lossy(&done.stdout).trim().parse()?)
}
