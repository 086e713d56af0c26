//! What each operation costs the server, beside what a bare handler costs in the same run.
//!
//! `cargo bench --bench load -- --help` tells how to choose rows and databases.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod arguments;
mod figures;
mod flood;
mod prepare;
mod reference;
mod report;
mod rival;
mod rows;
mod stage;

use bench_support::{
    Result, cpu::Bystander, document, machine, on_each_database, postgres::Cluster,
};
use clap::Parser;

use self::{
    arguments::Arguments,
    report::Report,
    rival::Rival,
    rows::{ROWS, Row, row_of},
    stage::Stage,
};

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let (Some(bytes), Some(listen)) = (arguments.reference, arguments.listen) {
        return reference::serve(listen, bytes, arguments.database.as_deref().unwrap_or_default());
    }
    let databases = (arguments.postgres, arguments.both);
    on_each_database(databases, async |is_postgres| run(&arguments, is_postgres).await)
}

async fn run(arguments: &Arguments, is_postgres: bool) -> Result<()> {
    let cluster = if is_postgres { Some(Cluster::start().await?) } else { None };
    let database = cluster.as_ref().map_or("SQLite", Cluster::version).to_owned();
    eprintln!("{database}: preparing users, clients, keys and tokens");
    let mut stage = Stage::set(env!("CARGO_BIN_EXE_latchkey"), cluster, arguments).await?;
    let mut rivals =
        if arguments.compare { rival::start(arguments.connections).await? } else { Vec::new() };
    let mut own = stage.processes();
    own.processes.extend(rivals.iter().map(Rival::id));
    let bystander = Bystander::beside(own)?;
    let report = rounds(&mut stage, &mut rivals, arguments).await?;
    let others = bystander.percent()?;
    let mut figures = std::mem::take(&mut stage.figures);
    if arguments.wants("memory") {
        figures.push(figures::memory(stage.memory()?));
    }
    if arguments.wants("flood") {
        let mut floods = Vec::new();
        for round in 1..=arguments.rounds {
            eprintln!("round {round}: a flood of sign-ins");
            floods.push(stage.flood().await?);
        }
        figures.push(figures::flood(&floods));
    }
    stage.strike().await?;
    let mut tables = vec![report.table(is_postgres), figures::table(&figures)];
    if !rivals.is_empty() {
        tables.push(rival::table(&report, &rivals));
    }
    tables.retain(|table| !table.is_empty());
    let text = tables.join("\n");
    let about = format!(
        "{database}, {} connections, medians of {} rounds, while other programs used {others:.0} % \
         of the processors; {}.",
        arguments.connections,
        arguments.rounds,
        machine::description()
    );
    println!("\n{about}\n\n{text}");
    if arguments.write {
        let part = if is_postgres { "load on PostgreSQL" } else { "load on SQLite" };
        document::write(&arguments::document(), part, &format!("{about}\n\n{text}"))?;
    }
    Ok(())
}

/// Every row once a round, so that what disturbs the machine for a while disturbs all of them.
async fn rounds(stage: &mut Stage, rivals: &mut [Rival], arguments: &Arguments) -> Result<Report> {
    let (mut report, rows) = (Report::default(), wanted(arguments));
    for round in 1..=arguments.rounds {
        for row in &rows {
            let measured = stage.measure(row, stage::operations(row, arguments)).await?;
            eprintln!(
                "round {round}: {:<20} {:.4} CPU s / 1,000, {:.0}/s",
                row.id,
                measured.cpu_per_thousand(),
                measured.rate()
            );
            report.add(row.work, measured);
        }
        for rival in &mut *rivals {
            eprintln!("round {round}: oidc-provider");
            rival.round(|work| rows.iter().any(|row| row.work == work)).await?;
        }
    }
    Ok(report)
}

/// The rows that were asked for, and what they are compared to.
fn wanted(arguments: &Arguments) -> Vec<&'static Row> {
    let asked: Vec<_> = ROWS.iter().filter(|row| arguments.wants(row.id)).collect();
    let compared: Vec<_> =
        asked.iter().filter_map(|row| row.against).filter_map(row_of).map(|row| row.id).collect();
    ROWS.iter().filter(|row| arguments.wants(row.id) || compared.contains(&row.id)).collect()
}
