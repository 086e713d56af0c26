//! What an answer says of the limit of the credential that it was given to (contract §4).

use poem::{
    Response,
    http::{HeaderName, HeaderValue},
};

use crate::limiter::Count;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Says where the credential stands with its limit.
pub fn state(count: Count, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(count.limit));
    headers.insert(REMAINING, HeaderValue::from(count.remaining));
    headers.insert(RESET, HeaderValue::from(count.reset));
}
