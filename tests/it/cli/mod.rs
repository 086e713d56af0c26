//! The command line: the program itself, in a process of its own.

mod accounts;
mod audit;
mod clients;
mod doctor;
mod doctor_ailments;
mod doctor_chain;
mod doctor_installation;
mod rotate_secrets;
mod scan;
mod signing_keys;
