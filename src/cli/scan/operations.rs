//! The operations of a description, in a fixed order: by path, then by method.

use entity::scan_endpoint::Method;
use serde_json::{Map, Value};

use super::{
    description::Description,
    findings::Finding,
    references::{self, Target},
};

const METHODS: [Method; 8] = [
    Method::Get,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Head,
    Method::Options,
    Method::Trace,
];

/// One method of one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation<'a> {
    /// The method.
    pub(super) method: Method,
    /// The path, as it is written.
    pub(super) path: &'a str,
    /// What is said about every operation of the path.
    pub(super) item: &'a Value,
    /// What is said about this one.
    pub(super) body: &'a Value,
}

impl Operation<'_> {
    /// The operation's name.
    pub(super) fn id(&self) -> Option<&str> {
        self.body["operationId"].as_str().filter(|id| !id.trim().is_empty())
    }

    /// `GET /charges`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method.as_str(), self.path)
    }
}

/// Every operation, and what keeps others from being found.
pub(super) fn list<'a>(
    description: &'a Description,
    findings: &mut Vec<Finding>,
) -> Vec<Operation<'a>> {
    let root = description.root();
    let mut paths: Vec<_> =
        members(&root["paths"]).filter(|(path, _)| !is_extension(path)).collect();
    paths.sort_by_key(|(path, _)| *path);
    let mut operations = Vec::new();
    for (path, item) in paths {
        if !path.starts_with('/') {
            findings.push(Finding::invalid_path(path));
        }
        // a Path Item may stand elsewhere; methods beside the reference count as well
        let target = match references::follow(root, item) {
            Target::Value(target) => target,
            Target::Elsewhere => {
                findings.push(Finding::not_scanned(path));
                item
            }
            // `findings` reports every reference that leads nowhere
            Target::Nothing => item,
        };
        for method in METHODS {
            let name = method.as_str().to_ascii_lowercase();
            let Some(body) = item.get(&name).or_else(|| target.get(&name)) else { continue };
            if body.is_object() {
                operations.push(Operation { method, path, item: target, body });
            } else {
                findings.push(Finding::invalid_operation(method, path));
            }
        }
    }
    operations
}

/// The members of an object; none if it is none.
pub(super) fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

/// Whether a name is left to vendors.
pub(super) fn is_extension(name: &str) -> bool {
    name.starts_with("x-")
}
