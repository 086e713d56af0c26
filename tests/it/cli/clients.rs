//! `latchkey admin create-client …` beyond RFC 6749, and the tokens that let clients register
//! themselves.

use latchkey::clock::{Clock, SystemClock};
use serde_json::json;

use crate::support::{Answer, CALLBACK, ClientApp, Signer, Tokens, World};

#[tokio::test]
async fn a_client_is_registered_with_its_keys_and_addresses() {
    let (world, acme) = World::of_acme().await;
    let signer = Signer::new("EdDSA", "k");
    let file = world.data_dir().join("keys.json");
    std::fs::write(&file, signer.jwks().to_string()).unwrap();
    let file = file.to_str().unwrap();

    let made = world
        .admin(&[
            "create-client",
            "--name",
            "Service",
            "--grant-type",
            "client_credentials",
            "--scope",
            "leads:read",
            "--workspace",
            &acme.workspace.slug,
            "--auth-method",
            "private_key_jwt",
            "--jwks-file",
            file,
            "--auth-signing-alg",
            "EdDSA",
            "--id-token-alg",
            "ES256",
            "--post-logout-redirect-uri",
            "https://client.example/bye",
            "--backchannel-logout-uri",
            "https://client.example/back",
            "--frontchannel-logout-uri",
            "https://client.example/front",
            "--require-par",
            "--dpop",
            "--require-pkce",
            "true",
        ])
        .unwrap();

    assert_eq!(made.get("client_secret"), None);
    assert_eq!(
        made["settings"],
        json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "EdDSA",
            "jwks": signer.jwks(),
            "id_token_signed_response_alg": "ES256",
            "require_pushed_authorization_requests": true,
            "dpop_bound_access_tokens": true,
            "require_pkce": true,
            "post_logout_redirect_uris": ["https://client.example/bye"],
            "frontchannel_logout_uri": "https://client.example/front",
            "frontchannel_logout_session_required": true,
            "backchannel_logout_uri": "https://client.example/back",
            "backchannel_logout_session_required": true,
        })
    );
}

/// One switch turns everything on that FAPI 2.0 demands.
#[tokio::test]
async fn a_profile_is_one_switch() {
    let world = World::new().await;
    let file = world.data_dir().join("keys.json");
    std::fs::write(&file, Signer::new("ES256", "k").jwks().to_string()).unwrap();
    let file = file.to_str().unwrap();
    let create = |more: &[&str]| {
        let mut command = vec![
            "create-client",
            "--name",
            "Bank",
            "--grant-type",
            "authorization_code",
            "--redirect-uri",
            CALLBACK,
            "--profile",
            "fapi2",
        ];
        command.extend(more);
        world.admin(&command)
    };

    let made = create(&["--jwks-file", file]).unwrap();

    let settings = &made["settings"];
    for (name, value) in [
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("require_pushed_authorization_requests", json!(true)),
        ("dpop_bound_access_tokens", json!(true)),
        ("require_pkce", json!(true)),
        ("id_token_signed_response_alg", json!("PS256")),
        ("profile", json!("fapi2")),
    ] {
        assert_eq!(settings[name], value, "{name}");
    }
    for (more, field) in [
        (&[][..], "token_endpoint_auth_method"),
        (&["--jwks-file", file, "--id-token-alg", "RS256"], "id_token_signed_response_alg"),
        (&["--jwks-file", file, "--require-pkce", "false"], "require_pkce"),
        (&["--jwks-file", file, "--auth-method", "client_secret_basic"], "token_endpoint_auth"),
        (&["--jwks-file", file, "--public"], "token_endpoint_auth_method"),
        (&["--jwks-uri", "https://127.0.0.1/jwks"], "jwks_uri"),
        (&["--jwks-file", "/nowhere"], "--jwks-file"),
    ] {
        let said = create(more).unwrap_err();
        assert!(said.contains(field), "{more:?}: {said}");
    }
}

/// CS-R6: an operator makes them, sees them, and takes them back.
#[tokio::test]
async fn initial_access_tokens_are_made_listed_and_revoked() {
    let world = World::new().await;
    let made = world.admin(&["create-registration-token", "--note", "partners"]).unwrap();
    let token = made["registration_token"].as_str().unwrap();
    let register = async || {
        let request = world.http.post(world.url("/oauth/register")).bearer_auth(token);
        Answer::to(request.json(&json!({"redirect_uris": [CALLBACK]}))).await.status
    };
    assert_eq!(register().await, 201);

    let listed = world.admin(&["list-registration-tokens"]).unwrap();
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!((&listed[0]["note"], &listed[0]["revoked_at"]), (&json!("partners"), &json!(null)));
    assert!(!listed.to_string().contains(token));
    world.admin(&["revoke-registration-token", "--id", id]).unwrap();

    assert_eq!(register().await, 401);
    let again = world.admin(&["revoke-registration-token", "--id", id]);
    assert_eq!(again, Err("latchkey: id does not exist or is revoked already".to_owned()));
    let empty = world.admin(&["create-registration-token", "--note", " "]);
    assert!(empty.unwrap_err().contains("note must be"));
}

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap() {
    let (world, acme) = World::of_acme().await;
    let client = world.client(crate::support::service(Some(&acme.workspace))).await;
    let grant = [("grant_type", "client_credentials")];
    let rotate = |hours: &str| {
        world.admin(&["rotate-client-secret", "--client", &client.id, "--overlap-hours", hours])
    };

    let made = rotate("24").unwrap();

    let new: ClientApp = client.with_secret(made["client_secret"].as_str());
    Tokens::of(&new.token(&grant).await);
    // the command goes by the machine's clock, and the server of a test does not
    let found = latchkey::clients::listing::find(&world.app, &client.id).await.unwrap().unwrap().0;
    let ends = found.previous_secret_expires_at.unwrap().0 - SystemClock.now();
    assert!((23..=24).contains(&ends.num_hours()), "{ends}");
    assert!(found.previous_secret_sha256.is_some());
    assert_eq!(rotate("721"), Err("latchkey: overlap must be at most 30 days".to_owned()));
}

#[tokio::test]
async fn a_client_is_made_for_an_enterprise() {
    let (world, acme) = World::of_acme().await;
    let create = |rest: &[&str]| {
        let about = ["create-client", "--name", "Own", "--grant-type", "password"];
        world.admin(&[&about[..], rest].concat())
    };

    let made = create(&["--enterprise", "ACME"]).unwrap();

    let id = made["client_id"].as_str().unwrap();
    let (client, _) = latchkey::clients::listing::find(&world.app, id).await.unwrap().unwrap();
    assert_eq!(client.enterprise_id, acme.workspace.enterprise_id);
    assert_eq!(client.workspace_id, None);
    for (rest, problem) in [
        (&["--enterprise", "nobody"][..], "enterprise does not exist"),
        (&["--enterprise", ""], "enterprise does not exist"),
        (&["--workspace", ""], "workspace does not exist"),
        (&["--enterprise", "acme", "--introspection"], "enterprise is not for a client"),
    ] {
        let refused = create(rest).unwrap_err();
        assert!(refused.starts_with(&format!("latchkey: {problem}")), "{refused}");
    }
    world.admin(&["unbind-client", "--client", id]).unwrap();
    let (client, _) = latchkey::clients::listing::find(&world.app, id).await.unwrap().unwrap();
    assert_eq!(client.enterprise_id, None);
}
