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

/// Tells who the user of a token is, and where the token stands with its limit, if it is one; `shown` is
/// how the token came.
///
/// # Errors
/// When the database fails, or the keys cannot be had.
pub async fn tell_who(
    app: &Arc<App>,
    token: &Secret<AccessToken>,
    shown: Shown<'_>,
) -> Result<(Option<Count>, UserInfo), Fault> {
    let record = match userinfo::find(app, token, shown).await? {
        Ok(record) => record,
        Err(refused) => return Ok((None, refused)),
    };
    let count = count_use(app, &account_of(&record));
    if !count.is_allowed {
        return Ok((Some(count), UserInfo::TooMany(count.secs_left(app.now()))));
    }
    Ok((Some(count), userinfo::tell(app, &record).await?))
}
