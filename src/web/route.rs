//! By which route an answer came, for whoever makes a span of the request.

use poem::{Error, PathPattern, Response, Result};

/// Answers an error; the answer knows the route that the error came by.
///
/// # Errors
/// What `answer` does not answer.
pub fn kept(error: Error, answer: impl FnOnce(Error) -> Result<Response>) -> Result<Response> {
    let route = error.data::<PathPattern>().cloned();
    let mut response = answer(error)?;
    if let Some(route) = route {
        response.set_data(route);
    }
    Ok(response)
}
