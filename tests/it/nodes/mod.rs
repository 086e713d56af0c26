//! Several nodes, as behind a load balancer: real processes on one database.

mod cluster;
mod one_database;
