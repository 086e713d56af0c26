//! The way from a certificate to an authority, as `latchkey doctor` and clients go it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use latchkey::{
    clock::{Clock, SystemClock},
    crypto::certificate::{Authorities, PemFiles, Way},
};

use crate::support::Certificates;

const ROOT: &str = "CN=Authority of the tests";
const BETWEEN: &str = "/CN=Between";
const AUTHORITY: &[&str] = &["basicConstraints=critical,CA:TRUE"];
const SERVER: &[&str] = &["subjectAltName=DNS:id.example", "basicConstraints=CA:FALSE"];

/// An authority `ca`, one `between` that it vouches for during ten days, and a certificate `leaf` of that.
fn made() -> Certificates {
    let made = Certificates::make();
    made.issue("between", ("ca", 10), BETWEEN, AUTHORITY);
    made.issue("leaf", ("between", 30), "/CN=id.example", SERVER);
    made
}

fn files(made: &Certificates, chain: &[PathBuf]) -> PemFiles {
    let certificates = made.path("chain.pem");
    let chain: Vec<_> = chain.iter().map(|path| fs::read(path).unwrap()).collect();
    fs::write(&certificates, chain.concat()).unwrap();
    PemFiles { certificates, key: made.path("leaf.key") }
}

/// The way of these certificates after some days, where `known` is an authority.
fn way(made: &Certificates, chain: &[PathBuf], known: Option<&Path>, days: i64) -> Way {
    let files = files(made, chain);
    let certificate = files.certificate(&files.read().unwrap()).unwrap();
    let authorities = Authorities::of_machine(known);
    certificate.way(&authorities, SystemClock.now() + TimeDelta::days(days))
}

fn wrong(way: Way) -> String {
    if let Way::Wrong(problem) = way { problem } else { panic!("{way:?}") }
}

#[test]
fn a_way_to_an_authority_that_is_known_or_not_is_sound() {
    let made = made();
    let [leaf, between, ca] = ["leaf.pem", "between.pem", "ca.pem"].map(|name| made.path(name));
    let private = Way::Private(ROOT.to_owned());

    for (chain, known, expected) in [
        (vec![&leaf, &between], Some(&ca), Way::Known),
        (vec![&leaf, &between, &ca], Some(&ca), Way::Known),
        (vec![&leaf], Some(&between), Way::Known),
        (vec![&leaf, &between], None, private.clone()),
        (vec![&leaf, &between, &ca], None, private),
        (vec![&leaf], None, Way::Cut("CN=Between".to_owned())),
        (vec![&leaf], Some(&ca), Way::Cut("CN=Between".to_owned())),
    ] {
        let chain: Vec<_> = chain.into_iter().cloned().collect();
        assert_eq!(
            way(&made, &chain, known.map(PathBuf::as_path), 0),
            expected,
            "{chain:?} {known:?}"
        );
    }
}

/// Names alone say nothing.
#[test]
fn an_authority_of_the_same_name_with_another_key_vouches_for_nothing() {
    let (made, other) = (made(), self::made());
    let [leaf, between, ca] = ["leaf.pem", "between.pem", "ca.pem"].map(|name| made.path(name));

    let chain = [leaf.clone(), other.path("between.pem"), other.path("ca.pem")];
    let told = wrong(way(&made, &chain, None, 0));
    let known = wrong(way(&made, &chain, Some(&ca), 0));
    let root = wrong(way(&made, &[leaf.clone(), between.clone(), other.path("ca.pem")], None, 0));
    let elsewhere = wrong(way(&made, &[leaf, between], Some(&other.path("ca.pem")), 0));

    let first =
        "CN=id.example was signed with another key than that of the CN=Between that comes next";
    assert_eq!([&*told, &*known], [first; 2]);
    assert!(
        root.starts_with("CN=Between was signed with another key than that of the CN=Auth"),
        "{root}"
    );
    assert_eq!(elsewhere, "an authority of that name has another key");
}

#[test]
fn who_has_expired_vouches_for_nothing() {
    let made = made();
    let chain = ["leaf.pem", "between.pem"].map(|name| made.path(name));

    let later = wrong(way(&made, &chain, Some(&made.authority()), 20));
    let earlier = wrong(way(&made, &chain, None, -1));

    assert!(
        later.starts_with("CN=Between vouches for CN=id.example and has expired on "),
        "{later}"
    );
    assert!(earlier.contains(" and is not valid before "), "{earlier}");
}

#[test]
fn what_is_out_of_order_or_no_authority_is_named() {
    let made = made();
    let chain = ["leaf.pem", "ca.pem", "between.pem"].map(|name| made.path(name));
    let next = "CN=id.example was issued by CN=Between, which does not come next";
    assert_eq!(wrong(way(&made, &chain, None, 0)), next);
    let known = way(&made, &chain, Some(&made.authority()), 0);
    assert_eq!(known, Way::Stumbling(next.to_owned()));

    made.issue("between", ("ca", 10), BETWEEN, &["basicConstraints=CA:FALSE"]);
    made.issue("leaf", ("between", 30), "/CN=id.example", SERVER);
    let chain = ["leaf.pem", "between.pem"].map(|name| made.path(name));

    let told = wrong(way(&made, &chain, Some(&made.authority()), 0));

    assert_eq!(told, "CN=Between comes after CN=id.example and is no authority");
    made.issue("leaf", ("ca", 30), "/CN=id.example", AUTHORITY);
    let told = wrong(way(&made, &[made.path("leaf.pem")], Some(&made.authority()), 0));
    assert_eq!(told, "CN=id.example is an authority's, which clients take for no server's");
}

#[test]
fn a_certificate_that_vouches_for_itself_is_told() {
    let made = made();
    fs::copy(made.path("ca.key"), made.path("leaf.key")).unwrap();

    assert_eq!(way(&made, &[made.authority()], None, 0), Way::Itself);
}
