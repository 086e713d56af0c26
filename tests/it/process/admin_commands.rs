//! `latchkey admin …`: what each command prints.

use serde_json::{Value, json};

use crate::support::{Installation, finished_with, masked};

/// Secrets and identifiers masked; times, too.
fn shown(value: Value) -> Value {
    match masked(value) {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let is_random = matches!(&*name, "client_id" | "key" | "password" | "created_at");
                let value =
                    if is_random && value.is_string() { json!("…") } else { shown(value) };
                (name, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(shown).collect(),
        other => other,
    }
}

/// An enterprise, its workspace and its owner.
pub(super) async fn acme() -> Installation {
    let installation = Installation::new().await;
    installation.admin("create-enterprise --pin acme --name Acme");
    installation.admin("create-workspace --slug acme --name 'Acme Health' --enterprise acme");
    installation.admin(
        "create-user --username acme/ada@acme.example --workspace acme --role \
         owner",
    );
    installation
}

#[tokio::test]
async fn enterprises_workspaces_and_users_are_created() {
    let installation = Installation::new().await;

    let enterprise = installation.admin("create-enterprise --pin ACME --name Acme");
    let workspace = installation.admin(
        "create-workspace --slug acme --name 'Acme Health' --enterprise Acme \
         --plan pro",
    );
    let user = installation.admin(
        "create-user --username ACME/Ada@Acme.example --workspace acme --role \
         admin --name Ada --email mail@acme.example --admin",
    );

    assert_eq!(shown(enterprise), json!({ "id": "<id>", "pin": "acme", "name": "Acme" }));
    let expected = json!({
        "id": "<id>", "slug": "acme", "name": "Acme Health", "product": "default", "plan": "pro",
    });
    assert_eq!(shown(workspace), expected);
    let password = user["password"].as_str().unwrap();
    assert_eq!(password.len(), 24);
    let expected = json!({
        "id": "<id>",
        "username": "acme/ada@acme.example",
        "email": "mail@acme.example",
        "password": "…",
    });
    assert_eq!(shown(user.clone()), expected);
    let listed = installation.admin("list-users");
    assert!(!listed.to_string().contains(password), "it is shown again");
    let expected = json!([{
        "id": "<id>",
        "username": "acme/ada@acme.example",
        "email": "mail@acme.example",
        "name": "Ada",
        "admin": true,
        "created_at": "…",
        "disabled_at": null,
    }]);
    assert_eq!(shown(listed), expected);
    let expected = json!([{
        "id": "<id>",
        "slug": "acme",
        "name": "Acme Health",
        "product": "default",
        "plan": "pro",
        "created_at": "…",
        "disabled_at": null,
    }]);
    assert_eq!(shown(installation.admin("list-workspaces")), expected);
}

#[tokio::test]
async fn a_password_is_taken_from_standard_input_and_not_printed() {
    let installation = Installation::new().await;
    let args =
        ["admin", "create-user", "--username", "joe@example.com", "--password-stdin", "--json"];

    let made = finished_with(installation.command(&args), "correct horse battery\n");

    assert_eq!((made.code, &*made.stderr), (Some(0), ""));
    let user: Value = serde_json::from_str(&made.stdout).unwrap();
    let expected =
        json!({ "id": "<id>", "username": "joe@example.com", "email": "joe@example.com" });
    assert_eq!(shown(user), expected);
    for (input, problem) in
        [("short\n", "password"), ("", "password"), (&*"p".repeat(1025), "password")]
    {
        let args = ["admin", "create-user", "--username", "eve@example.com", "--password-stdin"];
        let refused = finished_with(installation.command(&args), input);
        assert_eq!((refused.code, &*refused.stdout), (Some(1), ""), "{input}");
        assert!(refused.stderr.starts_with(&format!("latchkey: {problem} ")), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn clients_are_created() {
    let installation = acme().await;

    let script = installation.admin(
        "create-client --name Script --grant-type password,refresh_token --scope \
         'leads:read leads:write'",
    );
    let spa = installation.admin(
        "create-client --name Spa --grant-type authorization_code --redirect-uri \
         http://127.0.0.1:9998/callback --redirect-uri https://spa.example/cb \
         --public --scope openid --scope leads:read",
    );
    let service = installation.admin(
        "create-client --name Service --grant-type client_credentials \
         --workspace acme --introspection",
    );

    assert!(script["client_secret"].as_str().unwrap().starts_with("lk_cs_"));
    assert_eq!(
        shown(script.clone()),
        json!({
            "client_id": "…",
            "name": "Script",
            "client_secret": "lk_cs_…",
            "redirect_uris": [],
            "grant_types": ["password", "refresh_token"],
            "scope": "leads:read leads:write",
            "workspace": null,
            "introspection": false,
        })
    );
    assert_eq!(
        shown(spa),
        json!({
            "client_id": "…",
            "name": "Spa",
            "redirect_uris": ["http://127.0.0.1:9998/callback", "https://spa.example/cb"],
            "grant_types": ["authorization_code"],
            "scope": "leads:read openid",
            "workspace": null,
            "introspection": false,
        })
    );
    assert_eq!((&service["workspace"], &service["introspection"]), (&json!("acme"), &json!(true)));
    let listed = installation.admin("list-clients");
    assert!(!listed.to_string().contains(script["client_secret"].as_str().unwrap()));
    let found = listed.as_array().unwrap().iter().find(|client| client["name"] == "Script");
    assert_eq!(
        shown(found.unwrap().clone()),
        json!({
            "client_id": "…",
            "name": "Script",
            "type": "confidential",
            "grant_types": ["password", "refresh_token"],
            "redirect_uris": [],
            "created_at": "…",
            "disabled_at": null,
        })
    );
}

#[tokio::test]
async fn keys_are_created() {
    let installation = acme().await;

    let key = installation.admin(
        "create-key --workspace acme --name Export --scope \
         'leads:read leads:write' --environment test --expires 2999-01-31 \
         --owner acme/ada@acme.example",
    );

    let raw = key["key"].as_str().unwrap().to_owned();
    assert!(raw.starts_with("lk_test_"));
    assert_eq!(
        shown(key),
        json!({
            "id": "<id>",
            "name": "Export",
            "key": "…",
            "environment": "test",
            "scopes": ["leads:read", "leads:write"],
            "full_access": false,
            "expires_at": "2999-01-31T00:00:00.000Z",
        })
    );
    let listed = installation.admin("list-keys --workspace acme");
    assert!(!listed.to_string().contains(&raw));
    assert_eq!(
        shown(listed),
        json!([{
            "id": "<id>",
            "name": "Export",
            "prefix": raw[..12],
            "last4": raw[raw.len() - 4..],
            "environment": "test",
            "scopes": ["leads:read", "leads:write"],
            "full_access": false,
            "active": true,
            "expires_at": "2999-01-31T00:00:00.000Z",
            "last_used_at": null,
            "uses": 0,
            "revoked_at": null,
        }])
    );
}

#[tokio::test]
async fn people_read_lines_and_tables() {
    let installation = Installation::new().await;

    let made = installation.run(&["admin", "create-enterprise", "--pin", "acme", "--name", "Acme"]);
    installation.admin("create-workspace --slug one --name One");
    installation.admin("create-workspace --slug another --name Another");
    let listed = installation.run(&["admin", "list-workspaces"]);

    assert_eq!((made.code, &*made.stderr), (Some(0), ""));
    let lines: Vec<_> = made.stdout.lines().collect();
    assert!(lines[0].starts_with("id: ") && lines[1..] == ["pin: acme", "name: Acme"], "{lines:?}");
    let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = listed.stdout.lines().map(columns).collect();
    let heading = ["id", "slug", "name", "product", "plan", "created_at", "disabled_at"];
    assert_eq!(lines[0], heading);
    assert_eq!(lines[1][1..5], ["another", "Another", "default", "free"]);
    assert_eq!((lines[2][1].as_str(), lines.len()), ("one", 3));
}
