//! How fast passwords may be guessed at `POST /oauth/token` (contract §3).

use std::net::Ipv4Addr;

use chrono::TimeDelta;
use entity::{member::Role, sign_in_failure};
use latchkey::identity::throttle::{Counters, Guessed};
use sea_orm::EntityTrait;
use serde_json::json;

use crate::support::{Acme, Answer, ClientApp, World, script};

async fn world() -> (World, Acme, ClientApp) {
    let world = World::new().await;
    let acme = world.acme().await;
    let script = world.script().await;
    (world, acme, script)
}

async fn fail(client: &ClientApp, username: &str, times: usize) {
    for attempt in 1..=times {
        let answer = client.sign_in(username, "wrong").await;
        assert_eq!(answer.status, 400, "attempt {attempt}: {}", answer.body);
    }
}

/// The seconds to wait, if it is too early.
fn wait_of(answer: &Answer) -> Option<u64> {
    if answer.status != 429 {
        return None;
    }
    let body = json!({
        "error": "too_many_requests",
    });
    assert_eq!(answer.shown(), (429, body));
    Some(answer.header("retry-after").unwrap().parse().unwrap())
}

#[tokio::test]
async fn after_five_failures_in_a_row_even_the_right_password_waits() {
    let (world, acme, script) = world().await;
    fail(&script, &acme.ada.username, 5).await;

    let too_early = script.password(&acme.ada).await;

    assert_eq!(wait_of(&too_early), Some(1));
    world.clock.advance(TimeDelta::milliseconds(999));
    assert_eq!(wait_of(&script.password(&acme.ada).await), Some(1));
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(script.password(&acme.ada).await.status, 200);
}

#[tokio::test]
async fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
    let (world, acme, script) = world().await;
    fail(&script, &acme.ada.username, 4).await;

    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        fail(&script, &acme.ada.username, 1).await;
        let answer = script.sign_in(&acme.ada.username, "wrong").await;
        assert_eq!(wait_of(&answer), Some(wait));
        world.clock.advance(TimeDelta::seconds(wait.try_into().unwrap()));
    }
}

#[tokio::test]
async fn a_success_forgets_the_accounts_failures() {
    let (_world, acme, script) = world().await;
    for _ in 0..3 {
        fail(&script, &acme.ada.username, 4).await;

        assert_eq!(script.password(&acme.ada).await.status, 200);
    }
}

#[tokio::test]
async fn an_unknown_user_waits_like_a_known_one() {
    let (_world, _, script) = world().await;

    for username in ["acme/nobody@acme.example", "nopin/x@acme.example", "no name at all", "/"] {
        fail(&script, username, 5).await;
        assert_eq!(wait_of(&script.sign_in(username, "wrong").await), Some(1), "{username}");
    }
}

#[tokio::test]
async fn other_spellings_of_a_name_share_its_wait() {
    let (_world, acme, script) = world().await;
    fail(&script, &acme.ada.username, 5).await;

    let answer = script.sign_in("ACME/Ada@ACME.example", &acme.ada.password).await;

    assert_eq!(wait_of(&answer), Some(1));
}

#[tokio::test]
async fn attempts_that_come_too_early_do_not_lengthen_the_wait() {
    let (world, acme, script) = world().await;
    fail(&script, &acme.ada.username, 5).await;
    for _ in 0..20 {
        assert_eq!(wait_of(&script.sign_in(&acme.ada.username, "wrong").await), Some(1));
    }

    world.clock.advance(TimeDelta::seconds(1));

    assert_eq!(script.password(&acme.ada).await.status, 200);
}

#[tokio::test]
async fn one_accounts_failures_are_not_anothers() {
    let (world, acme, script) = world().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    fail(&script, &acme.ada.username, 5).await;

    assert_eq!(script.password(&ben).await.status, 200);

    assert_eq!(wait_of(&script.password(&acme.ada).await), Some(1));
}

#[tokio::test]
async fn an_address_may_fail_thirty_times_in_ten_minutes() {
    let (world, acme, script) = world().await;
    for number in 0..15 {
        fail(&script, &format!("nobody{number}@example.com"), 2).await;
        if number == 7 {
            // a success does not buy further failures
            assert_eq!(script.password(&acme.ada).await.status, 200);
        }
    }

    let answer = script.password(&acme.ada).await;

    assert_eq!(wait_of(&answer), Some(600));
    world.clock.advance(TimeDelta::seconds(599));
    assert_eq!(wait_of(&script.password(&acme.ada).await), Some(1));
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(script.password(&acme.ada).await.status, 200);
}

/// From when on an account or a network has to wait is written down, once, and for nobody's account too.
#[tokio::test]
async fn from_when_on_somebody_waits_is_written_down() {
    let (world, acme, script) = world().await;
    let seen = async || {
        let events = world.audit_events().await.into_iter();
        let waits = events.filter(|event| event.action.ends_with(".throttle"));
        waits.map(|it| (it.action, it.target_id, it.detail.unwrap())).collect::<Vec<_>>()
    };
    fail(&script, &acme.ada.username, 4).await;
    assert_eq!(seen().await, []);

    fail(&script, &acme.ada.username, 1).await;
    assert_eq!(wait_of(&script.password(&acme.ada).await), Some(1));
    world.clock.advance(TimeDelta::seconds(1));
    fail(&script, &acme.ada.username, 1).await;
    fail(&script, "nobody@example.com", 5).await;
    for number in 0..19 {
        fail(&script, &format!("nobody{number}@example.com"), 1).await;
    }

    let in_a_row = "5 times in a row: user.sign_in_failed".to_owned();
    let of = |action: &str, target: Option<String>, detail: &str| {
        (action.to_owned(), target, detail.to_owned())
    };
    let mut expected = vec![
        of("network.throttle", Some("127.0.0.1".to_owned()), "30 times in 10 minutes"),
        of("user.throttle", None, &in_a_row),
        of("user.throttle", Some(acme.ada.id.to_string()), &in_a_row),
    ];
    let mut seen = seen().await;
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_address_is_not_what_a_stranger_writes_into_a_header() {
    let (_world, acme, script) = world().await;
    for number in 0..30 {
        let username = format!("nobody{number}@example.com");
        let address = format!("198.51.100.{number}");
        assert_eq!(from(&script, &address, &username, "wrong").await.status, 400);
    }

    let answer = from(&script, "203.0.113.9", &acme.ada.username, &acme.ada.password).await;

    assert_eq!(wait_of(&answer), Some(600));
}

#[tokio::test]
async fn behind_a_trusted_proxy_every_client_has_its_own_address() {
    let world = World::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let acme = world.acme().await;
    let script = world.client(script()).await;
    for number in 0..30 {
        let username = format!("nobody{number}@example.com");
        assert_eq!(from(&script, "198.51.100.1", &username, "wrong").await.status, 400);
    }
    let ada = (acme.ada.username.as_str(), acme.ada.password.as_str());

    let same = from(&script, "6.6.6.6, 198.51.100.1", ada.0, ada.1).await;
    let other = from(&script, "198.51.100.1, 203.0.113.9", ada.0, ada.1).await;

    assert_eq!((wait_of(&same), other.status), (Some(600), 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_that_race_are_counted_one_by_one() {
    let (_world, acme, script) = world().await;
    let guess = || script.sign_in(&acme.ada.username, "wrong");

    let answers = futures_util::future::join_all((0..20).map(|_| guess())).await;

    let guessed = answers.iter().filter(|answer| answer.status == 400).count();
    let waiting = answers.iter().filter_map(wait_of).count();
    assert_eq!((guessed, waiting), (5, 15));
}

/// Each node looks at one guess at a time; together they look at no more than one node would.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_together_look_at_no_more_guesses_than_one() {
    let (world, acme, script) = world().await;
    let nodes =
        [world.another_node().await, world.another_node().await, world.another_node().await];
    let clients: Vec<_> = nodes.iter().map(|node| script.at(node)).collect();
    let guess = |number: usize| clients[number % 3].sign_in(&acme.ada.username, "wrong");

    let answers = futures_util::future::join_all((0..24).map(guess)).await;

    let guessed = answers.iter().filter(|answer| answer.status == 400).count();
    let waiting = answers.iter().filter_map(wait_of).count();
    assert_eq!((guessed, waiting), (5, 19));
}

/// A network's guesses are counted before they are hashed, whatever their accounts and nodes are.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_has_thirty_guesses_however_many_are_made_at_once() {
    let (world, acme, script) = world().await;
    let node = world.another_node().await;
    let clients = [&script, &script.at(&node)];
    let names: Vec<_> = (0..64).map(|number| format!("nobody{number}@example.com")).collect();
    let mut looked_at = 0;

    for _ in 0..20 {
        let guesses = names.iter().zip(clients.iter().cycle());
        let guesses = guesses.map(|(name, client)| client.sign_in(name, "wrong"));
        for answer in futures_util::future::join_all(guesses).await {
            // whoever could not wait until the others were looked at is told to come back, and not counted
            assert!([400, 429, 503].contains(&answer.status), "{}", answer.body);
            looked_at += usize::from(answer.status == 400);
        }
        if looked_at >= 30 {
            break;
        }
    }

    assert_eq!(looked_at, 30);
    for client in clients {
        assert_eq!(wait_of(&client.password(&acme.ada).await), Some(600));
    }
}

/// Behind one address there are many: those who are looked at right now keep nobody out, however few failures the
/// address has left.
#[tokio::test(flavor = "multi_thread")]
async fn many_of_one_network_sign_in_at_once_though_it_has_one_failure_left() {
    let (world, acme, script) = world().await;
    let node = world.another_node().await;
    let clients = [&script, &script.at(&node)];
    let mut people = vec![acme.ada.clone()];
    for number in 0..3 {
        let name = format!("acme/person{number}@acme.example");
        people.push(world.person(&name, &[(&acme.workspace, Role::Member)]).await);
    }
    for number in 0..29 {
        fail(&script, &format!("nobody{number}@example.com"), 1).await;
    }

    let sign_ins = people.iter().zip(clients.iter().cycle());
    let answers =
        futures_util::future::join_all(sign_ins.map(|(person, client)| client.password(person)))
            .await;

    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    fail(&script, "another@example.com", 1).await;
    assert_eq!(wait_of(&script.password(&acme.ada).await), Some(600));
}

/// What a node that died was looking at may have been looked at: it stays counted, and for as long as a failure does.
#[tokio::test]
async fn guesses_of_a_node_that_died_stay_counted() {
    let (world, acme, script) = world().await;
    for number in 0..30 {
        let name = format!("nobody{number}@example.com");
        let counters = Counters::of(Guessed::Password(&name), Ipv4Addr::LOCALHOST.into());
        let guess = counters.admit(&world.app).await.unwrap();
        // nobody says what became of it
        assert!(guess.is_ok(), "{number}");
    }

    let at_first = script.password(&acme.ada).await;
    world.clock.advance(TimeDelta::minutes(2));
    let later = script.password(&acme.ada).await;
    world.clock.advance(TimeDelta::minutes(8));
    let in_the_end = script.password(&acme.ada).await;

    assert_eq!(at_first.status, 503, "{}", at_first.body);
    assert!(at_first.header("retry-after").is_some());
    assert_eq!((wait_of(&later), in_the_end.status), (Some(480), 200));
}

/// What was counted before it was looked at is given back: nobody's successes make anybody wait.
#[tokio::test(flavor = "multi_thread")]
async fn successes_that_race_do_not_count() {
    let (world, acme, script) = world().await;
    let node = world.another_node().await;
    let clients = [&script, &script.at(&node)];
    for _ in 0..3 {
        let right = (0..6).map(|number| clients[number % 2].password(&acme.ada));
        for answer in futures_util::future::join_all(right).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
    assert_eq!(counted(&world).await, [] as [i64; 0]);
}

/// Whoever knows the password has not failed, whatever they asked for with it.
#[tokio::test]
async fn a_right_password_that_gets_no_token_is_no_failure() {
    let (world, acme, script) = world().await;
    fail(&script, &acme.ada.username, 4).await;

    for asked in [("scope", "sites:write"), ("workspace", "elsewhere")] {
        let refused = script.password_with(&acme.ada, &[asked]).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert_eq!(counted(&world).await, [4], "the address keeps its own, the account has none");
    }
    // the scope is nobody's; a workspace of others is a mistake, and no event
    assert_eq!(world.audited("user.sign_in_withheld").await, 1);
}

/// What could not be stored is nobody's failure.
#[tokio::test]
async fn a_right_password_whose_tokens_cannot_be_stored_is_no_failure() {
    let (world, acme, script) = world().await;
    world.rename("audit_event", "kept").await;

    let failed = script.password(&acme.ada).await;

    assert_eq!(failed.status, 500, "{}", failed.body);
    assert_eq!(counted(&world).await, [] as [i64; 0]);
    world.rename("kept", "audit_event").await;
    assert_eq!(script.password(&acme.ada).await.status, 200);
    assert_eq!(counted(&world).await, [] as [i64; 0]);
}

/// How many failures each count has.
async fn counted(world: &World) -> Vec<i64> {
    let rows = sign_in_failure::Entity::find().all(world.app.store.read()).await.unwrap();
    rows.into_iter().map(|row| row.failures).collect()
}

/// A clock that was an hour fast is set right: nobody is shut out until it has caught up, and what
/// fails from then on is counted.
#[tokio::test]
async fn a_clock_that_is_set_back_shuts_nobody_out() {
    let (world, acme, script) = world().await;
    fail(&script, &acme.ada.username, 5).await;
    for number in 0..25 {
        fail(&script, &format!("nobody{number}@example.com"), 1).await;
    }
    assert_eq!(wait_of(&script.password(&acme.ada).await), Some(600));

    world.clock.advance(TimeDelta::hours(-1));

    assert_eq!(script.password(&acme.ada).await.status, 200);
    fail(&script, &acme.ada.username, 5).await;
    assert_eq!(wait_of(&script.password(&acme.ada).await), Some(1));
    for number in 0..25 {
        fail(&script, &format!("nobody{number}@example.com"), 1).await;
    }
    assert_eq!(wait_of(&script.sign_in("another@example.com", "wrong").await), Some(600));
}

async fn from(client: &ClientApp, forwarded: &str, username: &str, password: &str) -> Answer {
    let params = [("grant_type", "password"), ("username", username), ("password", password)];
    let request = client.request("/oauth/token", &params);
    Answer::to(request.header("x-forwarded-for", forwarded)).await
}
