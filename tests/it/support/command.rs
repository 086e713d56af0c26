//! The operator: `latchkey admin …` as a process of its own, on the world's database.

use std::process::Command;

use serde_json::Value;

use super::World;

impl World {
    /// What a command prints as JSON, or what it says on standard error when it fails.
    pub fn admin(&self, command: &[&str]) -> Result<Value, String> {
        let products = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/products.toml");
        let mut process = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        process.env_clear().args(["admin"]).args(command).arg("--json");
        process.args(["--config", products]).arg("--data-dir").arg(self.data_dir());
        if let Some(url) = self.database_url() {
            process.args(["--database-url", &url]);
        }
        let output = process.output().unwrap();
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            assert!(output.stdout.is_empty(), "{output:?}");
            Err(String::from_utf8(output.stderr).unwrap().trim().to_owned())
        }
    }
}
