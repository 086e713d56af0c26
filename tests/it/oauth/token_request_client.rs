//! How a client proves who it is at the machine-facing endpoints, seen at `POST /oauth/token`
//! (RFC 6749 §2.3, contract §3): `client_secret_basic`, `client_secret_post` or `none`, one of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use latchkey::{audit::Actor, clients::registration};
use serde_json::json;

use super::token_request::{
    FORM, GRANT, assert_challenged, basic, client, invalid_request, post, proof, secret, sent,
    sent_as,
};
use crate::support::{Answer, Tokens, service};

#[tokio::test]
async fn a_confidential_client_proves_itself_by_header_or_body() {
    let (world, _, client) = client().await;
    let header = basic(&client.id, secret(&client));

    Tokens::of(&sent_as(&world, &header, GRANT).await);
    Tokens::of(&sent(&world, proof(&client)).await);
    // many clients repeat their id
    let repeated = format!("{GRANT}&client_id={}", client.id);
    Tokens::of(&sent_as(&world, &header, &repeated).await);
    // an empty parameter is an absent one (RFC 6749 §3.1)
    let empty = format!("{GRANT}&client_id=&client_secret=");
    Tokens::of(&sent_as(&world, &header, &empty).await);
}

#[tokio::test]
async fn the_scheme_has_no_case_and_both_halves_are_form_encoded() {
    let (world, _, client) = client().await;
    let header = basic(&client.id, secret(&client));
    let rest = header.strip_prefix("Basic ").unwrap();
    // RFC 6749 §2.3.1: encoded before they are joined
    let encoded = |text: &str| -> String {
        text.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02x}"))
    };

    for header in [
        format!("basic {rest}"),
        format!("BASIC {rest}"),
        format!("Basic   {rest}"),
        basic(&encoded(&client.id), &encoded(secret(&client))),
    ] {
        let answer = sent_as(&world, &header, GRANT).await;

        assert_eq!(answer.status, 200, "{header}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_public_client_names_itself() {
    let (world, _, _) = client().await;
    let spa = world.spa().await;
    let refresh = "grant_type=refresh_token&refresh_token=x";

    for body in [
        format!("{refresh}&client_id={}", spa.id),
        format!("{refresh}&client_id={}&client_secret=", spa.id),
    ] {
        let answer = sent(&world, body).await;

        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_grant")));
    }
}

#[tokio::test]
async fn a_client_that_presents_itself_twice_is_refused() {
    let (world, acme, client) = client().await;
    let other = world.client(service(Some(&acme.workspace))).await;
    let header = basic(&client.id, secret(&client));
    let two_ways = "the client authenticates in two ways";

    for (body, description) in [
        (proof(&client), two_ways),
        (proof(&other), two_ways),
        (format!("{GRANT}&client_secret={}", secret(&client)), two_ways),
        (format!("{GRANT}&client_secret=wrong"), two_ways),
        (format!("{GRANT}&client_id={}", other.id), "two different clients are named"),
    ] {
        let answer = sent_as(&world, &header, &body).await;

        assert_eq!(answer.shown(), invalid_request(description), "{body}");
    }
    let twice = post(&world, FORM, GRANT).header("authorization", &header);
    for second in [header.as_str(), &basic(&other.id, secret(&other)), "Bearer x"] {
        let request = twice.try_clone().unwrap().header("authorization", second);
        let answer = Answer::to(request).await;
        assert_eq!(answer.shown(), invalid_request("two Authorization headers"), "{second}");
    }
}

/// CS-T3.
#[tokio::test]
async fn who_is_not_the_client_is_refused() {
    let (world, acme, client) = client().await;
    let other = world.client(service(Some(&acme.workspace))).await;
    let spa = world.spa().await;
    let gone = world.client(service(Some(&acme.workspace))).await;
    let disabled = registration::set_disabled(&world.app, Actor::Operator, &gone.id, true);
    assert!(disabled.await.unwrap());
    let own = secret(&client);
    let mut typo = own.to_owned();
    typo.replace_range(10..11, if &own[10..11] == "a" { "b" } else { "a" });
    let long = "x".repeat(10_000);

    for (id, secret) in [
        (client.id.as_str(), secret(&other)),
        (&client.id, &typo),
        (&client.id, &own[..own.len() - 1]),
        (&client.id, &own.to_ascii_uppercase()),
        (&client.id, "wrong"),
        (&client.id, &long),
        (&client.id.to_ascii_uppercase(), own),
        (&format!("{} ", client.id), own),
        ("no-such-client", own),
        ("' or 1=1 --", own),
        ("\u{1f511}", own),
        (&long, own),
        (&gone.id, self::secret(&gone)),
        // a public client has no secret to be right about
        (&spa.id, own),
        (&spa.id, "wrong"),
    ] {
        let encoded = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        let (id, secret) = (encoded(id), encoded(secret));

        let by_header = sent_as(&world, &basic(&id, &secret), GRANT).await;
        let body = format!("{GRANT}&client_id={id}&client_secret={secret}");
        let by_body = sent(&world, body).await;

        assert_challenged(&by_header, &id);
        assert_challenged(&by_body, &id);
    }
}

/// It is written down, of each client once a minute: nobody fills the trail. Of clients that are none there is nothing to
/// say.
#[tokio::test]
async fn that_somebody_was_not_the_client_is_written_down_but_not_without_end() {
    let (world, acme, client) = client().await;
    let other = world.client(service(Some(&acme.workspace))).await;
    let failed = async |id: &str| sent_as(&world, &basic(id, "wrong"), GRANT).await;
    for _ in 0..5 {
        assert_challenged(&failed(&client.id).await, &client.id);
        assert_challenged(&failed("no-such-client").await, "no-such-client");
    }
    assert_challenged(&failed(&other.id).await, &other.id);
    world.clock.advance(TimeDelta::minutes(1));
    assert_challenged(&failed(&client.id).await, &client.id);

    let events = world.audit_events().await;
    let failures = events.iter().filter(|event| event.action == "client.authentication_failed");
    let mut targets: Vec<_> = failures.map(|event| event.target_id.as_deref().unwrap()).collect();
    targets.sort_unstable();
    let mut expected = [&*client.id, &client.id, &other.id];
    expected.sort_unstable();
    assert_eq!(targets, expected);
    for _ in 0..40 {
        let one = world.client(service(Some(&acme.workspace))).await;
        failed(&one.id).await;
    }
    assert_eq!(world.audited("client.authentication_failed").await, 2 + 30, "in all of a minute");
}

#[tokio::test]
async fn who_does_not_say_who_it_is_is_refused() {
    let (world, _, client) = client().await;

    for body in [
        String::new(),
        GRANT.to_owned(),
        format!("{GRANT}&client_id="),
        format!("{GRANT}&client_secret={}", secret(&client)),
        // a confidential client without its secret
        format!("{GRANT}&client_id={}", client.id),
        format!("{GRANT}&client_id={}&client_secret=", client.id),
    ] {
        assert_challenged(&sent(&world, body.clone()).await, &body);
    }
}

/// RFC 6749 §2.3.1: credentials in an address end up in logs.
#[tokio::test]
async fn credentials_in_the_address_do_not_count() {
    let (world, _, client) = client().await;
    let url = world.url(&format!("/oauth/token?{}", proof(&client)));
    let request = world.http.post(url).header("content-type", FORM);

    let bare = Answer::to(request.try_clone().unwrap()).await;
    let header = basic(&client.id, secret(&client));
    let grantless = Answer::to(request.header("authorization", header)).await;

    assert_challenged(&bare, "in the query");
    assert_eq!(grantless.shown(), invalid_request("grant_type is missing"));
}

#[tokio::test]
async fn a_malformed_header_is_no_proof() {
    let (world, _, client) = client().await;
    let own = secret(&client);
    let good = STANDARD.encode(format!("{}:{own}", client.id));
    let encoded = |bytes: &[u8]| format!("Basic {}", STANDARD.encode(bytes));
    let body = proof(&client);
    let headers = [
        String::new(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        format!("Basic:{good}"),
        format!("Basic\t{good}"),
        format!("Basic{good}"),
        format!("Basic {good} {good}"),
        format!("Basic {good},"),
        format!("Basic \"{good}\""),
        format!("Basic \u{e9}{good}"),
        format!("Basic {}", &good[..good.len() - 1]),
        format!("Basic {}:{own}", client.id),
        "Basic !!!!".to_owned(),
        format!("Bearer {own}"),
        format!("Bearer {good}"),
        format!("Digest {good}"),
        good.clone(),
        encoded(b""),
        encoded(b":"),
        encoded(client.id.as_bytes()),
        encoded(format!("{}:", client.id).as_bytes()),
        encoded(format!(":{own}").as_bytes()),
        encoded(format!("{}:{own}:", client.id).as_bytes()),
        encoded(format!("{}:{own}&x=y", client.id).as_bytes()),
        encoded(format!("{}:{own}\0", client.id).as_bytes()),
        encoded(format!("{}\0:{own}", client.id).as_bytes()),
        encoded(format!("{}%00:{own}", client.id).as_bytes()),
        encoded(format!("{}:{own}\n", client.id).as_bytes()),
        encoded(b"\xff\xfe:\xff"),
        encoded("x".repeat(20_000).as_bytes()),
    ];
    for header in headers {
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: {header}\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{GRANT}",
            GRANT.len()
        );

        let answer = world.raw(request.as_bytes()).await;

        assert!(answer.starts_with("HTTP/1.1 401 "), "{header}: {answer}");
        assert!(answer.contains(r#""error":"invalid_client""#), "{header}: {answer}");
        assert!(answer.contains("www-authenticate: Basic"), "{header}: {answer}");
        assert!(!answer.contains(own), "{answer}");
    }
    // nor does it give way to a good proof in the body
    for header in ["Bearer x", "Basic", "Basic !!!!", "Negotiate x"] {
        let answer = sent_as(&world, header, &body).await;
        assert!([400, 401].contains(&answer.status), "{header}: {}", answer.body);
    }
}
