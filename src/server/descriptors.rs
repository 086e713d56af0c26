//! How many files and connections the system lets this process have open.

use crate::web::listener::Limits;

/// What is not for clients: the database, the log, mail, addresses that clients have named.
const RESERVE: usize = 256;
/// What one network may have at least.
const FEW: usize = 64;

/// The limits of a listener on this system: it takes no more connections than leave room for the rest, whose loss would
/// be everybody's. Raises what the process may open as far as it may.
pub(super) fn limits() -> Limits {
    within(Limits::default(), raised())
}

fn within(limits: Limits, open: Option<u64>) -> Limits {
    let open = open.and_then(|open| usize::try_from(open).ok()).unwrap_or(usize::MAX);
    let fitting = open.saturating_sub(RESERVE).max(open / 2);
    let connections = limits.connections.min(fitting);
    if connections < limits.connections {
        tracing::warn!(
            "no more than {connections} connections at once: the system lets this process open {open} files"
        );
    }
    // as large a part of fewer, but enough for a few browsers
    let part = limits.of_network * connections / limits.connections.max(1);
    let of_network = part.max(FEW).min(connections);
    Limits { connections, of_network, ..limits }
}

/// How many it may open; `None` for no limit.
#[cfg(target_os = "linux")]
fn raised() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let found = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: found.maximum, ..found };
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => wanted.current,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays as it is");
            found.current
        }
    }
}

#[cfg(not(target_os = "linux"))]
const fn raised() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_room_for_the_rest() {
        let connections = |open| within(Limits::default(), open).connections;
        let fitting = [None, Some(1 << 40), Some(10_256), Some(10_255), Some(1_024), Some(64)];
        assert_eq!(fitting.map(connections), [10_000, 10_000, 10_000, 9_999, 768, 32]);
        let of_network = |open| within(Limits::default(), open).of_network;
        let fitting = [None, Some(1_024), Some(256), Some(64)];
        assert_eq!(fitting.map(of_network), [2_500, 192, 64, 32]);
    }
}
