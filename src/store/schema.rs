//! How the schema of a database stands to this binary's.
//!
//! Nodes of two adjacent versions share a database during an upgrade, so the older ones find steps that
//! they do not know. All that can be read of such a step is its name, and that says enough: it only
//! adds, or it names the step that a program must know to go on (see [`migration::takes_for_granted`]).

use migration::{Migrator, MigratorTrait};

use super::{Store, connect::applied_steps};
use crate::fault::Fault;

/// How the schema stands to this binary's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// There is none of ours.
    Missing,
    /// It is this binary's.
    Current,
    /// So many steps are to be applied.
    Behind(usize),
    /// A newer binary has changed it, by this step; a process of this one that runs can go on.
    Newer(String),
    /// A newer binary has changed it, and this step takes away what this one reads, or is there in
    /// place of one that this one needs.
    Outgrown(String),
}

impl Schema {
    pub(super) fn of(applied: &[String]) -> Self {
        Self::against(&known_steps(), applied)
    }

    fn against(known: &[String], applied: &[String]) -> Self {
        if applied.is_empty() {
            return Self::Missing;
        }
        let missing = known.iter().filter(|step| !applied.contains(step)).count();
        let unknown: Vec<_> = applied.iter().filter(|step| !known.contains(step)).collect();
        let Some(newest) = unknown.iter().max() else {
            return if missing == 0 { Self::Current } else { Self::Behind(missing) };
        };
        let own = known.iter().filter_map(|step| migration::number_of(step)).max();
        let goes_beyond = |step: &&&String| migration::takes_for_granted(step) > own;
        match unknown.iter().find(goes_beyond) {
            Some(step) => Self::Outgrown((**step).clone()),
            None if missing > 0 => Self::Outgrown((*newest).clone()),
            None => Self::Newer((*newest).clone()),
        }
    }
}

impl Store {
    /// How the schema stands to this binary's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schema(&self) -> Result<Schema, Fault> {
        Ok(Schema::of(&applied_steps(self.read()).await?))
    }
}

/// The steps of this binary.
pub(super) fn known_steps() -> Vec<String> {
    Migrator::migrations().iter().map(|step| step.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(applied: &[&str]) -> Schema {
        let owned = |steps: &[&str]| steps.iter().map(|&step| step.to_owned()).collect::<Vec<_>>();
        Schema::against(&owned(&["m1_000006_a", "m1_000007_b"]), &owned(applied))
    }

    #[test]
    fn what_is_there_and_what_is_not_decides() {
        assert_eq!(standing(&[]), Schema::Missing);
        assert_eq!(standing(&["m1_000006_a"]), Schema::Behind(1));
        assert_eq!(standing(&["m1_000006_a", "m1_000007_b"]), Schema::Current);
    }

    #[test]
    fn the_name_of_a_newer_step_says_who_can_go_on() {
        for (step, goes_on) in [
            ("m2_000008_c", true),
            ("m2_000009_d_after_000006", true),
            ("m2_000009_d_after_000007", true),
            ("m2_000009_d_after_000008", false),
            ("m2_000010_after_all", true),
        ] {
            let found = standing(&["m1_000006_a", "m1_000007_b", "m2_000001_x", step]);

            let newest = step.to_owned();
            let expected = if goes_on { Schema::Newer } else { Schema::Outgrown };
            assert_eq!(found, expected(newest), "{step}");
        }
    }

    #[test]
    fn nobody_goes_on_without_a_step_of_their_own() {
        let found = standing(&["m1_000006_a", "m2_000008_c"]);

        assert_eq!(found, Schema::Outgrown("m2_000008_c".to_owned()));
    }
}
