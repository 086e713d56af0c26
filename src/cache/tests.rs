//! What the cache believes and what it does not.

use super::*;

const ONE: Digest = [1; 32];

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

fn key(number: u128) -> Subject {
    Subject::Key(Uuid::from_u128(number))
}

fn cache() -> (Arc<Stamps>, Cache) {
    let stamps = Arc::new(Stamps::default());
    let cache = Cache::new(Arc::clone(&stamps));
    cache.followed(at(0));
    (stamps, cache)
}

fn keep(cache: &Cache, begun: Begun, subjects: &[Subject], ends_at: Option<i64>) {
    let known = Known { begun, subjects, ends_at: ends_at.map(at) };
    cache.keep(ONE, Arc::new(7_u8), known, at(0));
}

fn found(cache: &Cache, millis: i64) -> Option<u8> {
    cache.find::<u8>(&ONE, at(millis)).map(|value| *value)
}

#[test]
fn a_value_is_found_by_digest_and_type() {
    let (_, cache) = cache();
    keep(&cache, cache.begin(), &[key(1)], None);

    assert_eq!(found(&cache, 0), Some(7));
    assert_eq!(cache.find::<u8>(&[2; 32], at(0)), None);
    assert_eq!(cache.find::<u16>(&ONE, at(0)), None);
}

#[test]
fn a_change_of_any_subject_ends_it() {
    for changed in [key(1), key(2)] {
        let (stamps, cache) = cache();
        keep(&cache, cache.begin(), &[key(1), key(2)], None);

        stamps.change(&changed);

        assert_eq!(found(&cache, 0), None, "{changed}");
    }
}

#[test]
fn what_was_begun_before_a_change_and_kept_after_it_is_not_believed() {
    let (stamps, cache) = cache();
    let begun = cache.begin();

    stamps.change(&key(1));
    keep(&cache, begun, &[key(1)], None);

    assert_eq!(found(&cache, 0), None);
    keep(&cache, cache.begin(), &[key(1)], None);
    assert_eq!(found(&cache, 0), Some(7));
}

#[test]
fn it_ends_by_itself() {
    let (_, cache) = cache();
    keep(&cache, cache.begin(), &[key(1)], Some(400));

    assert_eq!(found(&cache, 399), Some(7));
    assert_eq!(found(&cache, 400), None);
    keep(&cache, cache.begin(), &[key(1)], None);
    cache.followed(at(59_999));
    assert_eq!(found(&cache, 59_999), Some(7));
    cache.followed(at(60_000));
    assert_eq!(found(&cache, 60_000), None);
}

#[test]
fn what_was_kept_while_the_clock_was_ahead_is_not_believed_once_it_is_right() {
    let (_, cache) = cache();
    keep(&cache, cache.begin(), &[key(1)], None);
    cache.keep_unknown([3; 32], at(0));

    cache.followed(at(-2_000));
    assert!(!cache.is_unknown(&[3; 32], at(-2_000)));
    assert_eq!(found(&cache, -2_000), Some(7), "within what the clocks of nodes may differ");
    for ahead in [60_001, 86_400_000, i64::from(i32::MAX) * 1_000] {
        cache.followed(at(-ahead));
        assert_eq!(found(&cache, -ahead), None, "{ahead} ms");
        cache.followed(at(0));
        keep(&cache, cache.begin(), &[key(1)], None);
    }
}

#[test]
fn nothing_is_trusted_unless_the_log_was_read_lately() {
    let (_, cache) = cache();
    keep(&cache, cache.begin(), &[key(1)], None);
    cache.keep_unknown([3; 32], at(0));

    assert_eq!((found(&cache, 500), found(&cache, 501)), (Some(7), None));
    assert!(cache.is_unknown(&[3; 32], at(500)));
    assert!(!cache.is_unknown(&[3; 32], at(501)));
    assert_eq!(found(&cache, -501), None);
    cache.followed(at(600));
    assert_eq!(found(&cache, 600), Some(7));
    assert!(!cache.is_unknown(&[3; 32], at(1_000)));
}

#[test]
fn what_stands_beside_a_value_lives_as_long() {
    let (stamps, cache) = cache();
    cache.keep_beside(ONE, &Arc::new(7_u8), Arc::new(1_u16), at(0));
    assert_eq!(cache.find::<u16>(&ONE, at(0)), None);
    keep(&cache, cache.begin(), &[key(1)], None);
    let kept = cache.find::<u8>(&ONE, at(0)).unwrap();

    cache.keep_beside(ONE, &kept, Arc::new(9_u16), at(0));

    assert_eq!(cache.find::<u16>(&ONE, at(0)).as_deref(), Some(&9));
    stamps.change(&key(1));
    assert_eq!(cache.find::<u16>(&ONE, at(0)), None);
}

/// Whoever made it may have been slow: the one that is kept now need not be the one it was made of.
#[test]
fn what_was_made_from_another_value_is_not_kept_beside_this_one() {
    let (stamps, cache) = cache();
    let keep = |value: &Arc<u8>| {
        let known = Known { begun: cache.begin(), subjects: &[key(1)], ends_at: None };
        cache.keep(ONE, Arc::clone(value), known, at(0));
    };
    let (before, after) = (Arc::new(7_u8), Arc::new(8_u8));
    keep(&before);
    stamps.change(&key(1));
    keep(&after);

    cache.keep_beside(ONE, &before, Arc::new("made of 7"), at(0));
    assert_eq!(cache.find::<&str>(&ONE, at(0)), None);

    cache.keep_beside(ONE, &after, Arc::new("made of 8"), at(0));
    assert_eq!(cache.find::<&str>(&ONE, at(0)).as_deref(), Some(&"made of 8"));
}

#[test]
fn subjects_are_written_and_read() {
    let id = Uuid::from_u128(5);
    for subject in [
        Subject::Family(5),
        Subject::Grant(id),
        Subject::User(id),
        Subject::Client("a:b".to_owned()),
        Subject::Workspace(id),
        Subject::Key(id),
        Subject::SigningKeys,
    ] {
        assert_eq!(Subject::parse(&subject.to_string()), Some(subject));
    }
    for text in ["", "key", "key:", "key:x", "what:00000000-0000-0000-0000-000000000001"] {
        assert_eq!(Subject::parse(text), None, "{text}");
    }
}
