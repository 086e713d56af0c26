//! The configuration of the built program: file, variables, flags; what is wrong stops it and is
//! named.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::support::{Answer, Exit, Installation, Process, Site, finished};

/// A start that must fail, with these lines in the file and these variables.
async fn refused(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> Exit {
    let installation = Installation::new().await;
    fs::write(installation.directory().join("latchkey.toml"), file).unwrap();
    let args: Vec<_> = ["serve"].iter().chain(flags).copied().collect();
    let mut command = installation.command(&args);
    command.envs(variables.iter().copied());

    let exit = finished(command);

    assert_ne!(exit.code, Some(0), "{}", exit.stdout);
    assert_eq!(exit.stdout, "");
    assert!(!installation.data_dir().exists(), "it has made a data directory");
    exit
}

fn line(exit: &Exit) -> &str {
    assert_eq!((exit.code, exit.stderr.lines().count()), (Some(1), 1), "{}", exit.stderr);
    exit.stderr.strip_prefix("latchkey: ").unwrap().trim_end()
}

async fn metadata(server: &Process) -> Value {
    let path = "/.well-known/oauth-authorization-server";
    Answer::to(server.http().get(server.url(path))).await.expect(200).json()
}

#[tokio::test]
async fn an_unknown_key_in_the_file_stops_the_start_and_is_named() {
    for (file, key) in [
        ("lissten = \"127.0.0.1:0\"", "lissten"),
        ("[oauth]\naccess_token_ttll = 5", "oauth.access_token_ttll"),
        ("[oath]\naccess_token_ttl = 5", "oath"),
        ("[products.acme]\nkey_format = []", "products.acme.key_format"),
    ] {
        let exit = refused(file, &[], &[]).await;

        let line = line(&exit);
        let start = format!("{key} (in ./latchkey.toml): unknown field");
        assert!(line.starts_with(&start), "{line}");
    }
}

#[tokio::test]
async fn an_unknown_variable_stops_the_start_and_is_named() {
    for (name, key) in [
        ("LATCHKEY_LISSTEN", "lissten"),
        ("LATCHKEY_OAUTH__ACCESS_TOKEN_TTLL", "oauth.access_token_ttll"),
        ("LATCHKEY_OAUTH_ACCESS_TOKEN_TTL", "oauth_access_token_ttl"),
    ] {
        let exit = refused("", &[(name, "5")], &[]).await;

        let line = line(&exit);
        let start = format!("{key} (in the variable {name}): unknown field");
        assert!(line.starts_with(&start), "{line}");
    }
}

#[tokio::test]
async fn an_unknown_flag_stops_the_start_and_is_named() {
    let exit = refused("", &[], &["--lissten", "127.0.0.1:0"]).await;

    assert_eq!(exit.code, Some(2));
    assert!(exit.stderr.contains("'--lissten'"), "{}", exit.stderr);
}

/// CS-X5: TLS is the business of the proxy in front, and without it the server is known by no name but
/// that of its own machine.
#[tokio::test]
async fn a_value_that_breaks_a_rule_stops_the_start_and_its_key_is_named() {
    for (file, variables, key) in [
        ("[oauth]\ncode_ttl = \"soon\"", &[][..], "oauth.code_ttl"),
        ("[oauth]\ncode_ttl = -5", &[], "oauth.code_ttl"),
        ("[oauth]\nrequire_pkce = \"never\"", &[], "oauth.require_pkce"),
        ("issuer = \"http://id.example.com\"", &[], "issuer"),
        ("issuer = \"https://id.example.com/\"", &[], "issuer"),
        ("listen = \"0.0.0.0:0\"", &[], "issuer"),
        ("", &[("LATCHKEY_OAUTH__CODE_TTL", "soon")], "oauth.code_ttl"),
        ("", &[("LATCHKEY_LISTEN", "nowhere")], "listen"),
        ("[plans]\nfree = -1", &[], "plans.free"),
        ("redis_url = \"localhost:6379\"", &[], "redis_url"),
        ("", &[("LATCHKEY_REDIS_URL", "redis://")], "redis_url"),
        ("", &[("LATCHKEY_REDIS_URL", "redis://localhost/first")], "redis_url"),
        (
            "[products.a]\nkey_formats = [{ environment = \"live\", prefix = \"lk_at_x\", body = \"hex32\" }]",
            &[],
            "products",
        ),
    ] {
        let exit = refused(file, variables, &[]).await;

        let line = line(&exit);
        assert!(line.starts_with(key), "{file} {variables:?}: {line}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_toml_or_not_there_stops_the_start() {
    let exit = refused("listen = \n", &[], &[]).await;
    assert!(line(&exit).starts_with("./latchkey.toml, line 1: "), "{}", exit.stderr);

    let exit = refused("", &[], &["--config", "elsewhere.toml"]).await;
    let start = "the configuration file elsewhere.toml cannot be read: ";
    assert!(line(&exit).starts_with(start), "{}", exit.stderr);
}

#[tokio::test]
async fn no_message_quotes_a_password() {
    for (file, variables) in [
        ("database_url = [\"postgres://me:hunter2@db/x\"]", &[][..]),
        ("[mail]\nsmtp_url = \"ftp://me:hunter2@mail\"", &[]),
        ("listen = \"smtp://me:hunter2@mail\"", &[]),
        ("database_url = \"postgres://me:hunter2@db/x\" oops", &[]),
        ("", &[("LATCHKEY_MAIL__SMTP_URL", "ftp://me:hunter2@mail")]),
        ("", &[("LATCHKEY_REDIS_URL", "redis://:hunter2@cache/first")]),
    ] {
        let exit = refused(file, variables, &[]).await;

        assert!(!exit.stderr.contains("hunter2"), "{}", exit.stderr);
    }
}

#[tokio::test]
async fn variables_win_over_the_file_and_flags_over_both() {
    let installation = Installation::new().await;
    let file = "issuer = \"http://127.0.0.1:1\"\ndata_dir = \"from-file\"\n[oauth]\ncode_ttl = 7\n";
    fs::write(installation.directory().join("latchkey.toml"), file).unwrap();
    let start = |args: &[&str], variables: &[(&str, &str)]| {
        let args: Vec<_> = ["--listen", "127.0.0.1:0"].iter().chain(args).copied().collect();
        let mut command = installation.command(&args);
        command.envs(variables.iter().copied());
        Process::start(command)
    };
    let variable = ("LATCHKEY_ISSUER", "http://127.0.0.1:2");

    for (args, variables, issuer) in [
        (&[][..], &[][..], "http://127.0.0.1:1"),
        (&[], &[variable], "http://127.0.0.1:2"),
        (&["--issuer", "http://127.0.0.1:3"], &[variable], "http://127.0.0.1:3"),
    ] {
        let server = start(args, variables);

        assert!(server.printed().ends_with(&format!(" as {issuer}\n")), "{}", server.printed());
        assert_eq!(server.stop().code, Some(0));
    }
    assert!(installation.directory().join("from-file/secrets.toml").exists());
}

#[tokio::test]
async fn the_issuer_follows_the_port_that_was_found() {
    let installation = Installation::new().await;

    let server = installation.serve(&[]);

    let metadata = metadata(&server).await;
    assert_eq!(metadata["issuer"], server.url(""));
    assert_eq!(metadata["token_endpoint"], server.url("/oauth/token"));
}

#[tokio::test]
async fn another_file_can_be_named_by_flag_or_variable() {
    let installation = Installation::new().await;
    fs::write(installation.directory().join("latchkey.toml"), "nonsense = 1").unwrap();
    fs::write(installation.directory().join("other.toml"), "data_dir = \"elsewhere\"").unwrap();

    let by_flag = installation.run(&["migrate", "--config", "other.toml"]);
    let mut by_variable = installation.command(&["migrate"]);
    by_variable.env("LATCHKEY_CONFIG", "other.toml");

    assert_eq!((by_flag.code, &*by_flag.stderr), (Some(0), ""));
    assert_eq!(finished(by_variable).code, Some(0));
    assert!(installation.directory().join("elsewhere").is_dir());
}

#[tokio::test]
async fn the_shipped_examples_are_valid() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

    for name in ["latchkey.toml", "products.toml"] {
        let installation = Installation::new().await;
        let exit = installation.run(&["migrate", "--config", &format!("{examples}/{name}")]);

        assert_eq!((exit.code, &*exit.stderr), (Some(0), ""), "{name}");
    }
}

#[tokio::test]
async fn the_keys_are_made_once_and_never_in_the_database() {
    let installation = Installation::new().await;
    installation.admin("create-user --username own@example.com");
    let file = installation.data_dir().join("secrets.toml");
    let before = fs::read_to_string(&file).unwrap();

    installation.admin("list-users");

    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for value in before.lines().filter_map(|line| line.split('"').nth(1)) {
        for entry in fs::read_dir(installation.data_dir()).unwrap() {
            let path = entry.unwrap().path();
            if path != file && path.is_file() {
                let content = fs::read(&path).unwrap();
                let found = content.windows(value.len()).any(|part| part == value.as_bytes());
                assert!(!found, "a key is in {}", path.display());
            }
        }
    }
}

/// A node that was given other keys than the rest would end every session that it is asked about.
#[tokio::test]
async fn other_keys_than_the_databases_stop_the_start() {
    let installation = Installation::new().await;
    let file = installation.data_dir().join("secrets.toml");
    let server = installation.serve(&[]);
    let own = installation.directory().join("own.toml");
    Answer::to(server.http().get(server.url("/oauth/jwks.json"))).await.expect(200);
    server.stop();
    fs::rename(&file, &own).unwrap();

    let refused = installation.run(&["serve", "--listen", "127.0.0.1:0"]);

    assert_eq!((refused.code, &*refused.stdout), (Some(1), ""));
    assert!(refused.stderr.contains("secrets.toml are not those"), "{}", refused.stderr);
    fs::rename(&own, &file).unwrap();
    installation.serve(&[]).stop();
}

#[tokio::test]
async fn missing_and_weak_keys_stop_the_start() {
    let installation = Installation::new().await;
    installation.admin("list-users");
    let own = installation.data_dir().join("secrets.toml");
    let sound = fs::read_to_string(&own).unwrap();
    let elsewhere = installation.directory().join("keys.toml");
    let named = ["admin", "list-users", "--secrets-file", "keys.toml"];

    let missing = installation.run(&named);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(1), ""));
    assert!(missing.stderr.contains("keys.toml"), "{}", missing.stderr);
    assert!(!elsewhere.exists(), "a file that was named is not made");

    let digits = sound.split('"').nth(1).unwrap().to_owned();
    for weak in [
        String::new(),
        "not toml".to_owned(),
        sound.replacen(&digits, "", 1),
        sound.replacen(&digits, &digits[..32], 1),
        sound.replacen(&digits, &"0".repeat(64), 1),
        sound.lines().skip_while(|line| !line.contains('"')).skip(1).collect::<Vec<_>>().join("\n"),
    ] {
        fs::write(&elsewhere, &weak).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();

        let exit = installation.run(&named);

        assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""), "{weak}");
        assert!(exit.stderr.contains("keys.toml"), "{weak}: {}", exit.stderr);
        assert!(!exit.stderr.contains(&digits), "{}", exit.stderr);
    }
    fs::write(&elsewhere, &sound).unwrap();
    assert_eq!(installation.run(&named).code, Some(0));
}
