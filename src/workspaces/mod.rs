//! Who there is: enterprises, workspaces, members and their billable accounts. People themselves are
//! made in `identity/users.rs`.
//!
//! Every rule is one transaction and leaves one audit event. What its caller may mend comes back as
//! [`FieldError`]s; nothing has been written then.

mod account;
mod enterprise;
pub mod lookup;
pub(crate) mod member;
pub(crate) mod names;
pub(crate) mod personal;
mod pin;
pub mod roles;
pub mod roster;
mod service_account;
pub mod subscribers;
mod subscription;
mod workspace;

use crate::fault::FieldError;

pub use self::{
    account::{Account, allow_comms, deny_comms, unverify_user, verify_user},
    enterprise::{
        People, Realm, create_enterprise, enterprises, find_enterprise, rename_enterprise,
    },
    member::{LastOwner, Membership, add_member, remove_member},
    pin::Pin,
    service_account::service_account,
    subscription::{
        IssuedSubscription, account_of, addressees, open_subscription,
        replace_leaked_subscription_key, resume_subscription, rotate_subscription,
        suspend_subscription,
    },
    workspace::{
        NewWorkspace, create_workspace, disable_workspace, enable_workspace, found_workspace,
        set_plan,
    },
};

pub(crate) use self::service_account::find_or_add_service_account;

/// What a rule made, or every field that stood in its way.
pub type Checked<T> = Result<T, Vec<FieldError>>;

/// One field that stood in the way.
pub(crate) fn refused<T>(field: &'static str, message: &str) -> Checked<T> {
    Err(vec![FieldError::new(field, message)])
}
