//! What clients do all day, while something happens to the server.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use bench_support::{Result, http::Request};

use crate::{reply::must, site::Site};

/// Everything a client needs, until it is over; answers how many requests that was.
pub(crate) async fn work(
    site: &Site,
    address: SocketAddr,
    mut token: String,
    is_over: &AtomicBool,
) -> Result<usize> {
    let mut served = 0;
    while !is_over.load(Ordering::SeqCst) {
        let next = must(address, refresh(site, &token), 200).await?;
        token = next.member("refresh_token")?;
        let access = next.member("access_token")?;
        must(address, Request::get("/api/v1/me").bearer(&access), 200).await?;
        must(address, site.cast.introspection(&access), 200).await?;
        must(address, site.cast.password(1), 200).await?;
        must(address, Request::get("/api/api-keys").bearer(&site.key), 200).await?;
        served += 5;
    }
    Ok(served)
}

/// The request that rotates a refresh token.
pub(crate) fn refresh(site: &Site, token: &str) -> Request {
    site.cast.script.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}
