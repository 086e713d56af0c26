//! `latchkey admin …`: what each command refuses, by one line that names the field.

use serde_json::json;

use super::admin_commands::acme;
use crate::support::Installation;

#[tokio::test]
async fn what_cannot_be_created_is_named() {
    let installation = acme().await;
    let with = |line: &str| installation.admin_fails(line);

    for (line, problem) in [
        ("create-enterprise --pin acme --name Again", "pin is taken"),
        ("create-enterprise --pin ACME --name Again", "pin is taken"),
        ("create-enterprise --pin other --name ' '", "name must not be empty"),
        ("create-workspace --slug acme --name Again", "slug is taken"),
        ("create-workspace --slug x1 --name X --enterprise nowhere", "enterprise does not exist"),
        (
            "create-workspace --slug x1 --name X --product no --plan no",
            "product is not a product of the configuration; plan is not a plan of the configuration",
        ),
        ("create-user --username acme/ADA@acme.example", "username is taken"),
        ("create-user --username /ada@acme.example", "username must be email or pin/email"),
        ("create-user --username x@x.example --workspace no", "workspace does not exist"),
        (
            "create-client --name X --grant-type implicit",
            "grant_types may be: authorization_code, refresh_token, password, client_credentials, \
             urn:ietf:params:oauth:grant-type:device_code, \
             urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "create-key --workspace acme --name X --scope cows:milk",
            "scopes not offered by this workspace's product: cows:milk",
        ),
        ("create-key --workspace acme --name X", "scopes at least one is required"),
        (
            "create-key --workspace acme --name X --scope leads:read --expires soon",
            "expires must be like 2027-01-31 or 2027-01-31T12:00:00Z",
        ),
        (
            "create-key --workspace acme --name X --scope leads:read --expires 2020-01-01",
            "expiresAt must be in the future",
        ),
        ("create-key --workspace no --name X --scope leads:read", "workspace does not exist"),
    ] {
        assert_eq!(with(line), problem, "{line}");
    }
    let unknown_pin = with("create-user --username nowhere/x@x.example");
    assert!(unknown_pin.starts_with("username "), "{unknown_pin}");
    let pin = with("create-enterprise --pin a/b --name X");
    assert!(pin.starts_with("pin "), "{pin}");
    assert_eq!(installation.admin("list-users").as_array().unwrap().len(), 1);
    assert_eq!(installation.admin("list-workspaces").as_array().unwrap().len(), 1);
    assert_eq!(installation.admin("list-clients"), json!([]));
    assert_eq!(installation.admin("list-keys --workspace acme"), json!([]));
}

#[tokio::test]
async fn what_cannot_be_ended_is_named() {
    const ID: &str = "0192f0c1-2345-7abc-8def-0123456789ab";
    let installation = acme().await;
    let spa = installation.admin(
        "create-client --name Spa --grant-type authorization_code --public \
         --redirect-uri https://spa.example/cb",
    );
    let spa = spa["client_id"].as_str().unwrap();
    installation.admin("create-workspace --slug other --name Other");
    let ada = "acme/ada@acme.example";

    for (line, problem) in [
        ("disable-client --client nobody", "client does not exist"),
        ("rotate-client-secret --client nobody", "client does not exist or has no secret"),
        (&format!("rotate-client-secret --client {spa}"), "client does not exist or has no secret"),
        ("disable-user --user no@example.com", "user does not exist"),
        ("disable-user --user a//b@example.com", "user must be email, pin/email or an id"),
        ("reset-second-factor --user no@example.com", "user does not exist"),
        (&format!("reset-second-factor --user {ada}"), "user has no second factor"),
        ("disable-workspace --workspace no", "workspace does not exist"),
        (&format!("remove-member --workspace no --user {ada}"), "workspace does not exist"),
        ("remove-member --workspace acme --user no@x.example", "user does not exist"),
        (
            &format!("remove-member --workspace other --user {ada}"),
            "user is not a member of this workspace",
        ),
        (&format!("revoke-grant --grant {ID}"), "grant does not exist or is revoked already"),
        (
            &format!("revoke-key --workspace acme --key {ID}"),
            "key does not exist in this workspace",
        ),
        ("list-grants --user no@example.com", "user does not exist"),
        ("list-keys --workspace no", "workspace does not exist"),
    ] {
        assert_eq!(installation.admin_fails(line), problem, "{line}");
    }
}

#[tokio::test]
async fn a_command_line_that_makes_no_sense_is_refused() {
    let installation = Installation::new().await;

    for args in [
        &["admin"][..],
        &["admin", "create-everything"],
        &["admin", "create-user"],
        &["admin", "create-user", "--username", "x@x.example", "--role", "owner"],
        &[
            "admin",
            "create-user",
            "--username",
            "x@x.example",
            "--workspace",
            "a",
            "--role",
            "king",
        ],
        &["admin", "revoke-grant", "--grant", "x"],
        &["admin", "create-key", "--workspace", "a", "--name", "b", "--environment", "moon"],
    ] {
        let exit = installation.run(args);

        assert_eq!((exit.code, &*exit.stdout), (Some(2), ""), "{args:?}");
        assert!(!installation.data_dir().exists(), "{args:?}");
    }
}
