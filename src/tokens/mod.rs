//! What is issued to clients: scopes, codes, tokens, their rotation and their end.

pub mod scopes;
