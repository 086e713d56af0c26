//! Who there is: enterprises, workspaces, users, members and their billable accounts.
//!
//! Every rule is one transaction and leaves one audit event. What its caller may mend comes back as
//! [`FieldError`]s; nothing has been written then.

mod account;
mod enterprise;
pub mod lookup;
mod member;
mod names;
mod service_account;
mod user;
mod workspace;

use crate::fault::FieldError;

pub use self::{
    account::{Account, allow_comms, open_subscription, verify_user},
    enterprise::create_enterprise,
    member::{add_member, remove_member},
    service_account::service_account,
    user::{CreatedUser, Membership, NewUser, create_user, disable_user},
    workspace::{NewWorkspace, create_workspace, disable_workspace},
};

/// What a rule made, or every field that stood in its way.
pub type Checked<T> = Result<T, Vec<FieldError>>;

/// One field that stood in the way.
fn refused<T>(field: &'static str, message: &str) -> Checked<T> {
    Err(vec![FieldError::new(field, message)])
}
