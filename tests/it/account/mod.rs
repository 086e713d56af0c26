//! The account face: one file an endpoint.

mod scan_run;
