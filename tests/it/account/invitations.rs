//! Inviting people to a workspace: the form, the letter, the link.

use chrono::TimeDelta;
use entity::{invitation, member::Role};
use futures_util::future::join_all;
use latchkey::{crypto::digest, identity::users::NewUser, jobs::sweep};
use sea_orm::{EntityTrait, PaginatorTrait};

use super::members::{MEMBERS, role_of};
use crate::support::{Acme, Browser, Letter, Page, Person, World, expel};

pub(super) const INVITATIONS: &str = "/workspaces/acme/settings/invitations";

pub(super) async fn invite(browser: &mut Browser, username: &str, role: &str) -> Page {
    let page = browser.get(INVITATIONS).await;
    let fields = [("username", username), ("role", role)];
    browser.submit(&page, "#invite-submit", &fields).await
}

/// The path of the link in a letter.
pub(super) fn path_of(letter: &Letter) -> String {
    let at = letter.link().find("/invitations/").unwrap();
    letter.link()[at..].to_owned()
}

/// Ada has invited `username`; her browser, and the path of the link.
pub(super) async fn invited(username: &str, role: &str) -> (World, Acme, Browser, String) {
    let (world, acme) = World::of_acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    assert_eq!(invite(&mut adas, username, role).await.status, 303);
    let letters = world.take_mail().await;
    let path = path_of(&letters[0]);
    (world, acme, adas, path)
}

async fn pending(world: &World) -> u64 {
    invitation::Entity::find().count(world.app.store.read()).await.unwrap()
}

#[tokio::test]
async fn an_invitation_is_mailed_and_accepted() {
    let (world, _, mut adas, path) = invited("Ben@Example.com", "admin").await;
    let listed = adas.get(INVITATIONS).await;
    assert_eq!(listed.texts("td.title"), ["ben@example.com"]);
    assert_eq!(listed.text("td[data-label=By]"), "acme/ada@acme.example");
    let ben = world.person("ben@example.com", &[]).await;
    let mut bens = Browser::new(&world);
    let page = bens.get(&path).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Join The workspace acme?"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(
        page.texts("dd"),
        ["The workspace acme", "admin", "b•••@example.com"],
        "to a stranger it is masked"
    );
    let sign_in = bens.get(&format!("/login?next={path}")).await;

    let page = bens.sign_in_on(&sign_in, &ben).await;

    assert_eq!(page.texts("dd")[2], "ben@example.com");
    let answer = bens.submit(&page, "#invitation-accept", &[]).await;
    let place = format!("{MEMBERS}?notice=invitation-accepted");
    assert_eq!((answer.status, answer.location()), (303, Some(&*place)));
    assert_eq!(bens.follow(answer).await.text(".flash"), "You are a member now.");
    assert_eq!(role_of(&world, &ben).await.as_deref(), Some("Admin"));
    assert_eq!(pending(&world).await, 0);
    for action in ["invitation.create", "invitation.accept"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
}

#[tokio::test]
async fn the_letter_says_who_invites_where_as_what() {
    let (world, acme) = World::of_acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;

    invite(&mut adas, "acme/ben@acme.example", "member").await;

    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "ben@acme.example");
    for part in [
        "acme/ada@acme.example invites you to the workspace “The workspace acme”, as member.",
        "acme/ben@acme.example",
        "works once, for 7 days",
    ] {
        assert!(letters[0].text.contains(part), "{part}: {}", letters[0].text);
    }
    assert!(letters[0].link().starts_with(&world.app.config.issuer));
}

/// What is stored and written down opens nothing.
#[tokio::test]
async fn the_link_is_stored_as_its_sha_256() {
    let (world, _, _, path) = invited("ben@example.com", "member").await;
    let token = path.strip_prefix("/invitations/").unwrap();

    let rows = invitation::Entity::find().all(world.app.store.read()).await.unwrap();

    assert!(token.starts_with("lk_iv_"));
    assert_eq!(rows[0].token_sha256, digest::sha256(token.as_bytes()));
    for event in world.audit_events().await {
        assert!(!format!("{event:?}").contains(token), "{event:?}");
    }
}

#[tokio::test]
async fn a_link_works_once() {
    let (world, _, _, path) = invited("ben@example.com", "member").await;
    let ben = world.person("ben@example.com", &[]).await;
    let mut bens = Browser::of(&world, &ben).await;
    let page = bens.get(&path).await;

    let pressed = join_all((0..4).map(|_| {
        let (mut browser, page) = (bens.copy(), page.clone());
        async move { browser.submit(&page, "#invitation-accept", &[]).await.status }
    }))
    .await;

    assert_eq!(pressed.iter().filter(|status| **status == 303).count(), 1, "{pressed:?}");
    assert_eq!(pressed.iter().filter(|status| **status == 404).count(), 3, "{pressed:?}");
    let again = bens.get(&path).await;
    assert_eq!((again.status, &*again.text("h1")), (404, "This invitation is over"));
    assert_eq!(role_of(&world, &ben).await.as_deref(), Some("Member"));
}

#[tokio::test]
async fn an_invitation_is_declined_without_an_account() {
    let (world, _, mut adas, path) = invited("ben@example.com", "member").await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&path).await;
    let mut form = page.form("#invitation-decline");
    form.action = format!("{path}/decline");

    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!((answer.status, &*answer.text("h1")), (200, "Invitation declined"));
    assert_eq!(browser.get(&path).await.status, 404);
    assert!(adas.get(INVITATIONS).await.has(".empty"));
    assert_eq!(world.audited("invitation.decline").await, 1);
}

#[tokio::test]
async fn another_account_is_told_which_one_is_meant() {
    let (world, _, _, path) = invited("acme/ben@acme.example", "member").await;
    // the same address in another realm is somebody else
    for username in ["eve@example.com", "ben@acme.example"] {
        let eve = world.person(username, &[]).await;
        let mut browser = Browser::of(&world, &eve).await;

        let page = browser.get(&path).await;

        assert!(page.text("[role=alert]").contains("sign in as acme/b•••@acme.example"));
        assert!(!page.has("#invitation-accept") && !page.body.contains("acme/ben@"));
        let token = browser.get("/settings/security").await;
        let mut form = token.form("form");
        for end in ["accept", "decline"] {
            form.action = format!("{path}/{end}");
            let answer = browser.send_form(&page.url, &form).await;
            assert_eq!(answer.status, 422, "{end}");
        }
        assert_eq!(browser.get(MEMBERS).await.status, 404);
    }
    assert_eq!(Browser::new(&world).get(&path).await.status, 200, "it still is open");
}

/// An address that is known to be theirs is theirs, whatever the username says.
#[tokio::test]
async fn a_verified_address_is_meant_too() {
    let (world, _, _, path) = invited("ben@work.example", "member").await;
    let new = NewUser {
        username: "ben@home.example".to_owned(),
        email: Some("Ben@work.example".to_owned()),
        ..NewUser::default()
    };
    let unknown = world.person_of(NewUser { username: "b@home.example".into(), ..new.clone() });
    let unknown = unknown.await;
    let ben = world.person_of(NewUser { is_email_verified: true, ..new }).await;

    assert!(!Browser::of(&world, &unknown).await.get(&path).await.has("#invitation-accept"));
    assert!(Browser::of(&world, &ben).await.get(&path).await.has("#invitation-accept"));
}

#[tokio::test]
async fn who_is_a_member_already_stays_what_they_are() {
    let (world, acme, _, path) = invited("ben@example.com", "owner").await;
    let ben = world.person("ben@example.com", &[(&acme.workspace, Role::Member)]).await;
    let mut bens = Browser::of(&world, &ben).await;
    let page = bens.get(&path).await;

    let answer = bens.submit(&page, "#invitation-accept", &[]).await;

    assert_eq!(answer.location(), Some(&*format!("{MEMBERS}?notice=invitation-known")));
    assert_eq!(role_of(&world, &ben).await.as_deref(), Some("Member"));
    assert_eq!(bens.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_letter_that_is_sent_again_kills_the_link_before() {
    let (world, _, mut adas, old) = invited("ben@example.com", "member").await;
    world.clock.advance(TimeDelta::days(6));
    let list = adas.sign_in_again(&world).await.get(INVITATIONS).await;

    let answer = adas.submit(&list, "form[action$='/resend']", &[]).await;

    assert_eq!(answer.location(), Some(&*format!("{INVITATIONS}?notice=invitation-resent")));
    let letters = world.take_mail().await;
    let new = path_of(&letters[0]);
    let mut browser = Browser::new(&world);
    assert_eq!((browser.get(&old).await.status, browser.get(&new).await.status), (404, 200));
    world.clock.advance(TimeDelta::days(6));
    assert_eq!(browser.get(&new).await.status, 200, "its 7 days begin anew");
    assert_eq!(pending(&world).await, 1);
}

#[tokio::test]
async fn a_withdrawn_invitation_is_dead() {
    let (world, _, mut adas, path) = invited("ben@example.com", "member").await;
    let list = adas.get(INVITATIONS).await;

    let answer = adas.submit(&list, "form[action$='/withdraw']", &[]).await;

    let page = adas.follow(answer).await;
    assert_eq!(page.text(".flash"), "The invitation is withdrawn. Its link is dead.");
    assert_eq!(Browser::new(&world).get(&path).await.status, 404);
    let again = adas.submit(&list, "form[action$='/withdraw']", &[]).await;
    assert_eq!(again.status, 404);
    assert_eq!(world.audited("invitation.withdraw").await, 1);
}

#[tokio::test]
async fn a_link_ends_after_seven_days_and_its_row_a_week_later() {
    let (world, acme, _, path) = invited("ben@example.com", "member").await;
    let mut browser = Browser::new(&world);
    world.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert_eq!(browser.get(&path).await.status, 200);

    world.clock.advance(TimeDelta::seconds(1));

    assert_eq!(browser.get(&path).await.status, 404);
    let list = Browser::of(&world, &acme.ada).await.get(INVITATIONS).await;
    assert_eq!(list.text("td.title .badge"), "Expired");
    sweep::run_once(&world.app).await.unwrap();
    assert_eq!(pending(&world).await, 1);
    world.clock.advance(TimeDelta::days(7));
    sweep::run_once(&world.app).await.unwrap();
    assert_eq!(pending(&world).await, 0);
}

/// Whoever invites answers for it.
#[tokio::test]
async fn what_somebody_invited_who_has_gone_is_dead() {
    let (world, acme) = World::of_acme().await;
    let alma = world.person("acme/alma@acme.example", &[(&acme.workspace, Role::Admin)]).await;
    let mut almas = Browser::of(&world, &alma).await;
    invite(&mut almas, "ben@example.com", "admin").await;
    let path = path_of(&world.take_mail().await[0]);
    let mut browser = Browser::new(&world);
    assert_eq!(browser.get(&path).await.status, 200);
    let (app, id) = (&world.app, acme.workspace.id);

    expel(app, id, alma.id).await.unwrap();

    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_way_to_sign_up_is_shown_where_that_is_allowed() {
    for (sign_up, username, is_shown) in [
        (true, "ben@example.com", true),
        (true, "acme/ben@acme.example", false),
        (false, "ben@example.com", false),
    ] {
        let world = World::with(|config| config.accounts.sign_up = sign_up).await;
        let acme = world.acme().await;
        let mut adas = Browser::of(&world, &acme.ada).await;
        invite(&mut adas, username, "member").await;
        let path = path_of(&world.take_mail().await[0]);

        let page = Browser::new(&world).get(&path).await;

        assert_eq!(page.has("#invitation-sign-up"), is_shown, "{sign_up} {username}");
        assert!(page.has("#invitation-sign-in"));
    }
}

/// Somebody whose session has run out, signed in again.
trait SignInAgain {
    async fn sign_in_again(&mut self, world: &World) -> &mut Self;
}

impl SignInAgain for Browser {
    async fn sign_in_again(&mut self, world: &World) -> &mut Self {
        let username = "acme/ada@acme.example".to_owned();
        let password = format!("the password of {username}");
        let id = uuid::Uuid::nil();
        *self = Self::of(world, &Person { id, username, password }).await;
        self
    }
}
