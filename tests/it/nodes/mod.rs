//! Several nodes, as behind a load balancer: real processes on one database, and what nodes share
//! through a Redis.

pub mod cluster;
mod one_database;
mod one_redis;
mod rate_limits;
