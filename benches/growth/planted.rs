//! Tokens whose text is known, for rows that are copies: the server takes them for its own.

use std::{collections::VecDeque, path::Path, sync::Arc};

use bench_support::{Result, actors::Chain, cast::Client, drive::Actor, http::Connection};
use latchkey::crypto::{
    derive,
    random::SystemRandom,
    secret::{AccessToken, Secret},
    secrets_file::Secrets,
};

/// The tokens of one session.
pub(crate) struct Planted {
    /// Its family.
    pub(crate) family_id: i64,
    /// Its refresh token.
    pub(crate) refresh: Token,
    /// Its access token.
    pub(crate) access: Token,
}

/// A token in clear and as it is stored.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) sha256: Vec<u8>,
}

/// So many sessions under the keys of the server with this data directory.
pub(crate) fn sessions(data_dir: &Path, count: usize) -> Result<Vec<Planted>> {
    let (secrets, random) =
        (Secrets::open_existing(&data_dir.join("secrets.toml"))?, SystemRandom::default());
    let session = |_| {
        let family_id = derive::new_family_id(&random);
        let refresh = secrets.deriver.first_refresh_token(&random, family_id);
        let access = Secret::<AccessToken>::random(&random);
        Planted {
            family_id,
            refresh: Token { text: refresh.reveal().to_owned(), sha256: refresh.sha256() },
            access: Token { text: access.reveal().to_owned(), sha256: access.sha256() },
        }
    };
    Ok((0..count).map(session).collect())
}

/// Keeps many chains of refresh tokens going at one connection, in turns: there is always another
/// session that is refreshed, as at a server with many.
pub(crate) struct Chains(VecDeque<Chain>);

impl Chains {
    /// Deals refresh tokens out to as many connections.
    pub(crate) fn dealt(
        tokens: impl Iterator<Item = String>,
        connections: usize,
        client: &Arc<Client>,
    ) -> Vec<Self> {
        let mut hands: Vec<_> = (0..connections).map(|_| Self(VecDeque::new())).collect();
        for (number, refresh_token) in tokens.enumerate() {
            hands[number % connections]
                .0
                .push_back(Chain { client: client.clone(), refresh_token });
        }
        hands
    }
}

impl Actor for Chains {
    async fn operate(&mut self, connection: &mut Connection) -> Result<()> {
        let mut chain = self.0.pop_front().ok_or("no refresh token was planted")?;
        chain.operate(connection).await?;
        self.0.push_back(chain);
        Ok(())
    }
}
