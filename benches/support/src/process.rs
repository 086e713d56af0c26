//! A process that ends when it is dropped.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{Result, http::Connection, http::Request};

/// What has not answered or ended by then never will.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running process.
pub struct Process {
    child: Child,
    /// What it is asked to end by.
    signal: &'static str,
}

impl Process {
    /// Starts a command, which is later asked to end by SIGTERM.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        Self::ending_by(command, "TERM")
    }

    /// Starts a command that another signal ends in good order.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn ending_by(command: &mut Command, signal: &'static str) -> Result<Self> {
        let child = command.spawn();
        let child = child.map_err(|error| format!("{command:?} does not start: {error}"))?;
        Ok(Self { child, signal })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// When it does not end, or fails.
    pub async fn stop(mut self) -> Result<()> {
        signal(self.id(), self.signal)?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { Err(status.to_string().into()) };
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err("a process does not end".into())
    }

    /// Sends it a signal, such as `STOP`.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(self.id(), name)
    }

    /// `kill -9`, and waits until it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            // its children, if it has any, are for it to end
            let _ = signal(self.id(), self.signal);
            let begun = Instant::now();
            while !self.has_ended() && begun.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal to a process.
///
/// # Errors
/// When it is gone.
pub fn signal(process: u32, name: &str) -> Result<()> {
    let sent = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .stderr(Stdio::null())
        .status()?;
    if sent.success() { Ok(()) } else { Err("a process could not be signalled".into()) }
}

/// Waits until a server answers 200 at `path`, and answers when that was.
///
/// # Errors
/// When it ends instead.
pub async fn answers(process: &mut Process, address: SocketAddr, path: &str) -> Result<Instant> {
    let (begun, question) = (Instant::now(), Request::get(path).bytes());
    while begun.elapsed() < PATIENCE {
        if let Ok(mut connection) = Connection::open(address).await
            && connection.send(&question).await.is_ok_and(|answer| answer.status == 200)
        {
            return Ok(Instant::now());
        }
        if process.has_ended() {
            return Err("a server ended before it answered".into());
        }
        sleep(Duration::from_millis(1)).await;
    }
    Err("a server does not answer".into())
}

/// An address that nobody listens on now.
///
/// # Errors
/// When there is none.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
