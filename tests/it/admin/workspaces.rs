//! `/admin/workspaces`: every workspace, its plan, its state and its members.

use entity::member::Role;
use futures_util::future::join_all;

use super::clients::admin;
use crate::support::{ApiCaller, Browser, Person};

const ACME: &str = "/admin/workspaces/acme";

#[tokio::test]
async fn a_workspace_is_created_with_its_owner() {
    let (world, _, mut browser) = admin().await;
    world.enterprise("acme").await;
    let ada = world.person("acme/ada@acme.example", &[]).await;
    let page = browser.get("/admin/new-workspace").await;
    let fields = [
        ("name", "Acme"),
        ("slug", "acme"),
        ("enterprise", "ACME"),
        ("product", "flowestate"),
        ("plan", "pro"),
        ("owner", " ACME/Ada@acme.example "),
    ];

    let answer = browser.submit(&page, "#create-workspace-submit", &fields).await;

    let place = format!("{ACME}?notice=workspace-created");
    assert_eq!((answer.status, answer.location()), (303, Some(&*place)));
    let page = browser.follow(answer).await;
    let facts = page.texts("dl.facts dd");
    assert_eq!(facts[2..5], ["flowestate", "pro", "acme"]);
    assert_eq!(page.texts("td[data-label=Role]"), ["Owner"]);
    let mut adas = Browser::of(&world, &ada).await;
    assert_eq!(adas.get("/workspaces/acme/settings/members").await.status, 200);
    assert_eq!(world.audited("workspace.create").await, 1);
}

#[tokio::test]
async fn workspaces_are_searched() {
    let (world, _, mut browser) = admin().await;
    assert_eq!(browser.get("/admin/workspaces").await.text(".empty h2"), "No workspaces yet");
    world.workspace("first").await;
    world.workspace("second").await;

    let page = browser.get("/admin/workspaces?q=SECO").await;

    assert_eq!(page.texts("tbody code"), ["second"]);
    assert_eq!(browser.get("/admin/workspaces").await.texts("tbody code"), ["first", "second"]);
}

#[tokio::test]
async fn what_cannot_be_created_is_marked_and_kept() {
    let (world, _, mut browser) = admin().await;
    world.workspace("taken").await;
    let page = browser.get("/admin/new-workspace").await;
    let form = page.form("#create-workspace-submit").with("name", "N").with("slug", "fine");

    for (form, field, words) in [
        (form.with("slug", "taken"), "slug", "The address is taken."),
        (
            form.with("slug", "No Slug"),
            "slug",
            "The address must be 2 to 64 of a-z 0-9 and -, without - at either end.",
        ),
        (form.with("name", ""), "name", "The name must not be empty."),
        (
            form.with("product", "x"),
            "product",
            "The product is not a product of the configuration.",
        ),
        (form.with("plan", "x"), "plan", "The plan is not a plan of the configuration."),
        (form.with("enterprise", "nobody"), "enterprise", "The enterprise does not exist."),
        (form.with("owner", "nobody@x.example"), "owner", "The user does not exist."),
        (form.with("owner", "a\0b"), "owner", "The user does not exist."),
    ] {
        let answer = browser.send_form(&page.url, &form).await;
        assert_eq!(answer.status, 422, "{words}");
        assert_eq!(answer.text(&format!("#{field}-problem")), words);
        let again = answer.form("#create-workspace-submit");
        // a page has no NUL, whatever was typed
        let owner = form.get("owner").map(|owner| owner.replace('\0', "\u{fffd}"));
        assert_eq!(again.get("owner"), owner.as_deref(), "{words}");
    }
    assert_eq!(browser.get("/admin/workspaces").await.texts("tbody code"), ["taken"]);
}

#[tokio::test]
async fn a_plan_is_changed() {
    let (world, _, mut browser) = admin().await;
    world.acme().await;
    let page = browser.get(ACME).await;

    let answer = browser.submit(&page, "#set-plan-submit", &[("plan", "scale")]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.texts("dl.facts dd")[3], "scale");
    let answer = browser.submit(&page, "#set-plan-submit", &[("plan", "gold")]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.has("#plan-problem"));
}

/// Contract §3: effective on the next request.
#[tokio::test]
async fn a_disabled_workspace_is_refused_until_it_is_enabled() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let caller = ApiCaller::key(&world, &key);
    caller.me().await.expect(200);
    let page = browser.get(&format!("{ACME}/disable")).await;
    assert!(page.texts("main li")[1].ends_with("of whom there are 1."));

    let answer = browser.submit(&page, "#confirm", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".heading .badge"), "Disabled");
    caller.me().await.expect(403);
    let mut adas = Browser::of(&world, &acme.ada).await;
    assert_eq!(adas.get("/workspaces/acme/settings/members").await.status, 404);
    let answer = browser.submit(&page, "#enable-workspace", &[]).await;
    assert_eq!(browser.follow(answer).await.text(".flash"), "The workspace is enabled.");
    caller.me().await.expect(200);
    assert_eq!(world.audited("workspace.enable").await, 1);
}

#[tokio::test]
async fn members_are_added_and_removed() {
    let (world, _, mut browser) = admin().await;
    world.acme().await;
    let ben = world.person("acme/ben@acme.example", &[]).await;
    let page = browser.get(ACME).await;
    let fields = [("username", "acme/ben@acme.example"), ("role", "admin")];

    let answer = browser.submit(&page, "#add-member-submit", &fields).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.texts("td[data-label=Role]"), ["Owner", "Admin"]);
    assert_eq!(world.audited("member.add").await, 1);
    let again = browser.submit(&page, "#add-member-submit", &fields).await;
    assert_eq!(again.text("#username-problem"), "The user is a member already.");
    for (username, role, field) in
        [("nobody@x.example", "member", "username"), ("acme/ben@acme.example", "god", "role")]
    {
        let fields = [("username", username), ("role", role)];
        let answer = browser.submit(&page, "#add-member-submit", &fields).await;
        assert_eq!(answer.status, 422);
        assert!(answer.has(&format!("#{field}-problem")));
    }
    let page = browser.get(&format!("{ACME}/members/{}/remove", ben.id)).await;
    let answer = browser.submit(&page, "#confirm", &[]).await;
    assert_eq!(browser.follow(answer).await.texts("td[data-label=Role]"), ["Owner"]);
    assert_eq!(browser.submit(&page, "#confirm", &[]).await.status, 404);
}

/// Whoever runs the server may leave a workspace without owners, if the page has said so before.
#[tokio::test]
async fn the_last_owner_is_removed_by_who_was_told() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Owner)]).await;
    let early = browser.get(&removal(&acme.ada)).await;
    let page = browser.get(&removal(&ben)).await;
    for page in [&early, &page] {
        assert!(!page.body.contains("last owner"), "{}", page.body);
    }
    assert_eq!(browser.submit(&page, "#confirm", &[]).await.status, 303);

    let refused = browser.submit(&early, "#confirm", &[]).await;

    assert_eq!(refused.status, 422);
    assert!(refused.text("[role=alert]").starts_with("This is the last owner, for"));
    assert!(refused.text("main ul").contains("nobody owns the workspace"));
    assert_eq!(world.audited("member.remove").await, 1);
    let told = browser.get(&removal(&acme.ada)).await;
    assert!(told.text("main ul").contains("nobody owns the workspace"));
    assert_eq!(browser.submit(&refused, "#confirm", &[]).await.status, 303);
    assert_eq!(browser.submit(&told, "#confirm", &[]).await.status, 404);
    assert_eq!(world.audited("member.remove").await, 2);
}

/// Pages that were opened before say nothing of a last owner.
#[tokio::test]
async fn of_owners_who_are_removed_at_once_one_stays() {
    let (world, operator, _) = admin().await;
    let acme = world.acme().await;
    let mut owners = vec![acme.ada.clone()];
    for number in 0..3 {
        let username = format!("acme/o{number}@acme.example");
        owners.push(world.person(&username, &[(&acme.workspace, Role::Owner)]).await);
    }
    let mut pages = Vec::new();
    for owner in &owners {
        let mut browser = Browser::of(&world, &operator).await;
        let page = browser.get(&removal(owner)).await;
        pages.push((browser, page));
    }
    let removals = pages
        .iter_mut()
        .map(async |(browser, page)| browser.submit(page, "#confirm", &[]).await.status);

    let mut statuses = join_all(removals).await;

    statuses.sort_unstable();
    assert_eq!(statuses, [303, 303, 303, 422]);
}

fn removal(person: &Person) -> String {
    format!("{ACME}/members/{}/remove", person.id)
}

#[tokio::test]
async fn to_everybody_else_there_is_nothing() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Owner)]).await;
    let mut bens = Browser::of(&world, &ben).await;
    let remove = format!("{ACME}/members/{}/remove", ben.id);

    for path in ["/admin/workspaces", "/admin/new-workspace", ACME, &remove] {
        assert_eq!(bens.get(path).await.status, 404, "{path}");
        assert_eq!(Browser::new(&world).get(path).await.status, 303, "{path}");
    }
    for slug in ["nowhere", "%00", "A"] {
        assert_eq!(browser.get(&format!("/admin/workspaces/{slug}")).await.status, 404, "{slug}");
    }
    let other = world.workspace("other").await;
    let path = format!("/admin/workspaces/{}/members/{}/remove", other.slug, ben.id);
    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn no_form_is_taken_from_elsewhere() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let new = browser.get("/admin/new-workspace").await;
    let one = browser.get(ACME).await;
    let disable = browser.get(&format!("{ACME}/disable")).await;
    let remove = browser.get(&format!("{ACME}/members/{}/remove", acme.ada.id)).await;
    let both = "GET, HEAD, POST";

    for (page, button, allow) in [
        (&new, "#create-workspace-submit", both),
        (&one, "#set-plan-submit", "POST"),
        (&one, "#add-member-submit", "POST"),
        (&disable, "#confirm", both),
        (&remove, "#confirm", both),
    ] {
        let form = page.form(button);
        world.refuses_forgeries(&mut browser, page, &form).await;
        world.answers_only_to(allow, &mut browser, (page, &form)).await;
        world.asks_strangers_to_sign_in(page, &form).await;
    }
    assert_eq!(world.audited("workspace.disable").await, 0);
    assert_eq!(world.audited("member.remove").await, 0);
}
