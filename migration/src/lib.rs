//! The schema of Latchkey's database: one file a step, forward only, the same for SQLite and
//! PostgreSQL. A step is written with the schema helpers and never with entities: it must keep
//! meaning what it meant when it ran, while entities move on.

pub use sea_orm_migration::prelude::{MigrationTrait, MigratorTrait};

mod m20261122_000001_accounts;
mod m20261122_000002_clients;
mod m20261122_000003_tokens;
mod m20261122_000004_keys;
mod m20261122_000005_ledgers;
mod m20261122_000006_second_factor;
mod m20261122_000010_resources;
mod m20261122_000011_key_rotation;
mod m20261122_000012_scans;
mod m20261122_000013_gates;
mod m20261126_000020_wide_integers;
mod m20261126_000021_family_rows;
mod m20261126_000022_lean_access_tokens;
mod m20261126_000023_walked_tables;
mod m20261126_000024_invalidations;
mod m20261126_000025_uses;
mod m20261126_000026_factors;
mod m20261126_000027_signing_up;
mod m20261126_000028_people_and_trails;
mod m20261126_000029_app_policies;
mod m20261126_000030_family_numbers;
mod m20261126_000031_openid;
mod m20261126_000033_registration;
mod m20261126_000034_bound_and_pushed;
mod m20261126_000035_logout_and_devices;
mod m20261126_000036_clients_of_enterprises;
mod m20261126_000037_retired_keys;
mod m20261126_000038_spent_ids;
mod m20261126_000039_audit_chain;
mod m20261126_000040_leaks;
mod m20261126_000041_askers;
mod m20261127_000042_retries;
mod m20261128_000043_management;
mod m20261128_000044_pushers;
mod m20261128_000045_sign_ups_by_network;
mod schema;

/// What stands in the name of a step that takes something away, before the number of another one.
const AFTER: &str = "_after_";

/// The number of a step, by its name: steps are in its order.
#[must_use]
pub fn number_of(step: &str) -> Option<u32> {
    step.split('_').nth(1)?.parse().ok()
}

/// What a program must know to go on working where a step was applied that is newer than itself:
/// the step of this number. `None`: nothing, for the step only adds.
///
/// A step that takes something away says so in its name, which is all that an older program can read
/// of it: `m20270301_000050_old_scopes_after_000041` takes away what no program reads any more that
/// has step 41.
#[must_use]
pub fn takes_for_granted(step: &str) -> Option<u32> {
    step.rsplit_once(AFTER).and_then(|(_, number)| number.parse().ok())
}

/// Every step, in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_accounts::Migration),
            Box::new(m20261122_000002_clients::Migration),
            Box::new(m20261122_000003_tokens::Migration),
            Box::new(m20261122_000004_keys::Migration),
            Box::new(m20261122_000005_ledgers::Migration),
            Box::new(m20261122_000006_second_factor::Migration),
            Box::new(m20261122_000010_resources::Migration),
            Box::new(m20261122_000011_key_rotation::Migration),
            Box::new(m20261122_000012_scans::Migration),
            Box::new(m20261122_000013_gates::Migration),
            Box::new(m20261126_000020_wide_integers::Migration),
            Box::new(m20261126_000021_family_rows::Migration),
            Box::new(m20261126_000022_lean_access_tokens::Migration),
            Box::new(m20261126_000023_walked_tables::Migration),
            Box::new(m20261126_000024_invalidations::Migration),
            Box::new(m20261126_000025_uses::Migration),
            Box::new(m20261126_000026_factors::Migration),
            Box::new(m20261126_000027_signing_up::Migration),
            Box::new(m20261126_000028_people_and_trails::Migration),
            Box::new(m20261126_000029_app_policies::Migration),
            Box::new(m20261126_000030_family_numbers::Migration),
            Box::new(m20261126_000031_openid::Migration),
            Box::new(m20261126_000033_registration::Migration),
            Box::new(m20261126_000034_bound_and_pushed::Migration),
            Box::new(m20261126_000035_logout_and_devices::Migration),
            Box::new(m20261126_000036_clients_of_enterprises::Migration),
            Box::new(m20261126_000037_retired_keys::Migration),
            Box::new(m20261126_000038_spent_ids::Migration),
            Box::new(m20261126_000039_audit_chain::Migration),
            Box::new(m20261126_000040_leaks::Migration),
            Box::new(m20261126_000041_askers::Migration),
            Box::new(m20261127_000042_retries::Migration),
            Box::new(m20261128_000043_management::Migration),
            Box::new(m20261128_000044_pushers::Migration),
            Box::new(m20261128_000045_sign_ups_by_network::Migration),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_takes_away_names_what_it_takes_for_granted() {
        let step = "m20270301_000050_old_scopes_after_000041";

        assert_eq!((number_of(step), takes_for_granted(step)), (Some(50), Some(41)));
        for step in ["m20270301_000051_scopes", "m20270301_000052_after_all", "m999999_new"] {
            assert_eq!(takes_for_granted(step), None, "{step}");
        }
        assert_eq!(number_of("m999999_new"), None);
    }

    #[test]
    fn numbers_ascend() {
        let steps = Migrator::migrations();
        let numbers: Vec<_> = steps.iter().map(|step| number_of(step.name()).unwrap()).collect();

        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    }
}
