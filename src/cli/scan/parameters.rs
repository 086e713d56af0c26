//! Whether the parameters of operations and their paths agree.

use std::collections::BTreeSet;

use entity::scan_finding::Severity::{Low, Medium};
use serde_json::Value;

use super::{
    description::{Description, Dialect},
    findings::Finding,
    operations::{Operation, members},
    references::{self, Target},
};

/// A parameter by what tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parameter<'a> {
    place: &'a str,
    name: &'a str,
    is_required: bool,
}

/// What is wrong with the parameters of one operation.
pub(super) fn check(root: &Value, operation: &Operation, findings: &mut Vec<Finding>) {
    let mut declared = BTreeSet::new();
    // a reference that leads elsewhere may declare anything
    let mut is_complete = true;
    for list in [&operation.item["parameters"], &operation.body["parameters"]] {
        let mut seen = BTreeSet::new();
        for parameter in list.as_array().into_iter().flatten() {
            let Target::Value(value) = references::follow(root, parameter) else {
                is_complete = false;
                continue;
            };
            let Some(parameter) = Parameter::of(value) else {
                findings.push(Finding::at(
                    operation,
                    "invalid-parameter",
                    Medium,
                    "A parameter has no name, or does not say where it is.".to_owned(),
                ));
                continue;
            };
            if !seen.insert((parameter.place, parameter.name)) {
                findings.push(duplicate(operation, parameter.name));
            }
            declared.insert(parameter);
        }
    }
    let in_path = || declared.iter().filter(|parameter| parameter.place == "path");
    let template = template(operation.path);
    if is_complete {
        let is_declared = |name: &&str| in_path().any(|parameter| parameter.name == *name);
        for name in template.iter().filter(|name| !is_declared(name)) {
            findings.push(Finding::undefined_parameter(operation, name));
        }
    }
    for parameter in in_path() {
        if !template.contains(parameter.name) {
            findings.push(unused(operation, parameter.name));
        }
        if !parameter.is_required {
            findings.push(optional(operation, parameter.name));
        }
    }
}

/// The shared parameters that no operation uses.
pub(super) fn check_shared(description: &Description, findings: &mut Vec<Finding>) {
    let root = description.root();
    let (place, shared) = match description.dialect() {
        Dialect::OpenApi3 => ("#/components/parameters/", &root["components"]["parameters"]),
        Dialect::Swagger2 => ("#/parameters/", &root["parameters"]),
    };
    let all = references::all(root);
    let used: BTreeSet<_> = all.iter().filter_map(|(_, it)| it.strip_prefix(place)).collect();
    let mut names: Vec<_> = members(shared).map(|(name, _)| name).collect();
    names.sort_unstable();
    // RFC 6901 §3: how a name is written in a reference
    let written = |name: &str| name.replace('~', "~0").replace('/', "~1");
    for name in names.into_iter().filter(|name| !used.contains(written(name).as_str())) {
        let message = format!("The shared parameter \"{name}\" is used by no operation.");
        findings.push(Finding::general("unused-parameter", Low, message));
    }
}

fn duplicate(operation: &Operation, name: &str) -> Finding {
    let message = format!("The parameter \"{name}\" is declared more than once.");
    Finding::at(operation, "duplicate-parameter", Medium, message)
}

fn unused(operation: &Operation, name: &str) -> Finding {
    let message = format!("The path parameter \"{name}\" is not in the path.");
    Finding::at(operation, "unused-parameter", Medium, message)
}

fn optional(operation: &Operation, name: &str) -> Finding {
    let message = format!("The path parameter \"{name}\" is not marked as required.");
    Finding::at(operation, "optional-path-parameter", Low, message)
}

impl<'a> Parameter<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        let place = value["in"].as_str()?;
        // a body of Swagger 2.0 is known by its place alone
        let name = value["name"].as_str().or((place == "body").then_some(""))?;
        Some(Self { place, name, is_required: value["required"] == true })
    }
}

/// The names in the braces of a path.
fn template(path: &str) -> BTreeSet<&str> {
    let after = path.split('{').skip(1);
    after.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_path_are_those_in_braces() {
        let names = |path| template(path).into_iter().collect::<Vec<_>>();

        assert_eq!(names("/a/{b}/c/{d}.{e}"), ["b", "d", "e"]);
        assert_eq!(names("/a"), Vec::<&str>::new());
        assert_eq!(names("/a/{b"), Vec::<&str>::new());
    }
}
