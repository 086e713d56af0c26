//! Clients that register themselves (RFC 7591) and look after their registration (RFC 7592).
//!
//! 1. `admission`: who may register at all
//! 2. `reading`: what the metadata mean, and what they may not be
//! 3. `register`, `manage`: what is written
//! 4. `collect`: what nobody has used goes

mod admission;
mod collect;
mod manage;
mod reading;
mod register;

pub use self::{
    admission::{Admission, Registrar, TooMany, admit},
    collect::collect,
    manage::{Replacement, find, remove, replace},
    reading::{Door, Refusal, read},
    register::{Outcome, Registered, register},
};
pub(super) use self::{
    admission::{MOST, count_try},
    collect::UNUSED_FOR,
    manage::described_anew,
};
