//! Who a request acts as, whichever credential it came with, and what it may do.

pub mod authenticate;
pub mod gates;
pub mod guesses;
pub mod inquiry;
pub mod presented;
pub mod principal;
pub mod refusal;
pub mod scopes;
pub mod step_up;
pub mod userinfo;

pub use self::{
    authenticate::{authenticate, count_refused, count_use},
    guesses::Guess,
    inquiry::inquire,
    presented::{Offered, Presented},
    principal::{Account, Credential, CredentialKind, Principal, PrincipalKind, Workspace},
    refusal::Refusal,
    scopes::{require_all, require_for, require_somewhere},
    step_up::{Demand, UserSignIn, require_sign_in},
    userinfo::{Telling, tell_who},
};
pub use crate::tokens::permission::Resource;
