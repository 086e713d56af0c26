//! The targets as programs of libFuzzer have them.

#[path = "lib.rs"]
mod targets;

use self::targets::place::Place;

/// Runs a target in the place of this thread: libFuzzer has one that goes on and on.
pub fn run(name: &str, bytes: &[u8]) {
    thread_local!(static PLACE: Place = Place::default());
    PLACE.with(|place| targets::target(name)(place, bytes));
}
