//! `authorization_details` (RFC 9396): scope tokens that are confined to something, in other words.

use entity::client_settings::Settings;
use latchkey::clients::registration::NewClient;
use serde_json::{Value, json};

use super::at_authorize;
use crate::support::{ApiCaller, Pkce, Tokens, World, script, service, web};

const SERVICE: &str = "6c9b2f2e-51d6-4c3f-8a42-0c6f6d0a4d11";

fn one() -> Value {
    json!({ "type": "latchkey_permission", "permission": "leads:read", "serviceId": SERVICE })
}

fn token() -> String {
    format!("leads:read?serviceId={SERVICE}")
}

#[tokio::test]
async fn a_request_in_detail_is_shown_granted_and_told() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let details = json!([one()]).to_string();
    let request = client.authorization().with("authorization_details", &details);
    let page = browser.open(&request.path()).await;
    let page = browser.sign_in_on(&page, &acme.ada).await;
    assert!(page.text("main").contains(SERVICE), "{}", page.text("main"));

    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();
    let answer = client.exchange(callback.code(), &Pkce::default()).await;

    let tokens = Tokens::of(&answer);
    assert_eq!(tokens.scope, token());
    assert_eq!(answer.json()["authorization_details"], json!([one()]));
    let seen = world.introspector().await.introspect(&tokens.access).await.json();
    assert_eq!(seen["authorization_details"], json!([one()]));
    let again = client.refresh(&tokens.refresh).await;
    assert_eq!(again.json()["authorization_details"], json!([one()]));
    ApiCaller::bearer(&world, &Tokens::of(&again).access).me().await.expect(200);
}

/// Beside a scope, pushed, and less of it at a refresh.
#[tokio::test]
async fn details_go_with_a_scope() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    let whole = json!({ "type": "latchkey_permission", "permission": "leads:read" });
    let request = client
        .authorization()
        .with("scope", "leads:write")
        .with("authorization_details", &json!([whole]).to_string());
    let named = client.named(&client.push(&request).await);

    let callback = browser.authorize(&named, &acme.ada).await;
    let answer = client.exchange(callback.code(), &Pkce::default()).await;

    let tokens = Tokens::of(&answer);
    assert_eq!(tokens.scope, "leads:read leads:write");
    assert_eq!(answer.json()["authorization_details"], json!([whole]));
    let less = [("authorization_details", &*json!([one()]).to_string())];
    let less = client.refresh_with(&tokens.refresh, &less).await;
    assert_eq!(Tokens::of(&less).scope, token());
    assert_eq!(less.json()["authorization_details"], json!([one()]));
}

/// RFC 9396 §6: at the token endpoint.
#[tokio::test]
async fn a_client_can_ask_for_itself() {
    let (world, acme) = World::of_acme().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let details = json!([one()]).to_string();
    let details = ("authorization_details", details.as_str());

    let answer = client.token(&[("grant_type", "client_credentials"), details]).await;

    assert_eq!(Tokens::of(&answer).scope, token());
    assert_eq!(answer.json()["authorization_details"], json!([one()]));
    let script = world.client(script()).await;
    let answer = script.password_with(&acme.ada, &[details]).await;
    assert_eq!(Tokens::of(&answer).scope, token());
    assert_eq!(answer.json()["authorization_details"], json!([one()]));
}

/// RFC 9396 §5.
#[tokio::test]
async fn what_is_unknown_or_malformed_is_refused() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let service = world.client(service(Some(&acme.workspace))).await;
    let settings =
        Settings { authorization_details_types: vec!["payment".to_owned()], ..Settings::default() };
    let payer = world.client(NewClient { settings, ..web() }).await;
    let mut unknown = one();
    unknown["type"] = "payment".into();
    let mut more = one();
    more["locations"] = json!(["https://a.example"]);
    for bad in [
        "x".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        json!([unknown]).to_string(),
        json!([one(), more]).to_string(),
    ] {
        let error = "invalid_authorization_details";
        let request = client.authorization().with("authorization_details", &bad);

        let callback = browser.get(&request.path()).await.callback();
        assert_eq!(callback.params["error"], error, "{bad}");
        assert_eq!(client.push(&request).await.json()["error"], error, "{bad}");
        let params = [("grant_type", "client_credentials"), ("authorization_details", &*bad)];
        let answer = service.token(&params).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(error)));
    }
    let fine = json!([one()]).to_string();
    let request = payer.authorization().with("authorization_details", &fine);
    let answer = payer.push(&request).await;
    assert_eq!(answer.json()["error_description"], "the client has not registered this type");
    // what the client may not have at all is a matter of scope
    let other = json!([{ "type": "latchkey_permission", "permission": "comms:send" }]).to_string();
    let request = client.authorization().with("authorization_details", &other);
    assert_eq!(client.push(&request).await.json()["error"], "invalid_scope");
    let code = browser.authorize(&client.authorization(), &acme.ada).await.code().to_owned();
    let late = client.exchange_with(&code, &[("authorization_details", &fine)]).await;
    assert_eq!(late.json()["error"], "invalid_authorization_details");
}
