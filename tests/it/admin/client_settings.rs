//! The part of the forms for clients that goes beyond RFC 6749: keys, OpenID Connect, signing out,
//! security.

use serde_json::json;

use super::clients::{admin, filled, introduced, value_of};
use crate::support::{Signer, Tokens};

#[tokio::test]
async fn a_client_that_signs_is_registered_and_has_no_secret() {
    let (world, _, mut browser) = admin().await;
    world.acme().await;
    let signer = Signer::new("ES256", "k");
    let (page, mut form) = filled(&mut browser).await;
    for (name, value) in [
        ("redirect_uris", ""),
        ("workspace", "acme"),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_signing_alg", "ES256"),
        ("jwks", &signer.jwks().to_string()),
    ] {
        form.set(name, value);
    }
    form.set("grant_type", "client_credentials");

    let page = browser.send_form(&page.url, &form).await;

    assert_eq!(page.status, 201, "{}", page.body);
    assert_eq!(value_of(&page, "client-secret"), None);
    let client = introduced(&world, &page);
    let now = world.clock.unix();
    let claims = json!({
        "iss": client.id, "sub": client.id, "aud": world.url(""), "exp": now + 60, "jti": "1",
    });
    let assertion = signer.sign(&claims);
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let params = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", kind),
        ("client_assertion", &*assertion),
    ];
    Tokens::of(&client.token(&params).await);
    let shown = browser.get(&format!("/admin/clients/{}", client.id)).await;
    assert!(shown.body.contains("private_key_jwt") && shown.body.contains("1 keys"));
    assert!(!shown.has("#rotate-secret"));
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays() {
    let (world, _, mut browser) = admin().await;
    for (name, value) in [
        ("jwks", "{ not JSON"),
        ("jwks", "{\"keys\":[]}"),
        ("jwks_uri", "https://127.0.0.1/jwks"),
        ("default_max_age", "soon"),
        ("initiate_login_uri", "http://a.example/"),
        ("post_logout_redirect_uris", "javascript:alert(1)"),
        ("backchannel_logout_uri", "https://10.0.0.1/"),
        ("frontchannel_logout_uri", "com.example.app:/x"),
        ("token_endpoint_auth_method", "private_key_jwt"),
    ] {
        let (page, form) = filled(&mut browser).await;

        let page = browser.send_form(&page.url, &form.with(name, value)).await;

        assert_eq!(page.status, 422, "{name}: {value}");
        assert!(page.has(&format!("#{name}-problem")), "{name}: {}", page.body);
        assert!(page.has(&format!("[name={name}][aria-invalid=true]")), "{name}");
        let again = page.form("#register-client-submit");
        assert_eq!(again.get(name).map(str::trim), Some(value), "{name}");
        assert_eq!(again.get("name"), Some("Field app"));
    }
    assert_eq!(world.audited("client.register").await, 0);
}

#[tokio::test]
async fn settings_are_edited_and_what_has_no_field_stays() {
    let (world, _, mut browser) = admin().await;
    let client = world.web().await;
    let path = format!("/admin/clients/{}", client.id);
    let page = browser.get(&format!("{path}/edit")).await;
    let mut form = page.form("#edit-client-submit");
    form.set("post_logout_redirect_uris", "https://a.example/1\r\n\r\n https://a.example/2 ");
    form.set("id_token_signed_response_alg", "EdDSA");
    form.set("require_auth_time", "true");
    form.set("require_pkce", "false");

    let saved = browser.send_form(&page.url, &form).await;

    assert_eq!(saved.status, 303, "{}", saved.body);
    let again = browser.get(&format!("{path}/edit")).await.form("#edit-client-submit");
    for (name, value) in [
        ("post_logout_redirect_uris", "https://a.example/1\nhttps://a.example/2"),
        ("id_token_signed_response_alg", "EdDSA"),
        ("require_auth_time", "true"),
        ("require_pkce", "false"),
    ] {
        assert_eq!(again.get(name), Some(value), "{name}");
    }
    // an untouched form changes nothing
    let same = browser.send_form(&page.url, &again).await;
    assert_eq!(same.status, 303);
    let shown = browser.get(&path).await;
    assert!(shown.body.contains("https://a.example/2"), "{}", shown.body);
}

/// A client that changes to keys has no secret any more, and gets one when it changes back.
#[tokio::test]
async fn a_secret_goes_with_its_method() {
    let (world, _, mut browser) = admin().await;
    let client = world.web().await;
    let path = format!("/admin/clients/{}", client.id);
    let refresh = ("grant_type", "refresh_token");
    assert_eq!(client.token(&[refresh]).await.status, 400);
    let page = browser.get(&format!("{path}/edit")).await;
    let mut form = page.form("#edit-client-submit");
    form.set("token_endpoint_auth_method", "private_key_jwt");
    form.set("jwks", &Signer::new("ES256", "k").jwks().to_string());

    assert_eq!(browser.send_form(&page.url, &form).await.status, 303);

    assert_eq!(client.token(&[refresh]).await.status, 401);
    assert!(!browser.get(&path).await.has("#rotate-secret"));
    assert_eq!(browser.get(&format!("{path}/rotate-secret")).await.status, 404);
    form.set("token_endpoint_auth_method", "");
    assert_eq!(browser.send_form(&page.url, &form).await.status, 303);
    assert_eq!(client.token(&[refresh]).await.status, 401, "the old one does not come back");
    assert_eq!(browser.get(&path).await.text("#rotate-secret"), "Make a secret");
}
