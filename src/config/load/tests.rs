//! What each way of writing a setting does, and what each mistake says.

use super::*;
use crate::config::{EmptyScopes, KeyBody, RegistrationMode, RequirePkce};

fn with(toml: &str, variables: &[(&str, &str)], flags: &str) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("latchkey.toml");
    fs::write(&path, toml).unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    load(Some(&path), variables, flags.parse().unwrap())
}

fn refusal(toml: &str, variables: &[(&str, &str)], flags: &str) -> String {
    with(toml, variables, flags).unwrap_err().to_string()
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

#[test]
fn variables_win_over_the_file_and_flags_over_both() {
    let toml = "listen = \"127.0.0.1:1\"\n[oauth]\ncode_ttl = 11\naccess_token_ttl = 111";

    let config = with(
        toml,
        &[("LATCHKEY_LISTEN", "127.0.0.1:2"), ("LATCHKEY_OAUTH__CODE_TTL", "22"), ("PATH", "/")],
        "listen = \"127.0.0.1:3\"",
    )
    .unwrap();

    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.issuer, "http://127.0.0.1:3");
    assert_eq!(config.oauth.code_ttl, 22);
    assert_eq!(config.oauth.access_token_ttl().num_seconds(), 111);
    assert_eq!(config.oauth.refresh_token_idle_ttl().num_days(), 30);
}

#[test]
fn a_variable_has_the_type_of_its_setting() {
    let config = with(
        "",
        &[
            ("LATCHKEY_BRAND__NAME", "2024"),
            ("LATCHKEY_MAIL__FROM", "[\"a@b\"]@c"),
            ("LATCHKEY_ACCOUNTS__SIGN_UP", "true"),
            ("LATCHKEY_HTTP__TRUSTED_PROXIES", r#"["10.0.0.0/8", "fd00::/8"]"#),
            ("LATCHKEY_PLANS", "{ free = 5 }"),
            ("LATCHKEY_OAUTH__REQUIRE_PKCE", "public"),
            ("LATCHKEY_OAUTH__REGISTRATION", "off"),
            ("LATCHKEY_PRODUCTS__ACME__QUERY_KEYS", "true"),
            ("LATCHKEY_DATA_DIR", "007"),
        ],
        "",
    )
    .unwrap();

    assert_eq!(config.brand.name, "2024");
    assert_eq!(config.mail.from, "[\"a@b\"]@c");
    assert!(config.accounts.sign_up);
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.plans.get("free").unwrap().keys, 5);
    assert_eq!(config.oauth.require_pkce, RequirePkce::Public);
    assert_eq!(config.oauth.registration, RegistrationMode::Off);
    assert!(config.products.get("acme").unwrap().query_keys);
    assert_eq!(config.data_dir, Path::new("007"));
}

#[test]
fn variables_of_other_commands_are_not_settings() {
    let others = NOT_SETTINGS.map(|name| (name, "x"));

    assert!(with("", &others, "").is_ok());
}

#[test]
fn an_unknown_key_is_named_with_its_path_and_its_origin() {
    for (toml, variables, flags, key, origin) in [
        ("nope = 1", &[][..], "", "nope (in ", "latchkey.toml)"),
        ("[oauth]\nnope = 1", &[], "", "oauth.nope (in ", "latchkey.toml)"),
        ("[products.a]\nnope = 1", &[], "", "products.a.nope (in ", "latchkey.toml)"),
        (
            "[products.a]\nkey_formats = [{ environment = \"live\", prefix = \"aa\", body = \"hex32\", nope = 1 }]",
            &[],
            "",
            "products.a.key_formats[0].nope (in ",
            "latchkey.toml)",
        ),
        (
            "",
            &[("LATCHKEY_OAUTH__NOPE", "1")],
            "",
            "oauth.nope (in the variable LATCHKEY_OAUTH__NOPE)",
            "",
        ),
        ("", &[("LATCHKEY_NOPE", "x")], "", "nope (in the variable LATCHKEY_NOPE)", ""),
        ("", &[], "api.nope = 1", "api.nope (on the command line)", ""),
    ] {
        let text = refusal(toml, variables, flags);

        assert!(text.starts_with(key) && text.contains(origin), "{text}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_named() {
    for (toml, variables, start) in [
        ("[oauth]\ncode_ttl = \"x\"", &[][..], "oauth.code_ttl (in "),
        ("[oauth]\ncode_ttl = -1", &[], "oauth.code_ttl (in "),
        ("", &[("LATCHKEY_OAUTH__CODE_TTL", "soon")], "oauth.code_ttl (in the variable LATCHKEY_"),
        ("", &[("LATCHKEY_OAUTH__CODE_TTL", "-1")], "oauth.code_ttl (in the variable LATCHKEY_"),
        ("", &[("LATCHKEY_LISTEN", "8080")], "listen (in the variable LATCHKEY_LISTEN)"),
        ("[oauth]\nrequire_pkce = \"maybe\"", &[], "oauth.require_pkce (in "),
        ("[http]\ntrusted_proxies = [\"x\"]", &[], "http.trusted_proxies[0] (in "),
    ] {
        let text = refusal(toml, variables, "");

        assert!(text.starts_with(start), "{text}");
    }
}

#[test]
fn a_broken_rule_is_named() {
    let text = refusal("", &[("LATCHKEY_BRAND__ACCENT", "red")], "");

    assert_eq!(text, "brand.accent: must be a colour written #rrggbb");
}

#[test]
fn no_error_quotes_a_password() {
    for (toml, variables) in [
        ("database_url = \"postgres://u:hunter2@h/d", &[][..]),
        ("database_url = postgres://u:hunter2@h/d", &[]),
        ("database_url = { x = \"hunter2\" }", &[]),
        ("database_url = \"hunter2\"", &[]),
        ("mail = \"smtp://u:hunter2@h\"", &[]),
        ("[oauth]\nrequire_pkce = \"postgres://u:hunter2@h\"", &[]),
        ("", &[("LATCHKEY_MAIL", "smtp://u:hunter2@h")]),
        ("", &[("LATCHKEY_MAIL__SMTP_URL", "hunter2")]),
        ("", &[("LATCHKEY_REDIS_URL", "http://:hunter2@h")]),
        ("", &[("LATCHKEY_DATABASE_URL", "mysql://u:hunter2@h/d")]),
        ("", &[("LATCHKEY_DATABASE_URLS", "postgres://u:hunter2@h/d")]),
        ("", &[("LATCHKEY_OAUTH__CODE_TTL", "postgres://u:hunter2@h/d")]),
    ] {
        let error = with(toml, variables, "").unwrap_err();

        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_syntax_error_names_file_and_line() {
    let text = refusal("listen = \"127.0.0.1:1\"\n\nissuer = \"x", &[], "");

    assert!(text.contains("latchkey.toml, line 3: "), "{text}");
}

#[test]
fn a_file_that_was_asked_for_must_exist() {
    let missing = Path::new("/nowhere/latchkey.toml");

    let refused = load(Some(missing), [], Table::new()).unwrap_err();

    assert!(matches!(refused, ConfigError::Unreadable { .. }));
    assert!(refused.to_string().contains("/nowhere/latchkey.toml"));
}

#[test]
fn the_example_shows_every_default() {
    let shown = load(Some(&example("latchkey.toml")), [], Table::new()).unwrap();

    let defaults = Config::default().checked().unwrap();
    assert_eq!(format!("{shown:?}"), format!("{defaults:?}"));
    let text = fs::read_to_string(example("latchkey.toml")).unwrap();
    let fields = format!("{defaults:#?}");
    let settings = fields.lines().filter_map(|line| line.trim().split_once(": "));
    for (key, _) in settings.take_while(|(key, _)| *key != "plans") {
        assert!(text.contains(&format!("{key} = ")) || text.contains(&format!("[{key}]")), "{key}");
    }
}

#[test]
fn the_example_products_are_those_of_the_documentation() {
    let config = load(Some(&example("products.toml")), [], Table::new()).unwrap();

    let products = &config.products;
    for (credential, product, body) in [
        ("fe_k_x", "flowestate", KeyBody::Hex32),
        ("sf_live_x", "subscribeflow", KeyBody::Base62c),
        ("sf_test_x", "subscribeflow", KeyBody::Base62c),
        ("rf_live_x", "reqflo", KeyBody::Base62c),
        ("rf_test_x", "reqflo", KeyBody::Base62c),
        ("sw_x", "subworkflow", KeyBody::Base62c),
        ("lk_live_x", "default", KeyBody::Base62c),
    ] {
        let (owner, format) = products.format_of(credential).unwrap();
        assert_eq!((owner.name.as_str(), format.body), (product, body));
    }
    assert!(products.get("qflow").unwrap().key_formats.is_empty());
    assert!(products.get("subworkflow").unwrap().query_keys);
    assert!(!products.get("default").unwrap().query_keys);
    let subscribeflow = products.get("subscribeflow").unwrap();
    assert_eq!(subscribeflow.empty_scopes, EmptyScopes::FullAccess);
    assert_eq!(subscribeflow.scopes.len(), 14);
    let default = &products.get("default").unwrap().scopes;
    for product in products.iter() {
        for scope in product.scopes.keys() {
            assert!(default.contains_key(scope), "{scope} is missing from the default product");
        }
    }
}
