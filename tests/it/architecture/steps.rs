//! Steps of the schema have run in databases that nobody here sees: one that was written is never written
//! anew. A new one is added below with its digest, which the failing test tells.

use std::{collections::BTreeMap, fs, path::Path};

use latchkey::crypto::digest;

/// Each step, and how the SHA-256 of its file begins.
const WRITTEN: [(&str, &str); 35] = [
    ("m20261122_000001_accounts", "d06c0695d923addd"),
    ("m20261122_000002_clients", "ced181421a72fd5d"),
    ("m20261122_000003_tokens", "a9a5939ba94d9294"),
    ("m20261122_000004_keys", "c8b6accbdbbbb5d3"),
    ("m20261122_000005_ledgers", "f79edb6defc08b4c"),
    ("m20261122_000006_second_factor", "23606b8568089d0c"),
    ("m20261122_000010_resources", "fc73a76123468e7d"),
    ("m20261122_000011_key_rotation", "8a2b8762a7a3b3de"),
    ("m20261122_000012_scans", "ba1d256b3b7a26ab"),
    ("m20261122_000013_gates", "b14e3fb1726890b2"),
    ("m20261126_000020_wide_integers", "ac67a046c47f9320"),
    ("m20261126_000021_family_rows", "0639729b1fbce16c"),
    ("m20261126_000022_lean_access_tokens", "0777626466772a54"),
    ("m20261126_000023_walked_tables", "ea9a7d8bac1663ff"),
    ("m20261126_000024_invalidations", "78ac193710df9134"),
    ("m20261126_000025_uses", "13116902def4bb1c"),
    ("m20261126_000026_factors", "6b7d59d580dff51e"),
    ("m20261126_000027_signing_up", "7b1c1c30b03a7cc4"),
    ("m20261126_000028_people_and_trails", "f19cf0e42e0941fa"),
    ("m20261126_000029_app_policies", "c8fb263eb2e4cf1b"),
    ("m20261126_000030_family_numbers", "2fc2b2ad54b74f44"),
    ("m20261126_000031_openid", "85b726518b509d2a"),
    ("m20261126_000033_registration", "1e43495618fb300e"),
    ("m20261126_000034_bound_and_pushed", "bcd7b5cfd3159903"),
    ("m20261126_000035_logout_and_devices", "508af148df5a6f7e"),
    ("m20261126_000036_clients_of_enterprises", "b790c745b9fe4502"),
    ("m20261126_000037_retired_keys", "09bfeed469805624"),
    ("m20261126_000038_spent_ids", "2568c629595d3830"),
    ("m20261126_000039_audit_chain", "af606a6a2acfe2b6"),
    ("m20261126_000040_leaks", "0710a61a16e1dd2e"),
    ("m20261126_000041_askers", "533be3e18059ebbc"),
    ("m20261127_000042_retries", "e00ce7e153f65c07"),
    ("m20261128_000043_management", "4c0a7955338318aa"),
    ("m20261128_000044_pushers", "eea96e1d6e216009"),
    ("m20261128_000045_sign_ups_by_network", "13a4ce0ac6d9414b"),
];

#[test]
fn a_step_that_was_written_stays_as_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migration/src");
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name.starts_with('m') {
            let sha256 = digest::hex(&digest::sha256(&fs::read(&path).unwrap()));
            found.insert(name, sha256[..16].to_owned());
        }
    }

    let written = WRITTEN.map(|(name, sha256)| (name.to_owned(), sha256.to_owned()));
    assert_eq!(found, BTreeMap::from(written));
}
