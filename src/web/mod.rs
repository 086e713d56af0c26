//! The HTTP kit the faces share: reading requests strictly, answering with every header set.

mod accent;
pub mod app;
pub mod assets;
pub mod body;
pub mod browser;
pub mod client_ip;
pub mod confirmed;
pub mod csrf;
pub mod detached;
pub mod frame;
pub mod headers;
pub mod links;
pub mod listener;
pub mod listing;
pub mod methods;
pub mod moment;
pub mod notice;
pub mod page;
pub mod page_error;
pub mod problems;
pub mod qr;
pub mod query;
pub mod request_id;
pub mod session_cookie;
