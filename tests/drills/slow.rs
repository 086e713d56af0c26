//! Clients that take their time: with their headers, with their bodies, and with the answers. All
//! others are answered as if they were not there, and memory stays within bounds.

use std::{fs, net::SocketAddr, time::Duration};

use bench_support::{Result, http::Request, installation::Server, latencies::Latencies};
use futures_util::future::join_all;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep, timeout},
};

use crate::{
    Figures,
    arguments::Arguments,
    figures,
    reply::{ask, demand, must},
    site::Site,
};

/// Between two bytes of a client that takes its time.
const DRIP: Duration = Duration::from_secs(1);
/// Connections that are opened at the same moment.
const AT_ONCE: usize = 250;
/// Requests of others while they wait.
const OTHERS: usize = 400;
/// What one slow client may cost.
const KIB_EACH: u64 = 64;
/// In which others are answered.
const PROMISE: Duration = Duration::from_secs(1);
/// After it a header, a body that pauses, and an answer that nobody takes are given up.
const GIVEN_UP: Duration = Duration::from_secs(40);
/// Sockets above which it is waited for that.
const MANY: usize = 1_000;

/// With what a client takes its time.
#[derive(Clone, Copy)]
enum Kind {
    Headers,
    Body,
    Answer,
}

/// Opens thousands of them.
pub(crate) async fn run(arguments: &Arguments) -> Result<Figures> {
    let site = Site::new(false, 1).await?;
    let server = site.serve().await?;
    let (address, sockets) = (server.address, arguments.sockets);
    let tokens = must(address, site.cast.password(0), 200).await?;
    let access = tokens.member("access_token")?;
    let calm = others(&site, address, &access).await?;
    let before = resident_kib(&server)?;
    let begun = Instant::now();
    let mut slow = open(address, sockets).await?;
    let opened = begun.elapsed();
    // every one of them has sent what it will, and those who drip go on
    sleep(DRIP).await;
    drip(&mut slow).await;
    let open = files(&server)?;
    // to open very many takes longer than the first ones are left: the figure says how many there were
    let least = if sockets < MANY { sockets * 9 / 10 } else { MANY };
    demand(open >= least, || format!("of {sockets} sockets {open} were open"))?;
    let (crowded, peak) = (others(&site, address, &access).await?, resident_kib(&server)?);
    let grown = peak.saturating_sub(before);
    let p99 = crowded.quantile(990);
    demand(p99 <= PROMISE, || format!("others wait for {p99:?}"))?;
    let each = grown / u64::try_from(sockets.max(1))?;
    demand(each <= KIB_EACH, || format!("a slow client costs {each} KiB"))?;
    let left = if sockets >= MANY { Some(outlive(&mut slow).await) } else { None };
    drop(slow);
    let rested = others(&site, address, &access).await?;
    server.stop().await?;
    let errors = site.errors()?;
    demand(errors.is_empty(), || errors.join("; "))?;
    let ms = |latencies: &Latencies| latencies.quantile(990).as_secs_f64() * 1e3;
    Ok(figures(json!({
        "sockets": sockets,
        "opened_in_ms": opened.as_millis(),
        "open_files_meanwhile": open,
        "others_p99_ms_before": ms(&calm),
        "others_p99_ms": ms(&crowded),
        "others_p99_ms_after": ms(&rested),
        "kib_before": before,
        "kib_meanwhile": peak,
        "kib_each": each,
        "open_after_40_s": left,
    })))
}

/// Opens sockets, a third of each kind.
async fn open(address: SocketAddr, sockets: usize) -> Result<Vec<(Kind, TcpStream)>> {
    // those that are given up last come first
    let kinds = [Kind::Answer, Kind::Body, Kind::Headers];
    let mut slow = Vec::with_capacity(sockets);
    let mut dripped = Instant::now();
    for number in (0..sockets).step_by(AT_ONCE) {
        let some = (number..sockets.min(number + AT_ONCE)).map(|number| async move {
            let kind = kinds[number * kinds.len() / sockets];
            let socket = TcpSocket::new_v4()?;
            // as little as the system allows: an answer that is not read stays with the server
            socket.set_recv_buffer_size(4 * 1024)?;
            let mut socket = socket.connect(address).await?;
            socket.write_all(&beginning(kind)).await?;
            Result::Ok((kind, socket))
        });
        for opened in join_all(some).await {
            slow.push(opened?);
        }
        // or the first ones would be given up before the last one is there
        if dripped.elapsed() > DRIP * 3 {
            drip(&mut slow).await;
            dripped = Instant::now();
        }
    }
    Ok(slow)
}

fn beginning(kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Headers => b"GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ".to_vec(),
        Kind::Body => b"POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\n\
            Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000\r\n\r\ngrant"
            .to_vec(),
        // many answers that are never read
        Kind::Answer => Request::get("/static/latchkey.css").bytes().repeat(8),
    }
}

async fn drip(slow: &mut [(Kind, TcpStream)]) {
    for (kind, socket) in slow {
        if matches!(kind, Kind::Headers | Kind::Body) {
            // who was given up does not hear of it here
            let _ = timeout(DRIP, socket.write_all(b"x")).await;
        }
    }
}

/// How many are still open after every limit.
async fn outlive(slow: &mut [(Kind, TcpStream)]) -> usize {
    let begun = Instant::now();
    while begun.elapsed() < GIVEN_UP {
        sleep(DRIP * 5).await;
    }
    let mut open = 0;
    for (_, socket) in slow {
        let mut piece = vec![0; 64 * 1024];
        let ended = async {
            while let Ok(length) = socket.read(&mut piece).await {
                if length == 0 {
                    break;
                }
            }
        };
        open += usize::from(timeout(Duration::from_millis(5), ended).await.is_err());
    }
    open
}

/// How long others wait: each with a connection of its own, so that accepting counts.
async fn others(site: &Site, address: SocketAddr, access: &str) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    for number in 0..OTHERS {
        let (request, status) = if number % 4 == 0 {
            (site.cast.client_credentials(), 200)
        } else {
            (Request::get("/api/v1/verify").bearer(access), 204)
        };
        let reply = ask(address, request).await.ok_or("others are not answered")?;
        demand(reply.status == status, || reply.text.clone())?;
        latencies.push(reply.took);
    }
    Ok(latencies)
}

/// What a server has in memory, in KiB.
pub(crate) fn resident_kib(server: &Server) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    Ok(number.parse()?)
}

/// How many files a server has open: one for each connection, and few others.
pub(crate) fn files(server: &Server) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{}/fd", server.id()))?.count())
}
