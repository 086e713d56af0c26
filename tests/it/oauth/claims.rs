//! The `claims` parameter (OpenID Connect Core §5.5).

use entity::client_settings::Settings;
use latchkey::clients::registration::NewClient;
use serde_json::{Value, json};

use crate::support::{
    Acme, Answer, ApiCaller, Authorization, Browser, ClientApp, Person, Pkce, Tokens, World,
    id_token_of, relying_party, texts,
};

async fn world() -> (World, Acme, Person, ClientApp, Browser) {
    let (world, acme) = World::of_acme().await;
    let byron = world.known_person(&acme.workspace).await;
    let client = world.relying_party(Settings::default()).await;
    let browser = Browser::new(&world);
    (world, acme, byron, client, browser)
}

fn asking(client: &ClientApp, scope: &str, claims: &Value) -> Authorization {
    client.authorization().with("scope", scope).with("claims", &claims.to_string())
}

async fn tokens(
    (person, client, browser): (&Person, &ClientApp, &mut Browser),
    request: &Authorization,
) -> Answer {
    let callback = browser.authorize(request, person).await;
    client.exchange(callback.code(), &Pkce::default()).await
}

async fn userinfo(world: &World, answer: &Answer) -> Value {
    let caller = ApiCaller::bearer(world, &Tokens::of(answer).access);
    caller.get("/oauth/userinfo").await.expect(200).json()
}

/// CS-A13, CS-D8.
#[tokio::test]
async fn what_is_asked_for_by_name_is_told_where_it_was_asked_for() {
    let (world, _, byron, client, mut browser) = world().await;
    let claims = json!({
        "userinfo": {"name": {"essential": true}, "email": null, "https://x.example/y": {"z": 1}},
        "id_token": {"nickname": null, "auth_time": {"essential": true}, "unknown": null},
        "somewhere_else": {"gender": null},
    });

    let answer = tokens((&byron, &client, &mut browser), &asking(&client, "openid", &claims)).await;

    let told = json!({
        "sub": byron.id.to_string(), "name": "Ada King Byron", "email": "byron@acme.example",
    });
    assert_eq!(userinfo(&world, &answer).await, told);
    let token = id_token_of(&answer);
    assert_eq!((&token["nickname"], token.get("name")), (&json!("ada"), None));
    assert_eq!(token["auth_time"], world.clock.unix());
    // a refresh tells the same
    let again = client.refresh(&Tokens::of(&answer).refresh).await;
    assert_eq!(id_token_of(&again)["nickname"], "ada");
}

#[tokio::test]
async fn the_user_is_told_of_each_and_asked_each_time() {
    let (_world, _, byron, client, mut browser) = world().await;
    let request =
        asking(&client, "openid email", &json!({"userinfo": {"name": null, "email": null}}));
    tokens((&byron, &client, &mut browser), &request).await;

    let page = browser.open(&request.path()).await;

    assert_eq!(page.texts("#consent-claims li"), ["your name"]);
    let silent = browser.get(&request.with("prompt", "none").path()).await.callback();
    assert_eq!(silent.params["error"], "consent_required");
    // by scope it is remembered
    let plain = client.authorization().with("scope", "openid email").with("prompt", "none");
    browser.get(&plain.path()).await.callback().code();
}

#[tokio::test]
async fn what_the_user_declines_is_not_told_by_name_either() {
    let (world, _, byron, client, mut browser) = world().await;
    let request = asking(&client, "openid email profile", &json!({"userinfo": {"email": null}}));
    let page = browser.open(&request.path()).await;
    let page = browser.sign_in_on(&page, &byron).await;
    let mut form = page.form("#consent-allow");
    form.fields.retain(|(name, _)| name != "scope.email");

    let callback = browser.send_form(&page.url, &form).await.callback();

    let answer = client.exchange(callback.code(), &Pkce::default()).await;
    let told = userinfo(&world, &answer).await;
    assert_eq!((told.get("email"), &told["nickname"]), (None, &json!("ada")));
}

#[tokio::test]
async fn what_the_client_may_not_have_is_ignored() {
    let (world, _, byron, _, mut browser) = world().await;
    let new = NewClient { scope: texts(&["openid", "profile"]), ..relying_party() };
    let client = world.client(new).await;
    let claims = json!({"userinfo": {"email": {"essential": true}}, "id_token": {"email": null}});

    let answer = tokens((&byron, &client, &mut browser), &asking(&client, "openid", &claims)).await;

    assert_eq!(userinfo(&world, &answer).await, json!({"sub": byron.id.to_string()}));
    assert_eq!(id_token_of(&answer).get("email"), None);
}

#[tokio::test]
async fn what_has_not_the_form_is_refused() {
    let (_world, _, _, client, mut browser) = world().await;
    let long = format!("{{\"a\":\"{}\"}}", "b".repeat(9000));

    for bad in ["x", "[]", "{\"userinfo\":1}", "{\"id_token\":{\"name\":true}}", &long] {
        let request = client.authorization().with("scope", "openid").with("claims", bad);
        let callback = browser.get(&request.path()).await.callback();
        assert_eq!(callback.params["error"], "invalid_request", "{bad}");
        assert!(callback.params["error_description"].starts_with("claims"), "{bad}");
    }
    // what is no request of OpenID Connect has no claims
    let plain = client.authorization().with("scope", "leads:read").with("claims", "x");
    assert_eq!(browser.get(&plain.path()).await.status, 303);
}

/// Core §5.5.1: whoever else is signed in will not do.
#[tokio::test]
async fn a_user_may_be_named() {
    let (_world, acme, byron, client, mut browser) = world().await;
    let sub = |id: String| json!({"id_token": {"sub": {"value": id}}});
    let for_byron = asking(&client, "openid", &sub(byron.id.to_string()));
    tokens((&byron, &client, &mut browser), &for_byron).await;

    let right = browser.get(&for_byron.clone().with("prompt", "none").path()).await.callback();
    assert!(right.params.contains_key("code"), "{:?}", right.params);
    let for_ada = asking(&client, "openid", &sub(acme.ada.id.to_string()));
    let wrong = browser.get(&for_ada.clone().with("prompt", "none").path()).await.callback();
    assert_eq!(wrong.params["error"], "login_required");
    // and with pages, somebody else is asked for
    let page = browser.open(&for_ada.path()).await;
    assert!(page.text("#signed-in-as").contains("another account"), "{}", page.body);
    let page = browser.sign_in_on(&page, &acme.ada).await;
    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();
    let answer = client.exchange(callback.code(), &Pkce::default()).await;
    assert_eq!(id_token_of(&answer)["sub"], acme.ada.id.to_string());
}
