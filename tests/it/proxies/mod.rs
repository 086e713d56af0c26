//! Gateways that ask Latchkey whether a request may pass, with the configurations of `examples/`.

mod backend;
mod envoy;
mod nginx;
