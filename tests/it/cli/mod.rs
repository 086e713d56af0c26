//! The command line: the program itself, in a process of its own.

mod accounts;
mod audit;
mod clients;
mod doctor;
mod rotate_secrets;
mod scan;
mod signing_keys;
