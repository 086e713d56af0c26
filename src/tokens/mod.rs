//! What is issued to clients: scopes, grants, codes, tokens, their rotation and their end.

pub mod acr;
pub mod admission;
pub mod approvals;
pub mod audience;
pub mod authorization_details;
pub mod blocks;
pub mod client_credentials;
pub mod code;
pub mod device;
pub mod dpop;
pub mod exchange;
pub mod flood;
pub mod grants;
pub mod issue;
pub mod logout;
pub mod offers;
pub mod permission;
pub mod pushed;
pub mod requests;
pub mod resolve;
pub mod revoke;
pub mod rotate;
pub mod scope_words;
pub mod scopes;
