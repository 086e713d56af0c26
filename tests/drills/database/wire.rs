//! What lies between a server and its database, and can fall silent: nothing comes through any more, and nobody is told
//! that it does not, as where a machine loses its power or a firewall forgets.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use bench_support::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// How it is with the wire.
#[derive(Clone, Copy)]
struct State {
    is_silent: bool,
    /// Connections older than this are never heard of again.
    oldest: u64,
}

/// A wire; it goes with this value.
pub(crate) struct Wire {
    /// Where it begins.
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
    made: watch::Receiver<u64>,
    to_lose: Arc<AtomicUsize>,
    _work: JoinSet<()>,
}

impl Wire {
    /// A wire to this address.
    pub(crate) async fn to(end: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, seen) = watch::channel(State { is_silent: false, oldest: 0 });
        let (made_by, made) = watch::channel(0);
        let to_lose = Arc::new(AtomicUsize::new(0));
        let losing = Arc::clone(&to_lose);
        let mut work = JoinSet::new();
        work.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                made_by.send_modify(|made| *made += 1);
                let number = *made_by.borrow();
                let ear = Ear { state: seen.clone(), number, to_lose: Arc::clone(&losing) };
                connections.spawn(connected(near, end, ear));
            }
        });
        Ok(Self { address, state, made, to_lose, _work: work })
    }

    /// How many connections have been made through it.
    pub(crate) fn made(&self) -> u64 {
        *self.made.borrow()
    }

    /// So many connections are never heard of again, each from when it is asked something.
    pub(crate) fn lose(&self, count: usize) {
        self.to_lose.store(count, Relaxed);
    }

    /// How many of them are still to be lost.
    pub(crate) fn still_to_lose(&self) -> usize {
        self.to_lose.load(Relaxed)
    }

    /// Nothing comes through any more, on connections that stand and on those to come.
    pub(crate) fn fall_silent(&self) {
        self.state.send_modify(|state| state.is_silent = true);
    }

    /// What is sent comes through again, and what was sent meanwhile arrives; but nothing on connections that stand by
    /// now if those are dead.
    pub(crate) fn speak(&self, are_dead: bool) {
        let made = self.made();
        self.state.send_modify(|state| {
            state.is_silent = false;
            if are_dead {
                state.oldest = made + 1;
            }
        });
    }
}

/// What a connection hears of the wire.
#[derive(Clone)]
struct Ear {
    state: watch::Receiver<State>,
    number: u64,
    to_lose: Arc<AtomicUsize>,
}

impl Ear {
    /// Waits until something may come through; for ever, if it never may.
    async fn is_open(&mut self) {
        let number = self.number;
        let open = |state: &State| !state.is_silent && number >= state.oldest;
        if self.state.wait_for(open).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for ever if one more connection is to be lost.
    async fn is_not_lost(&self) {
        if self.to_lose.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            std::future::pending::<()>().await;
        }
    }
}

async fn connected(near: TcpStream, end: SocketAddr, mut ear: Ear) {
    // a machine that is gone does not even take the connection; here it is taken, and nobody answers
    ear.is_open().await;
    let Ok(far) = TcpStream::connect(end).await else { return };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let asked = carry(near_in, far_out, ear.clone(), Way::Question);
    tokio::join!(asked, carry(far_in, near_out, ear, Way::Answer));
}

/// What goes through.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Question,
    Answer,
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut ear: Ear, way: Way) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        // the end of a connection does not come through either
        ear.is_open().await;
        let sent = bytes.get(..read).unwrap_or_default();
        if way == Way::Question && read > 0 {
            ear.is_not_lost().await;
        }
        if read == 0 || to.write_all(sent).await.is_err() {
            // whatever became of it, nothing more is to come
            let _ = to.shutdown().await;
            return;
        }
    }
}
