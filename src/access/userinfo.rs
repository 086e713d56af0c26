//! The userinfo endpoint is a resource like every other: its requests are counted with those of the API,
//! under the same limit (contract §4).

use std::sync::Arc;

use super::authenticate::{account_of, count_use};
use crate::{
    app::App,
    crypto::secret::{AccessToken, Secret},
    fault::Fault,
    limiter::Count,
    openid::userinfo::{self, UserInfo},
    tokens::dpop::Shown,
};

/// What became of a request.
#[derive(Debug)]
pub enum Telling {
    /// It was answered, and the token stands so with its limit, if it is one.
    Answered(Option<Count>, UserInfo),
    /// It was not looked at: the limit of the token is reached (contract §4).
    TooMany(Count),
}

/// Tells who the user of a token is; `shown` is how the token came.
///
/// # Errors
/// When the database fails, or the keys cannot be had.
pub async fn tell_who(
    app: &Arc<App>,
    token: &Secret<AccessToken>,
    shown: Shown<'_>,
) -> Result<Telling, Fault> {
    let record = match userinfo::find(app, token, shown).await? {
        Ok(record) => record,
        Err(refused) => return Ok(Telling::Answered(None, refused)),
    };
    let count = count_use(app, &account_of(&record));
    if !count.is_allowed {
        return Ok(Telling::TooMany(count));
    }
    Ok(Telling::Answered(Some(count), userinfo::tell(app, &record).await?))
}
