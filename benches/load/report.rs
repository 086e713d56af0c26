//! The table.

use std::collections::BTreeMap;

use bench_support::{drive::Measured, median, table::Table};

use crate::rows::{ROWS, Reach, Row, Work};

/// Every round of every row that was measured.
#[derive(Default)]
pub(crate) struct Report {
    rounds: BTreeMap<Work, Vec<Measured>>,
}

impl Report {
    /// Adds a round.
    pub(crate) fn add(&mut self, work: Work, measured: Measured) {
        self.rounds.entry(work).or_default().push(measured);
    }

    /// CPU seconds for 1,000 operations, if they were measured.
    pub(crate) fn cpu(&self, work: Work) -> Option<f64> {
        let rounds = self.rounds.get(&work)?;
        Some(median(rounds.iter().map(Measured::cpu_per_thousand)))
    }

    /// One line for each row, medians of all rounds.
    pub(crate) fn table(&self, is_postgres: bool) -> String {
        let mut table = Table::new(&[
            "operation",
            "CPU s / 1,000",
            "ratio",
            "requests/s",
            "p50 ms",
            "p99 ms",
            "reach",
            "met",
        ]);
        for row in &ROWS {
            if let Some(rounds) = self.rounds.get(&row.work) {
                table.push(self.cells(row, rounds, is_postgres));
            }
        }
        table.markdown()
    }

    fn cells(&self, row: &Row, rounds: &[Measured], is_postgres: bool) -> Vec<String> {
        let cpu = median(rounds.iter().map(Measured::cpu_per_thousand));
        let quantile = |thousandths| {
            let of = |round: &Measured| round.latencies.quantile(thousandths).as_secs_f64() * 1e3;
            format!("{:.2}", median(rounds.iter().map(of)))
        };
        let ratio = row.against.and_then(|work| self.ratio(rounds, work));
        let (reach, is_met) = match (row.reach, ratio) {
            (Reach::Reference, _) => (String::new(), None),
            (Reach::RatioOnSqlite(_), _) if is_postgres => (String::new(), None),
            (Reach::Ratio(reach) | Reach::RatioOnSqlite(reach), ratio) => {
                (format!("≤ {reach} ×"), ratio.map(|ratio| ratio <= reach))
            }
            (Reach::Cpu(reach), _) => (format!("≤ {reach}"), Some(cpu <= reach)),
            (Reach::CpuOn { sqlite, postgres }, _) => {
                let reach = if is_postgres { postgres } else { sqlite };
                (format!("≤ {reach}"), Some(cpu <= reach))
            }
        };
        vec![
            row.title.to_owned(),
            significant(cpu),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2} ×")),
            format!("{:.0}", median(rounds.iter().map(Measured::rate))),
            quantile(500),
            quantile(990),
            reach,
            is_met.map_or("", |is_met| if is_met { "yes" } else { "no" }).to_owned(),
        ]
    }

    /// Round by round, so that what disturbs both does not count.
    fn ratio(&self, rounds: &[Measured], against: Work) -> Option<f64> {
        let others = self.rounds.get(&against)?;
        let pairs = rounds.iter().zip(others);
        Some(median(pairs.map(|(one, other)| one.cpu_per_thousand() / other.cpu_per_thousand())))
    }
}

fn significant(seconds: f64) -> String {
    if seconds < 0.1 { format!("{seconds:.4}") } else { format!("{seconds:.3}") }
}
