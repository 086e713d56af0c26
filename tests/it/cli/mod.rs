//! The command line: the program itself, in a process of its own.

mod accounts;
mod scan;
mod signing_keys;
