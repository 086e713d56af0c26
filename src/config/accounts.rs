//! `[accounts]`: what people may do with their accounts themselves.

use serde::Deserialize;

/// Accounts and sign-up.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// Whether anybody may create an account in the public realm.
    pub sign_up: bool,
}
