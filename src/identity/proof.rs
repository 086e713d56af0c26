//! What somebody has shown that proves who they are, until something is made of it.

use super::{methods::Methods, throttle::Right};
use crate::{
    app::App,
    fault::Fault,
    store::{Store, Txn},
};

/// A proof: by what, and the transaction in which the code or the passkey's answer is used up. That is committed
/// together with what is made of the proof, such as a session. If nothing is, nothing was used up either: a code that is
/// good once is not lost because the database failed a moment later.
#[must_use = "what was used up is committed with what is made of it"]
pub struct Proof {
    /// By what.
    pub methods: Methods,
    txn: Txn,
    guess: Option<Right>,
}

impl Proof {
    /// One by a password that was settled before, and that uses nothing up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_password(store: &Store) -> Result<Self, Fault> {
        Ok(Self { methods: Methods::PASSWORD, txn: store.begin().await?, guess: None })
    }

    /// One by something that is used up in this transaction; a guess at it is settled with it.
    pub(super) fn new(methods: Methods, txn: Txn, guess: Option<Right>) -> Self {
        Self { methods, txn, guess }
    }

    /// The same, with what was proved before.
    pub(super) fn and(self, methods: Methods) -> Self {
        Self { methods: self.methods.and(methods), ..self }
    }

    /// Where that which is made of it is stored.
    #[must_use]
    pub fn txn(&self) -> &Txn {
        &self.txn
    }

    /// Commits it with what was made of it in its transaction; or, if that failed, takes it back.
    ///
    /// # Errors
    /// That of what was made, or when the database fails; then nothing is stored, and nothing used up.
    pub async fn commit<T>(self, app: &App, made: Result<T, Fault>) -> Result<T, Fault> {
        let made = match made {
            Ok(made) => made,
            Err(fault) => {
                self.take_back(app).await?;
                return Err(fault);
            }
        };
        let Self { txn, guess, .. } = self;
        let Some(guess) = guess else {
            return txn.commit().await.map(|()| made).map_err(Fault::from);
        };
        if let Err(fault) = guess.commit(txn).await {
            guess.give_back(app).await?;
            return Err(fault);
        }
        Ok(made)
    }

    /// Makes nothing of it: nothing is used up, and it was no guess.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_back(self, app: &App) -> Result<(), Fault> {
        // the embedded database has one transaction at a time
        drop(self.txn);
        match self.guess {
            Some(guess) => guess.give_back(app).await,
            None => Ok(()),
        }
    }
}
