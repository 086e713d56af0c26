//! How long who waits, and who is counted together.

use super::*;

fn row(failures: i64) -> sign_in_failure::Model {
    let start = store::instant(DateTime::UNIX_EPOCH);
    sign_in_failure::Model {
        key_sha256: vec![],
        failures,
        window_started_at: start,
        last_failed_at: start,
    }
}

#[test]
fn an_account_waits_longer_after_each_failure_up_to_a_quarter_of_an_hour() {
    let wait = |failures| account_wait(&row(failures)).num_seconds();
    let waits: Vec<_> = [1, 4, 5, 6, 7, 14, 15, 16, 70, i64::MAX].map(wait).into();
    assert_eq!(waits, [0, 0, 1, 2, 4, 512, 900, 900, 900, 900]);
}

#[test]
fn an_address_waits_for_the_end_of_its_window() {
    let wait = |failures| address_wait(&row(failures)).num_seconds();
    assert_eq!([29, 30, 31].map(wait), [0, 600, 600]);
}

#[test]
fn a_wait_is_never_longer_than_it_is() {
    let (from, wait) = (DateTime::UNIX_EPOCH, TimeDelta::seconds(8));
    let left_at = |secs| left(from, wait, from + TimeDelta::seconds(secs)).num_seconds();
    let lefts: Vec<_> = [0, 3, 8, 9, -1, -60, -61, -3600].map(left_at).into();
    assert_eq!(lefts, [8, 5, 0, 0, 8, 8, 0, 0]);
}

#[test]
fn counters_follow_the_canonical_name_and_the_network() {
    let of =
        |name: &str, address: &str| Counters::of(Guessed::Password(name), address.parse().unwrap());
    assert_eq!(
        of("ACME/Ada@x.example", "10.0.0.1").account,
        of("acme/ada@X.example", "10.0.0.2").account
    );
    assert_eq!(of("a", "::ffff:10.0.0.1").address, of("b", "10.0.0.1").address);
    assert_eq!(of("a", "2001:db8::1").address, of("a", "2001:db8::2").address);
    assert_ne!(of("a", "2001:db8::1").address, of("a", "2001:db8:0:1::1").address);
}

#[test]
fn what_is_guessed_at_is_counted_by_itself() {
    let id = Uuid::nil();
    let (codes, devices) = (Guessed::SecondFactor(id).key(), Guessed::Devices(id).key());
    assert_ne!(codes, devices);
    // no username that somebody types is counted with them
    for typed in [format!("second factor:{id}"), format!("devices:{id}"), id.to_string()] {
        let key = Guessed::Password(&typed).key();
        assert!(key != codes && key != devices, "{typed}");
    }
}
