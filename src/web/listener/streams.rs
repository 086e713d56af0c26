//! Limits on the streams of an HTTP/2 connection that hyper does not have: how long there may be none,
//! how long an answer may wait to be taken, and how many requests are taken back (CVE-2023-44487).

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::Limits;

/// The time in which requests that were taken back are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// What a connection has open.
pub(super) struct Streams {
    state: Mutex<State>,
    standing: watch::Sender<Standing>,
    rest: Duration,
    take_idle: Duration,
    max_taken_back: u32,
}

struct State {
    next: u64,
    /// Since when each answer waits to be taken; requests without an answer yet wait for us.
    open: BTreeMap<u64, Option<Instant>>,
    /// Since when there is none.
    resting: Instant,
    window: Instant,
    taken_back: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// HTTP/1, as far as is known.
    Unknown,
    Http2,
    Flooding,
}

/// Why a connection must end.
pub(super) enum Overstay {
    /// Nothing was asked for long.
    Resting,
    /// Its client takes more than its share.
    Misused(&'static str),
}

impl Streams {
    pub(super) fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                next: 0,
                open: BTreeMap::new(),
                resting: now,
                window: now,
                taken_back: 0,
            }),
            standing: watch::Sender::new(Standing::Unknown),
            rest: limits.rest,
            take_idle: limits.take_idle,
            max_taken_back: limits.streams,
        }
    }

    /// The client speaks HTTP/2: from now on its connection may overstay.
    pub(super) fn begin_http2(&self) {
        self.standing.send_replace(Standing::Http2);
    }

    /// A request has come.
    pub(super) fn begin(self: Arc<Self>) -> Stream {
        let mut state = self.state.lock();
        let id = state.next;
        state.next += 1;
        state.open.insert(id, None);
        drop(state);
        Stream { streams: self, id }
    }

    /// Waits until the connection must end; for ever if it speaks HTTP/1.
    pub(super) async fn overstay(&self) -> Overstay {
        let mut standing = self.standing.subscribe();
        // the sender is ours: there is no error
        let _ = standing.wait_for(|it| *it >= Standing::Http2).await;
        let pause = self.rest.min(self.take_idle) / 4;
        loop {
            tokio::select! {
                _ = standing.wait_for(|it| *it == Standing::Flooding) => {
                    return Overstay::Misused("too many requests were taken back");
                }
                () = sleep(pause) => {}
            }
            if let Some(overstay) = self.look() {
                return overstay;
            }
        }
    }

    fn look(&self) -> Option<Overstay> {
        let state = self.state.lock();
        if state.open.is_empty() {
            return (state.resting.elapsed() >= self.rest).then_some(Overstay::Resting);
        }
        let longest = state.open.values().flatten().map(Instant::elapsed).max();
        longest
            .is_some_and(|wait| wait >= self.take_idle)
            .then_some(Overstay::Misused("an answer is not taken"))
    }

    fn set(&self, id: u64, since: Instant) {
        if let Some(wait) = self.state.lock().open.get_mut(&id) {
            *wait = Some(since);
        }
    }

    fn end(&self, id: u64) {
        let mut state = self.state.lock();
        let now = Instant::now();
        let was_answered = state.open.remove(&id).flatten().is_some();
        if state.open.is_empty() {
            state.resting = now;
        }
        if was_answered {
            return;
        }
        if now - state.window >= WINDOW {
            (state.window, state.taken_back) = (now, 0);
        }
        state.taken_back += 1;
        if state.taken_back > self.max_taken_back {
            drop(state);
            self.standing.send_replace(Standing::Flooding);
        }
    }
}

/// One request and its answer; it ends when this goes.
pub(super) struct Stream {
    streams: Arc<Streams>,
    id: u64,
}

impl Stream {
    /// There is something for the client to take.
    pub(super) fn wait_to_be_taken(&self) {
        self.streams.set(self.id, Instant::now());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.streams.end(self.id);
    }
}

/// The body of an answer, which notes that it is taken.
pub(super) struct Taken<B> {
    pub(super) body: B,
    pub(super) stream: Option<Stream>,
}

impl<B: Body + Unpin> Body for Taken<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if let Some(stream) = &self.stream {
            stream.wait_to_be_taken();
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
