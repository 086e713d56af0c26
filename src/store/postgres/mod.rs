//! A server's database: PostgreSQL on sqlx, behind sea-orm's query builder.
//!
//! A question costs a way there and back, and so do the driver's own: its pool asks every connection
//! that comes back whether it lives. Here whoever has had an answer knows that ([`pool`]), and only a
//! connection that was left in the middle of one is asked ([`held`]).

mod held;
mod pool;
mod transaction;

pub(super) use self::{
    pool::{CONNECTIONS, Permit, Pool},
    transaction::PostgresTxn,
};
