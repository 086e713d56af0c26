//! Credentials that were good a moment ago: every way a key or a token ends, effective on the next
//! request, and what the caller is told. In the order of the checks.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    identity::users,
    keys::manage::{self, KeyOwner, NewKey},
    tokens::revoke,
    workspaces,
};
use uuid::Uuid;

use super::{ROUTES, assert_refused, invalid_token};
use crate::support::{
    Acme, ApiCaller, Browser, ClientApp, Tokens, World, expel, new_key, script, service,
};

const TOKEN_DEAD: &str = "the access token is not valid, has expired or was revoked";
const KEY_UNKNOWN: &str = "the API key is not valid or was revoked";
const WORKSPACE_DISABLED: &str = "the workspace is disabled";
const NOT_BOUND: &str = "the client or the user is not bound to a workspace";

/// A world with a token of Ada's, and the client that has it.
async fn world() -> (World, Acme, ClientApp, Tokens) {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    assert!(is_good(&world, &tokens.access).await);
    (world, acme, script, tokens)
}

/// A world with a key of Ada's and its id.
async fn world_with_key() -> (World, Acme, String, Uuid) {
    let world = World::new().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let me = ApiCaller::bearer(&world, &key).me().await.expect(200).json();
    let id = me["credential"]["id"].as_str().unwrap().parse().unwrap();
    (world, acme, key, id)
}

async fn is_good(world: &World, credential: &str) -> bool {
    let caller = ApiCaller::bearer(world, credential);
    let (me, verify) = (caller.me().await, caller.get("/api/v1/verify").await);
    assert!(matches!((me.status, verify.status), (200, 204) | (401, 401) | (403, 403)));
    me.status == 200
}

/// 401: as if it had never been.
async fn assert_unknown(world: &World, credential: &str, message: &str) {
    for path in ROUTES {
        let answer = ApiCaller::bearer(world, credential).get(path).await;

        assert_refused(&answer, 401, "UNAUTHORIZED", message);
        assert_eq!(answer.header("www-authenticate"), Some(invalid_token(world, path).as_str()));
    }
}

/// 403: known, and not to be used now.
async fn assert_forbidden(world: &World, credential: &str, message: &str) {
    for path in ROUTES {
        let answer = ApiCaller::bearer(world, credential).get(path).await;

        assert_refused(&answer, 403, "FORBIDDEN", message);
        assert_eq!(answer.header("www-authenticate"), None);
    }
}

/// QF-8, FE-17, FE-19.
#[tokio::test]
async fn a_token_ends_after_its_hour() {
    let (world, _, _, tokens) = world().await;

    world.clock.advance(TimeDelta::milliseconds(3_599_999));
    assert!(is_good(&world, &tokens.access).await);
    world.clock.advance(TimeDelta::milliseconds(1));

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
}

#[tokio::test]
async fn a_token_that_its_client_revoked_is_dead() {
    let (world, _, script, tokens) = world().await;

    script.revoke(&tokens.access).await.expect(200);

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
}

#[tokio::test]
async fn a_token_whose_refresh_token_was_revoked_is_dead() {
    let (world, _, script, tokens) = world().await;

    script.revoke(&tokens.refresh).await.expect(200);

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
}

#[tokio::test]
async fn a_token_of_a_revoked_grant_is_dead() {
    let (world, acme, _, tokens) = world().await;
    let other = NewClient { name: "Other".to_owned(), ..script() };
    let other = Tokens::of(&world.client(other).await.password(&acme.ada).await);
    let mut browser = Browser::new(&world);
    browser.sign_in(&acme.ada).await;
    let page = browser.open("/settings/connected-apps").await;

    browser.confirm(&page, "[aria-label='Disconnect Script']", "#revoke").await;

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
    assert!(is_good(&world, &other.access).await);
}

#[tokio::test]
async fn all_tokens_of_a_user_end_at_once() {
    let (world, acme, _, tokens) = world().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let bens = Tokens::of(&world.script().await.password(&ben).await);

    assert_eq!(
        revoke::disconnect_all(&world.app, acme.ada.id, revoke::Asking::Again).await.unwrap(),
        1
    );

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
    assert!(is_good(&world, &bens.access).await);
}

#[tokio::test]
async fn a_token_of_a_disabled_user_is_dead() {
    let (world, acme, _, tokens) = world().await;

    assert!(users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap());

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
}

#[tokio::test]
async fn a_new_password_ends_every_token() {
    let (world, acme, script, tokens) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/forgot-password").await;
    browser.submit(&page, "form", &[("username", &acme.ada.username)]).await;
    let letter = world.take_mail().await.remove(0);
    let page = browser.open(letter.link()).await;
    let new = "a new password";
    let fields = [("password", new), ("password_repeat", new)];

    browser.submit(&page, "form", &fields).await;

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
    let after = Tokens::of(&script.sign_in(&acme.ada.username, new).await);
    assert!(is_good(&world, &after.access).await);
}

#[tokio::test]
async fn a_token_for_another_resource_is_none_here() {
    let resource = "https://mcp.acme.example/";
    let world = World::with(|config| {
        config.oauth.protected_resources = vec![resource.to_owned()];
    })
    .await;
    let acme = world.acme().await;
    let script = world.script().await;
    let elsewhere = script.password_with(&acme.ada, &[("resource", resource)]).await;

    let token = Tokens::of(&elsewhere).access;

    assert_unknown(&world, &token, "the access token is for another resource").await;
    assert!(world.introspector().await.sees_alive(&token).await);
}

/// FE-21.
#[tokio::test]
async fn a_token_of_a_disabled_client_is_forbidden_until_it_is_enabled() {
    let (world, _, script, tokens) = world().await;
    let (app, actor) = (&world.app, || Actor::Operator);

    assert!(registration::set_disabled(app, actor(), &script.id, true).await.unwrap());
    assert_forbidden(&world, &tokens.access, "the client is disabled").await;

    assert!(registration::set_disabled(app, actor(), &script.id, false).await.unwrap());
    assert!(is_good(&world, &tokens.access).await);
}

/// FE-16, FE-21.
#[tokio::test]
async fn a_token_of_somebody_who_left_the_workspace_is_forbidden() {
    let (world, acme, _, tokens) = world().await;
    let (app, workspace) = (&world.app, acme.workspace.id);

    let removed = expel(app, workspace, acme.ada.id).await;
    assert!(removed.unwrap());

    assert_forbidden(&world, &tokens.access, NOT_BOUND).await;
}

#[tokio::test]
async fn a_token_of_a_client_that_is_bound_to_no_workspace_is_forbidden() {
    let world = World::new().await;
    let client = world.client(service(None)).await;

    let answer = client.token(&[("grant_type", "client_credentials")]).await;

    assert_forbidden(&world, &Tokens::of(&answer).access, NOT_BOUND).await;
}

#[tokio::test]
async fn a_token_for_a_disabled_workspace_is_forbidden() {
    let (world, acme, _, tokens) = world().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let own = Tokens::of(&client.token(&[("grant_type", "client_credentials")]).await);
    assert!(is_good(&world, &own.access).await);

    disable(&world, &acme).await;

    assert_forbidden(&world, &tokens.access, WORKSPACE_DISABLED).await;
    assert_forbidden(&world, &own.access, WORKSPACE_DISABLED).await;
}

#[tokio::test]
async fn a_dead_token_stays_dead_whatever_else_is_wrong_with_it() {
    let (world, acme, script, tokens) = world().await;
    script.revoke(&tokens.access).await.expect(200);
    let app = &world.app;
    registration::set_disabled(app, Actor::Operator, &script.id, true).await.unwrap();
    disable(&world, &acme).await;

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
}

#[tokio::test]
async fn a_clients_own_lifetime_ends_its_tokens() {
    let world = World::new().await;
    let acme = world.acme().await;
    let client = NewClient { access_token_ttl_secs: Some(60), ..script() };
    let client = world.client(client).await;
    let tokens = Tokens::of(&client.password(&acme.ada).await);

    world.clock.advance(TimeDelta::seconds(60));

    assert_unknown(&world, &tokens.access, TOKEN_DEAD).await;
}

/// SW-16, SW-17.
#[tokio::test]
async fn a_deleted_key_is_unknown() {
    let (world, acme, key, id) = world_with_key().await;
    let (app, workspace) = (&world.app, acme.workspace.id);

    assert!(manage::delete(app, Actor::Operator, workspace, id).await.unwrap());

    assert_unknown(&world, &key, KEY_UNKNOWN).await;
}

#[tokio::test]
async fn a_revoked_key_is_unknown_and_stays_so() {
    let (world, acme, key, id) = world_with_key().await;
    let (app, workspace) = (&world.app, acme.workspace.id);

    assert!(manage::revoke(app, Actor::Operator, workspace, id).await.unwrap());
    assert_unknown(&world, &key, KEY_UNKNOWN).await;

    manage::set_active(app, Actor::Operator, workspace, id, true).await.unwrap();
    assert_unknown(&world, &key, KEY_UNKNOWN).await;
}

#[tokio::test]
async fn another_workspace_cannot_end_a_key() {
    let (world, _, key, id) = world_with_key().await;
    let other = world.workspace("other").await.id;
    let app = &world.app;

    assert!(!manage::revoke(app, Actor::Operator, other, id).await.unwrap());
    assert!(!manage::delete(app, Actor::Operator, other, id).await.unwrap());
    assert!(!manage::set_active(app, Actor::Operator, other, id, false).await.unwrap());

    assert!(is_good(&world, &key).await);
}

/// FE-12, FE-20.
#[tokio::test]
async fn an_inactive_key_is_forbidden_until_it_is_active_again() {
    let (world, acme, key, id) = world_with_key().await;
    let (app, workspace) = (&world.app, acme.workspace.id);

    assert!(manage::set_active(app, Actor::Operator, workspace, id, false).await.unwrap());
    assert_forbidden(&world, &key, "the API key is not active").await;

    assert!(manage::set_active(app, Actor::Operator, workspace, id, true).await.unwrap());
    assert!(is_good(&world, &key).await);
}

/// FE-11, FE-20, FE-27, SW-9.
#[tokio::test]
async fn an_expired_key_is_forbidden() {
    let world = World::new().await;
    let acme = world.acme().await;
    let new = new_key(&acme.workspace, KeyOwner::User(acme.ada.id), "leads:read");
    let expires_at = Some(world.app.now() + TimeDelta::days(1));
    let key = world.key_of(NewKey { expires_at, ..new }).await;

    world.clock.advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    assert!(is_good(&world, &key).await);
    world.clock.advance(TimeDelta::milliseconds(1));

    assert_forbidden(&world, &key, "the API key has expired").await;
}

#[tokio::test]
async fn a_key_of_a_disabled_workspace_is_forbidden() {
    let (world, acme, key, _) = world_with_key().await;

    disable(&world, &acme).await;

    assert_forbidden(&world, &key, WORKSPACE_DISABLED).await;
}

#[tokio::test]
async fn a_key_of_a_disabled_user_is_forbidden() {
    let (world, acme, key, _) = world_with_key().await;

    assert!(users::disable(&world.app, Actor::Operator, acme.ada.id).await.unwrap());

    assert_forbidden(&world, &key, "the user who owns the API key is disabled").await;
}

#[tokio::test]
async fn a_key_of_somebody_who_left_the_workspace_is_forbidden() {
    let (world, acme, key, _) = world_with_key().await;
    let (app, workspace) = (&world.app, acme.workspace.id);

    let removed = expel(app, workspace, acme.ada.id).await;
    assert!(removed.unwrap());

    assert_forbidden(&world, &key, "the owner of the API key is no longer in its workspace").await;
}

#[tokio::test]
async fn a_new_password_does_not_end_a_key() {
    let (world, acme, key, _) = world_with_key().await;

    revoke::disconnect_all(&world.app, acme.ada.id, revoke::Asking::Again).await.unwrap();

    assert!(is_good(&world, &key).await);
}

#[tokio::test]
async fn what_ends_on_one_node_has_ended_on_all() {
    let (world, acme, key, id) = world_with_key().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let node = world.another_node().await;
    let key = ApiCaller::key(&world, &key).at(&node);
    let token = ApiCaller::bearer(&world, &tokens.access).at(&node);
    assert_eq!((key.me().await.status, token.me().await.status), (200, 200));

    let (app, workspace) = (&world.app, acme.workspace.id);
    assert!(manage::revoke(app, Actor::Operator, workspace, id).await.unwrap());
    script.revoke(&tokens.refresh).await.expect(200);

    assert_eq!((key.me().await.status, token.me().await.status), (401, 401));
}

async fn disable(world: &World, acme: &Acme) {
    let disabled = workspaces::disable_workspace(&world.app, Actor::Operator, acme.workspace.id);
    assert!(disabled.await.unwrap());
}
