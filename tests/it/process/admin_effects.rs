//! `latchkey admin …` while a server runs: what a command changes is so on the next request.

use serde_json::{Value, json};

use crate::support::{ApiCaller, Browser, ClientApp, Installation, Person, Process, Tokens};

const ADA: &str = "acme/ada@acme.example";

/// A running server; everything in it was made by command after its start.
struct Operated {
    server: Process,
    installation: Installation,
    ada: Person,
    script: ClientApp,
}

impl Operated {
    async fn new() -> Self {
        let installation = Installation::new().await;
        let server = installation.serve(&[]);
        installation.admin("create-enterprise --pin acme --name Acme");
        let workspace = "create-workspace --slug acme --name Acme --enterprise acme --plan pro";
        installation.admin(workspace);
        let ada = format!("create-user --username {ADA} --workspace acme --role owner");
        let ada = person(&installation.admin(&ada));
        let script = installation.admin(
            "create-client --name Script --grant-type password,refresh_token \
             --scope 'leads:read leads:write'",
        );
        let script = client(&server, &script);
        Self { server, installation, ada, script }
    }

    async fn tokens(&self) -> Tokens {
        Tokens::of(&self.script.password(&self.ada).await)
    }

    fn key(&self, more: &str) -> Value {
        let line = "create-key --workspace acme --name K --scope leads:read";
        self.installation.admin(&format!("{line} {more}"))
    }

    /// Status and error code of `/api/v1/me` for a token or key.
    async fn me(&self, credential: &str) -> (u16, Value) {
        let answer = ApiCaller::bearer(&self.server, credential).me().await;
        (answer.status, answer.json()["error"]["code"].clone())
    }

    async fn refused_refresh(&self, tokens: &Tokens) -> (u16, Value) {
        let answer = self.script.refresh(&tokens.refresh).await;
        (answer.status, answer.json()["error"].clone())
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

fn person(user: &Value) -> Person {
    Person {
        id: text(user, "id").parse().unwrap(),
        username: text(user, "username"),
        password: text(user, "password"),
    }
}

fn client(server: &Process, client: &Value) -> ClientApp {
    ClientApp::new(server, &text(client, "client_id"), client["client_secret"].as_str())
}

fn ok() -> (u16, Value) {
    (200, Value::Null)
}

fn unauthorized() -> (u16, Value) {
    (401, json!("UNAUTHORIZED"))
}

fn forbidden() -> (u16, Value) {
    (403, json!("FORBIDDEN"))
}

fn invalid_grant() -> (u16, Value) {
    (400, json!("invalid_grant"))
}

#[tokio::test]
async fn what_was_created_works() {
    let world = Operated::new().await;

    let tokens = world.tokens().await;
    let key = text(&world.key(""), "key");
    let service = world.installation.admin(
        "create-client --name S --grant-type client_credentials --workspace acme --introspection",
    );
    let service = client(&world.server, &service);

    let me = ApiCaller::bearer(&world.server, &tokens.access).me().await.json();
    assert_eq!(
        (&me["principal"]["username"], &me["workspace"]["slug"]),
        (&json!(ADA), &json!("acme"))
    );
    let me = ApiCaller::key(&world.server, &key).me().await.json();
    assert_eq!(me["principal"]["type"], "service_account");
    assert_eq!(me["principal"]["name"], "operator");
    assert!(service.sees_alive(&key).await);
    let own = Tokens::of(&service.token(&[("grant_type", "client_credentials")]).await);
    assert_eq!(world.me(&own.access).await, ok());
    Browser::of(&world.server, &world.ada).await;
}

#[tokio::test]
async fn an_administrator_is_created() {
    let world = Operated::new().await;
    let root = world.installation.admin("create-user --username root@example.com --admin");
    let root = person(&root);

    let page = Browser::of(&world.server, &root).await.get("/admin/clients").await;

    assert_eq!((page.status, page.texts("tbody strong")), (200, vec!["Script".to_owned()]));
}

#[tokio::test]
async fn disable_client() {
    let world = Operated::new().await;
    let tokens = world.tokens().await;
    assert_eq!(world.me(&tokens.access).await, ok());

    let id = &world.script.id;
    let printed = world.installation.admin(&format!("disable-client --client {id}"));

    assert_eq!(printed, json!({ "client_id": world.script.id, "disabled": true }));
    assert_eq!(world.me(&tokens.access).await, forbidden());
    assert_eq!(world.refused_refresh(&tokens).await, (401, json!("invalid_client")));
    let refused = world.script.password(&world.ada).await;
    assert_eq!((refused.status, &refused.json()["error"]), (401, &json!("invalid_client")));
    assert!(world.installation.admin("list-clients")[0]["disabled_at"].is_string());
}

#[tokio::test]
async fn disable_user() {
    let world = Operated::new().await;
    let tokens = world.tokens().await;
    let key = text(&world.key(&format!("--owner {ADA}")), "key");
    let mut browser = Browser::of(&world.server, &world.ada).await;
    assert_eq!((world.me(&tokens.access).await, world.me(&key).await), (ok(), ok()));

    let printed = world.installation.admin(&format!("disable-user --user {ADA}"));

    assert_eq!(printed, json!({ "username": ADA, "disabled": true }));
    assert_eq!(world.me(&tokens.access).await.0, 401);
    assert!([401, 403].contains(&world.me(&key).await.0), "{:?}", world.me(&key).await);
    assert_eq!(world.refused_refresh(&tokens).await, invalid_grant());
    assert_eq!(browser.get("/settings/profile").await.status, 303);
    let refused = world.script.password(&world.ada).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    assert_eq!(Browser::new(&world.server).sign_in(&world.ada).await.status, 422);
    let again = world.installation.admin_fails(&format!("disable-user --user {ADA}"));
    assert_eq!(again, "user is disabled already");
}

#[tokio::test]
async fn disable_workspace() {
    let world = Operated::new().await;
    let tokens = world.tokens().await;
    let key = text(&world.key(""), "key");
    let mut browser = Browser::of(&world.server, &world.ada).await;

    let printed = world.installation.admin("disable-workspace --workspace acme");

    assert_eq!(printed, json!({ "slug": "acme", "disabled": true }));
    assert_eq!(world.me(&tokens.access).await.0, 403);
    assert_eq!(world.me(&key).await.0, 403);
    assert_ne!(world.script.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(browser.get("/workspaces/acme/settings/keys").await.status, 404);
    let again = world.installation.admin_fails("disable-workspace --workspace acme");
    assert_eq!(again, "workspace is disabled already");
}

#[tokio::test]
async fn rotate_client_secret() {
    let world = Operated::new().await;
    let tokens = world.tokens().await;

    let id = &world.script.id;
    let printed = world.installation.admin(&format!("rotate-client-secret --client {id}"));

    let secret = text(&printed, "client_secret");
    assert!(secret.starts_with("lk_cs_") && Some(&secret) != world.script.secret.as_ref());
    assert_eq!(world.refused_refresh(&tokens).await, (401, json!("invalid_client")));
    Tokens::of(&world.script.with_secret(Some(&secret)).refresh(&tokens.refresh).await);
    assert!(!world.installation.admin("list-clients").to_string().contains(&secret));
}

#[tokio::test]
async fn remove_member() {
    let world = Operated::new().await;
    let tokens = world.tokens().await;
    let key = text(&world.key(&format!("--owner {ADA}")), "key");
    assert_eq!((world.me(&tokens.access).await, world.me(&key).await), (ok(), ok()));

    let line = format!("remove-member --workspace acme --user {ADA}");
    let refused = world.installation.admin_fails(&line);
    assert!(refused.starts_with("user is the last owner of this workspace"), "{refused}");
    assert_eq!(world.me(&key).await, ok());
    let printed = world.installation.admin(&format!("{line} --last-owner"));

    assert_eq!(printed, json!({ "workspace": "acme", "username": ADA, "removed": true }));
    assert_eq!(world.me(&tokens.access).await, forbidden());
    assert_eq!(world.me(&key).await, forbidden());
    let again = world.installation.admin_fails(&line);
    assert_eq!(again, "user is not a member of this workspace");
}

#[tokio::test]
async fn revoke_grant() {
    let world = Operated::new().await;
    let tokens = world.tokens().await;
    let grants = world.installation.admin(&format!("list-grants --user {ADA}"));
    assert_eq!(grants.as_array().unwrap().len(), 1);
    assert_eq!(
        (text(&grants[0], "client_id"), text(&grants[0], "scope")),
        (world.script.id.clone(), tokens.scope.clone())
    );
    let id = text(&grants[0], "id");
    assert_eq!(world.me(&tokens.access).await, ok());

    let printed = world.installation.admin(&format!("revoke-grant --grant {id}"));

    assert_eq!(printed, json!({ "id": id, "revoked": true }));
    assert_eq!(world.me(&tokens.access).await, unauthorized());
    assert_eq!(world.refused_refresh(&tokens).await, invalid_grant());
    assert_eq!(world.installation.admin(&format!("list-grants --user {ADA}")), json!([]));
    let again = world.installation.admin_fails(&format!("revoke-grant --grant {id}"));
    assert_eq!(again, "grant does not exist or is revoked already");
}

#[tokio::test]
async fn revoke_key() {
    let world = Operated::new().await;
    let made = world.key("");
    let (id, key) = (text(&made, "id"), text(&made, "key"));
    let other = text(&world.key(""), "key");
    assert_eq!((world.me(&key).await, world.me(&other).await), (ok(), ok()));
    let line = format!("revoke-key --workspace acme --key {id}");

    let printed = world.installation.admin(&line);

    assert_eq!(printed, json!({ "id": id, "revoked": true }));
    assert_eq!(world.me(&key).await, unauthorized());
    assert_eq!(world.me(&other).await, ok());
    assert_eq!(world.installation.admin_fails(&line), "key is revoked already");
}

#[tokio::test]
async fn a_plans_limit_holds_for_the_operator_too() {
    let world = Operated::new().await;
    world.installation.admin("create-workspace --slug small --name Small --plan free");
    let line = "create-key --workspace small --name K --scope leads:read";
    world.installation.admin(line);
    world.installation.admin(line);

    let refused = world.installation.admin_fails(line);

    assert_eq!(refused, "workspace has all 2 keys that its plan allows");
}
