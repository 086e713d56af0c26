//! How strong a sign-in a client may ask for (`acr`, OpenID Connect Core §2, §5.5.1.1), and signing in
//! again with second factors and passkeys.

use chrono::TimeDelta;
use entity::{client_settings::Settings, member::Role};
use latchkey::{identity::users::NewUser, workspaces::Membership};
use serde_json::json;
use zeroize::Zeroizing;

use super::prompt::{answer, asks_again, id_token, is_error, request, silent, world};
use crate::support::{Acme, Authenticator, Authorization, Browser, ClientApp, Person, World, totp};

const SEED: &[u8] = b"12345678901234567890";

async fn tess(world: &World, acme: &Acme) -> Person {
    let membership = Membership { workspace_id: acme.workspace.id, role: Role::Member };
    world
        .person_of(NewUser {
            username: "acme/tess@acme.example".to_owned(),
            totp_seed: Some(Zeroizing::new(SEED.to_vec())),
            memberships: vec![membership],
            ..NewUser::default()
        })
        .await
}

/// CS-A12, CS-D11: a name that was asked for and is deserved comes back.
#[tokio::test]
async fn a_strength_may_be_wanted() {
    let (_world, _, client, mut browser) = world().await;

    for (wanted, acr) in [
        ("urn:latchkey:acr:pwd", "urn:latchkey:acr:pwd"),
        ("urn:latchkey:acr:mfa", "urn:latchkey:acr:pwd"),
        ("urn:else urn:latchkey:acr:mfa urn:latchkey:acr:pwd", "urn:latchkey:acr:pwd"),
    ] {
        let callback = answer(&mut browser, &silent(&client).with("acr_values", wanted)).await;
        assert_eq!(id_token(&client, &callback).await["acr"], acr, "{wanted}");
    }
}

fn demanding(client: &ClientApp, value: &str) -> Authorization {
    let claims = json!({"id_token": {"acr": {"essential": true, "values": [value]}}});
    request(client).with("claims", &claims.to_string())
}

/// OpenID Connect Core §5.5.1.1: what cannot be had is told, once.
#[tokio::test]
async fn a_strength_that_nobody_can_have_is_told() {
    let (world, acme, client, mut browser) = world().await;
    let unmet = "unmet_authentication_requirements";

    is_error(&answer(&mut browser, &demanding(&client, "urn:else")).await, unmet);
    is_error(&answer(&mut browser, &demanding(&client, "urn:latchkey:acr:mfa")).await, unmet);
    let pwd = answer(&mut browser, &demanding(&client, "urn:latchkey:acr:pwd")).await;
    assert_eq!(id_token(&client, &pwd).await["acr"], "urn:latchkey:acr:pwd");
    // Ada has no second factor, which is known only once she has signed in
    let mut stranger = Browser::new(&world);
    let page = stranger.open(&demanding(&client, "urn:latchkey:acr:mfa").path()).await;
    let page = stranger.sign_in_on(&page, &acme.ada).await;
    is_error(&page.callback(), unmet);
}

/// A second factor that was set up after the sign-in is asked for when a client demands it.
#[tokio::test]
async fn a_session_steps_up_to_what_is_demanded() {
    let (world, acme, client, mut browser) = world().await;
    let (seed, _) = browser.enrol_totp(&world).await;
    let mut fresh = browser.copy();
    let amr = id_token(&client, &answer(&mut browser, &silent(&client)).await).await["amr"].clone();
    let asking = demanding(&client, "urn:latchkey:acr:mfa");
    if amr == json!(["pwd"]) {
        let silently = asking.clone().with("prompt", "none");
        is_error(&answer(&mut browser, &silently).await, "interaction_required");
        // what is only wanted is done without, where nothing can be shown
        let wanted = silent(&client).with("acr_values", "urn:latchkey:acr:mfa");
        answer(&mut fresh, &wanted).await.code();
        let page = browser.open(&asking.path()).await;
        asks_again(&page, &acme.ada.username);
    }
    let page = browser.open(&asking.clone().with("prompt", "login").path()).await;
    let page =
        if page.has("#login-submit") { browser.sign_in_on(&page, &acme.ada).await } else { page };
    let code = world.next_code(&seed);
    let answer = browser.submit(&page, "#second-factor-submit", &[("code", &code)]).await;
    let callback = browser.follow(answer).await.callback();

    let claims = id_token(&client, &callback).await;
    assert_eq!(claims["acr"], "urn:latchkey:acr:mfa");
    assert!(claims["amr"].as_array().unwrap().contains(&json!("otp")), "{claims}");
}

/// A second factor is asked for again, as at the first sign-in.
#[tokio::test]
async fn a_login_that_is_demanded_asks_for_the_second_factor_too() {
    let (world, acme) = World::of_acme().await;
    let client = world.relying_party(Settings::default()).await;
    let tess = tess(&world, &acme).await;
    let mut browser = Browser::new(&world);
    let asking = request(&client).with("prompt", "login");

    for round in 0..2 {
        world.clock.advance(TimeDelta::minutes(5));
        let page = browser.open(&asking.path()).await;
        assert_eq!(page.has("#signed-in-as"), round > 0);
        let page = browser.sign_in_on(&page, &tess).await;
        assert!(page.link("p.small a").starts_with("/login?request="), "{}", page.body);
        let code = totp(SEED, world.clock.unix());
        let answer = browser.submit(&page, "#second-factor-submit", &[("code", &code)]).await;
        let mut page = browser.follow(answer).await;
        if page.has("#consent-allow") {
            page = browser.submit(&page, "#consent-allow", &[]).await;
        }
        let claims = id_token(&client, &page.callback()).await;
        assert_eq!(claims["amr"], json!(["pwd", "otp", "mfa"]));
        assert_eq!(claims["acr"], "urn:latchkey:acr:mfa");
    }
}

/// A passkey signs in again, too.
#[tokio::test]
async fn a_login_that_is_demanded_takes_a_passkey() {
    let world = World::at_localhost().await;
    let acme = world.acme().await;
    let client = world.relying_party(Settings::default()).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let mut device = Authenticator::new(&world);
    browser.add_passkey(&mut device, "Phone").await;
    let asking = request(&client).with("max_age", "0");
    world.clock.advance(TimeDelta::minutes(5));

    let page = browser.open(&asking.path()).await;
    asks_again(&page, &acme.ada.username);
    let form = device.fill(&page, "#passkey-sign-in");
    let answer = browser.send_form(&page.url, &form).await;
    let page = browser.follow(answer).await;
    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();

    let claims = id_token(&client, &callback).await;
    assert_eq!(claims["auth_time"], world.clock.unix());
    assert!(claims["amr"].as_array().unwrap().contains(&json!("pop")), "{claims}");
    assert_eq!(claims["acr"], "urn:latchkey:acr:mfa");
}
