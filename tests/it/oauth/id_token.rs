//! ID tokens (OpenID Connect Core §2): what they say, with which tokens they come, and that somebody
//! else's library believes them.

use chrono::TimeDelta;
use entity::{client_settings::Settings, signing_key::Algorithm};
use latchkey::clients::registration::NewClient;
use serde_json::{Value, json};

use crate::support::{
    Acme, Answer, Authorization, Browser, ClientApp, Library, OPENID, Pkce, Tokens, World,
    id_token_of, relying_party, script, service, taken_apart, texts,
};

async fn world() -> (World, Acme, ClientApp, Browser) {
    let (world, acme) = World::of_acme().await;
    let client = world.relying_party(Settings::default()).await;
    let browser = Browser::new(&world);
    (world, acme, client, browser)
}

fn request(client: &ClientApp) -> Authorization {
    client.authorization().with("scope", "openid leads:read")
}

/// The token response to a request that Ada allows.
async fn tokens(
    (acme, client, browser): (&Acme, &ClientApp, &mut Browser),
    request: &Authorization,
) -> Answer {
    let callback = browser.authorize(request, &acme.ada).await;
    client.exchange(callback.code(), &Pkce::default()).await
}

/// CS-T5, CS-T6: no more is said than must be: who, by whom, for whom, when and how.
#[tokio::test]
async fn it_says_who_signed_in_for_whom_and_when() {
    let (world, acme, client, mut browser) = world().await;

    let answer =
        tokens((&acme, &client, &mut browser), &request(&client).with("nonce", "n-1")).await;

    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let (header, mut claims) = taken_apart(body["id_token"].as_str().unwrap());
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    assert_eq!(header["kid"].as_str().map(str::len), Some(43));
    let random = |claims: &mut Value, name: &str| claims.as_object_mut().unwrap().remove(name);
    assert_eq!(random(&mut claims, "at_hash").unwrap().as_str().unwrap().len(), 22);
    assert!(random(&mut claims, "sid").unwrap().is_string());
    let now = world.clock.unix();
    let expected = json!({
        "iss": world.url(""),
        "sub": acme.ada.id.to_string(),
        "aud": client.id,
        "iat": now,
        "exp": now + 3600,
        "nonce": "n-1",
        "acr": "urn:latchkey:acr:pwd",
        "amr": ["pwd"],
    });
    assert_eq!(claims, expected);
}

/// CS-T6, CS-J3, CS-D2: discovery, code flow and userinfo, with every algorithm that a client may
/// register.
#[tokio::test]
async fn a_library_of_somebody_elses_believes_it() {
    let (world, acme) = World::of_acme().await;
    let byron = world.known_person(&acme.workspace).await;
    let mut browser = Browser::new(&world);

    for algorithm in [None].into_iter().chain(Algorithm::ALL.map(Some)) {
        let settings = Settings {
            id_token_signed_response_alg: algorithm,
            userinfo_signed_response_alg: algorithm.filter(|it| *it != Algorithm::EdDsa),
            ..Settings::default()
        };
        let is_signed = settings.userinfo_signed_response_alg == Some(Algorithm::Rs256);
        let app = world.relying_party(settings).await;
        let library = Library::of(&world, &app).await;

        let signed_in = library.sign_in(&mut browser, &byron).await;

        assert_eq!(signed_in.claims.subject().as_str(), byron.id.to_string(), "{algorithm:?}");
        assert_eq!(signed_in.claims.audiences().len(), 1);
        assert!(signed_in.claims.name().is_none(), "profile claims are for userinfo");
        // it takes signed userinfo of RS256 alone, unless it is told otherwise
        if algorithm.is_none() || is_signed {
            let told = library.userinfo(&signed_in, is_signed).await;
            assert_eq!(told.email().map(|it| it.as_str()), Some("byron@acme.example"));
            assert_eq!(
                (told.email_verified(), told.phone_number_verified()),
                (Some(true), Some(true))
            );
            assert_eq!(told.birthdate().map(|it| it.as_str()), Some("1985-12-10"));
        }
    }
}

/// CS-A6: echoed as it came, and absent if it was not sent.
#[tokio::test]
async fn the_nonce_comes_back_as_it_was_sent() {
    let (_world, acme, client, mut browser) = world().await;

    for nonce in ["a", "-._~ +&=%\"\u{e9}", &"n".repeat(512)] {
        let request = request(&client).with("nonce", nonce);
        let answer = tokens((&acme, &client, &mut browser), &request).await;
        assert_eq!(id_token_of(&answer)["nonce"], nonce);
    }
    let answer = tokens((&acme, &client, &mut browser), &request(&client)).await;
    assert_eq!(id_token_of(&answer).get("nonce"), None);
}

/// CS-T7: the same sign-in, told anew.
#[tokio::test]
async fn a_refresh_tells_of_the_same_sign_in() {
    let (world, acme, client, mut browser) = world().await;
    let asked = request(&client).with("nonce", "n").with("max_age", "1000");
    let first = tokens((&acme, &client, &mut browser), &asked).await;
    world.clock.advance(TimeDelta::hours(2));

    let second = client.refresh(&Tokens::of(&first).refresh).await;

    let (mut first, mut second) = (id_token_of(&first), id_token_of(&second));
    assert_eq!(second["iat"], world.clock.unix());
    assert_eq!(second["auth_time"], world.clock.unix() - 7200);
    assert_ne!(first["at_hash"], second["at_hash"]);
    for claims in [&mut first, &mut second] {
        for name in ["iat", "exp", "at_hash", "nonce"] {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    assert_eq!(first, second);
}

/// CS-T7: who gives `openid` up is told no more.
#[tokio::test]
async fn it_comes_with_openid_only() {
    let (_world, acme, client, mut browser) = world().await;

    let without = client.authorization().with("scope", "leads:read profile");
    let answer = tokens((&acme, &client, &mut browser), &without).await;
    assert_eq!(answer.json().get("id_token"), None);

    let answer = tokens((&acme, &client, &mut browser), &request(&client)).await;
    id_token_of(&answer);
    let narrow =
        client.refresh_with(&Tokens::of(&answer).refresh, &[("scope", "leads:read")]).await;
    assert_eq!(narrow.expect(200).json().get("id_token"), None);
}

#[tokio::test]
async fn the_password_grant_has_one_too() {
    let (world, acme, _, _) = world().await;
    let scope = texts(&OPENID.split(' ').collect::<Vec<_>>());
    let script = world.client(NewClient { scope, ..script() }).await;

    let claims = id_token_of(&script.password(&acme.ada).await);

    assert_eq!(
        (&claims["sub"], &claims["amr"]),
        (&json!(acme.ada.id.to_string()), &json!(["pwd"]))
    );
    assert_eq!((claims.get("sid"), claims.get("nonce")), (None, None));
}

/// CS-T10: a client is nobody who signs in.
#[tokio::test]
async fn a_client_by_itself_has_none() {
    let (world, acme, _, _) = world().await;
    let client =
        NewClient { scope: texts(&["openid", "leads:read"]), ..service(Some(&acme.workspace)) };
    let client = world.client(client).await;

    let answer = client.token(&[("grant_type", "client_credentials")]).await.expect(200);

    let body = answer.json();
    assert_eq!((body.get("id_token"), body.get("refresh_token")), (None, None));
}

/// As long as the access token, but at least five minutes and at most an hour.
#[tokio::test]
async fn it_lives_as_long_as_the_access_token_within_limits() {
    let (world, acme, _, mut browser) = world().await;

    for (access, id) in [(60, 300), (900, 900), (86_400, 3600)] {
        let new = NewClient { access_token_ttl_secs: Some(access), ..relying_party() };
        let client = world.client(new).await;
        let claims = id_token_of(&tokens((&acme, &client, &mut browser), &request(&client)).await);

        let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(lives, id, "{access}");
    }
}

/// CS-L8: the session has one name as long as it lasts, and says nothing of the cookie.
#[tokio::test]
async fn the_session_has_one_name() {
    let (world, acme, client, mut browser) = world().await;
    let other = world.relying_party(Settings::default()).await;

    let first = id_token_of(&tokens((&acme, &client, &mut browser), &request(&client)).await);
    let second = id_token_of(&tokens((&acme, &other, &mut browser), &request(&other)).await);
    let mut elsewhere = Browser::new(&world);
    let third = id_token_of(&tokens((&acme, &client, &mut elsewhere), &request(&client)).await);

    assert_eq!(first["sid"], second["sid"]);
    assert_ne!(first["sid"], third["sid"]);
    let sid = first["sid"].as_str().unwrap();
    assert!(!browser.cookies().values().any(|value| value.contains(sid)));
}
