//! `/admin/users/{id}/{change}`: what administrators do to users. What stops something, or gives
//! somebody the server, asks first.

use std::sync::Arc;

use entity::user;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{
    Admin, ConfirmedAdmin,
    confirm::{ConfirmPage, Part, count},
    users::{find, path_of},
};
use crate::{
    app::App,
    audit::Actor,
    fault::Fault,
    identity::{
        administration::{self, Outcome, Person},
        second_factor,
    },
    store::members::SOLE_OWNED,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
    workspaces::{self, Account},
};

/// A change: the end of its path, the notice afterwards, and whether it asks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Lock,
    Unlock,
    SignOut,
    ResetPassword,
    ResetFactors,
    Verify,
    Unverify,
    AllowComms,
    DenyComms,
    Promote,
    Demote,
}

impl Change {
    pub(super) const ALL: [Self; 11] = [
        Self::Lock,
        Self::Unlock,
        Self::SignOut,
        Self::ResetPassword,
        Self::ResetFactors,
        Self::Verify,
        Self::Unverify,
        Self::AllowComms,
        Self::DenyComms,
        Self::Promote,
        Self::Demote,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::SignOut => "sign-out",
            Self::ResetPassword => "reset-password",
            Self::ResetFactors => "reset-second-factors",
            Self::Verify => "verify",
            Self::Unverify => "unverify",
            Self::AllowComms => "allow-comms",
            Self::DenyComms => "deny-comms",
            Self::Promote => "promote",
            Self::Demote => "demote",
        }
    }

    pub(super) fn asks(self) -> bool {
        matches!(
            self,
            Self::Lock | Self::SignOut | Self::ResetFactors | Self::Promote | Self::Demote
        )
    }

    fn of(uri: &Uri) -> Option<Self> {
        let end = uri.path().rsplit('/').next()?;
        Self::ALL.into_iter().find(|change| change.name() == end)
    }

    fn notice(self) -> &'static str {
        match self {
            Self::Lock => "user-locked",
            Self::Unlock => "user-unlocked",
            Self::SignOut => "user-signed-out",
            Self::ResetPassword => "user-reset",
            Self::ResetFactors => "user-factors-reset",
            Self::Verify => "user-verified",
            Self::Unverify => "user-unverified",
            Self::AllowComms => "comms-allowed",
            Self::DenyComms => "comms-denied",
            Self::Promote => "user-promoted",
            Self::Demote => "user-demoted",
        }
    }

    /// Heading, button, and what it means, for those that ask.
    fn question(self, person: &Person) -> Question {
        let apps = person.apps;
        let browsers = format!("Signed out of {}.", count(person.sessions, "browser"));
        let (title, button, points) = match self {
            Self::SignOut => (
                "Sign out everywhere",
                "Sign out everywhere",
                vec![
                    browsers,
                    format!("Tokens of {} are refused.", count(apps, "connected app")),
                    "API keys keep working, and so does the password.".to_owned(),
                ],
            ),
            Self::ResetFactors => (
                "Take the second factors away",
                "Take them away",
                vec![
                    "Passkeys, authenticator app and recovery codes are gone.".to_owned(),
                    "Afterwards the password alone is enough: be sure who is asking.".to_owned(),
                    "They are told by mail.".to_owned(),
                ],
            ),
            Self::Promote => (
                "Make an administrator",
                "Make an administrator",
                vec!["They may do everything on these pages, also to you.".to_owned()],
            ),
            Self::Demote => (
                "Take the administration away",
                "Take it away",
                vec!["They may no longer open these pages. Nothing else changes.".to_owned()],
            ),
            _ => (
                "Lock",
                "Lock the user",
                [
                    browsers,
                    format!("Tokens of {} are refused.", count(apps, "connected app")),
                    "Their API keys are refused, in every workspace.".to_owned(),
                    "They cannot sign in until somebody unlocks them.".to_owned(),
                ]
                .into_iter()
                .chain(ownerless(&person.sole_owner_of))
                .collect(),
            ),
        };
        Question { title, button, points }
    }
}

/// Which workspaces nobody manages when their only owner cannot sign in.
fn ownerless(slugs: &[String]) -> Option<String> {
    let named =
        slugs.iter().take(SOLE_OWNED - 1).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if slugs.len() < SOLE_OWNED { "" } else { " and others" };
    (!slugs.is_empty()).then(|| {
        format!("Nobody else owns {named}{more}. Add owners there, so that somebody does.")
    })
}

struct Question {
    title: &'static str,
    button: &'static str,
    points: Vec<String>,
}

#[handler]
pub async fn ask(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(id): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let change = Change::of(uri).ok_or_else(PageError::not_found)?;
    confirm(app, &admin, (change, find(app, &id).await?), None)
}

#[handler]
pub async fn make(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    uri: &Uri,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let change = Change::of(uri).ok_or_else(PageError::not_found)?;
    let person = find(app, &id).await?;
    let to = |name| see_other(&notice::on(&path_of(person.user.id), name));
    match run(app, &admin, change, &person.user).await? {
        Outcome::Done => Ok(to(change.notice())),
        Outcome::Unchanged => Ok(to("unchanged")),
        Outcome::Oneself => {
            let problem = "That is you. Ask another administrator.";
            confirm(app, &admin, (change, person), Some(problem))
        }
        Outcome::LastAdmin => {
            let problem = "This is the last administrator who can sign in.";
            confirm(app, &admin, (change, person), Some(problem))
        }
    }
}

async fn run(
    app: &App,
    admin: &Admin,
    change: Change,
    user: &user::Model,
) -> Result<Outcome, Fault> {
    let (by, id) = (admin.user.id, user.id);
    let (actor, account) = (Actor::User(by), Account::User(id));
    let outcome = |is_done| if is_done { Outcome::Done } else { Outcome::Unchanged };
    match change {
        Change::Lock => administration::lock(app, by, id).await,
        Change::Unlock => administration::unlock(app, by, id).await,
        Change::SignOut => administration::sign_out(app, by, id).await,
        Change::ResetPassword => {
            administration::send_reset(app, by, id, links::reset_password).await
        }
        Change::ResetFactors => second_factor::reset(app, actor, id).await.map(outcome),
        Change::Promote => administration::promote(app, by, id).await,
        Change::Demote => administration::demote(app, by, id).await,
        Change::Verify => workspaces::verify_user(app, actor, id).await.map(outcome),
        Change::Unverify => workspaces::unverify_user(app, actor, id).await.map(outcome),
        Change::AllowComms => workspaces::allow_comms(app, actor, account).await.map(outcome),
        Change::DenyComms => workspaces::deny_comms(app, actor, account).await.map(outcome),
    }
}

fn confirm(
    app: &App,
    admin: &Admin,
    (change, person): (Change, Person),
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let back = path_of(person.user.id);
    let Question { title, button, points } = change.question(&person);
    let page = ConfirmPage {
        brand: Brand::of(app),
        frame: Frame::new(app, admin, Tab::Users),
        title: vec![
            Part::Words(title),
            Part::Words(": "),
            Part::Name(person.user.username.clone()),
            Part::Words("?"),
        ],
        points,
        button,
        action: format!("{back}/{}", change.name()),
        back,
        back_words: person.user.username,
        accepts: None,
        problem,
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(html(app, status, &page)?)
}
