//! The OAuth face: one file an endpoint, and one a grant type of the token endpoint.

mod token_password;
mod token_password_throttle;
mod token_refresh;
mod token_refresh_reuse;
