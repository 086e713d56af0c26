//! What is wanting in a description. Every finding has a code for programs, a severity, and a
//! sentence that says what is wrong and where.

use std::collections::BTreeMap;

use entity::{
    scan_endpoint::Method,
    scan_finding::Severity::{self, High, Info, Low, Medium},
};
use serde_json::Value;

use super::{
    description::{Description, Dialect},
    operations::{Operation, is_extension, members},
    parameters,
    references::{self, Target},
};

/// Something that is wanting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What kind of finding it is.
    pub(super) code: &'static str,
    /// How much it matters.
    pub(super) severity: Severity,
    /// What a person reads.
    pub(super) message: String,
    /// The method, if it is about one operation.
    pub(super) method: Option<Method>,
    /// The path, if it is about one.
    pub(super) path: Option<String>,
}

/// Everything that is wanting in the operations of a description and in what they share.
pub(super) fn list(description: &Description, operations: &[Operation]) -> Vec<Finding> {
    let root = description.root();
    let mut findings = Vec::new();
    if operations.is_empty() {
        let message = "The description has no operations.".to_owned();
        findings.push(Finding::general("no-operations", Info, message));
    }
    let mut named = BTreeMap::new();
    for operation in operations {
        check_id(operation, &mut named, &mut findings);
        check_responses(root, operation, &mut findings);
        check_security(description, operation, &mut findings);
        parameters::check(root, operation, &mut findings);
    }
    parameters::check_shared(description, &mut findings);
    check_references(root, &mut findings);
    findings
}

fn check_id<'a>(
    operation: &Operation<'a>,
    named: &mut BTreeMap<&'a str, String>,
    findings: &mut Vec<Finding>,
) {
    let Some(id) = operation.body["operationId"].as_str().filter(|_| operation.id().is_some())
    else {
        let message = "The operation has no operationId.".to_owned();
        findings.push(Finding::at(operation, "missing-operation-id", Low, message));
        return;
    };
    match named.get(id) {
        Some(first) => {
            let message = format!("The operationId \"{id}\" is also that of {first}.");
            findings.push(Finding::at(operation, "duplicate-operation-id", High, message));
        }
        None => {
            named.insert(id, operation.name());
        }
    }
}

fn check_responses(root: &Value, operation: &Operation, findings: &mut Vec<Finding>) {
    let mut undocumented = |severity, message: String| {
        findings.push(Finding::at(operation, "undocumented-response", severity, message));
    };
    let responses = members(&operation.body["responses"]);
    let mut responses: Vec<_> = responses.filter(|(status, _)| !is_extension(status)).collect();
    responses.sort_by_key(|(status, _)| *status);
    if responses.is_empty() {
        return undocumented(Medium, "The operation documents no response.".to_owned());
    }
    let is_good = |status: &str| status == "default" || status.starts_with(['1', '2', '3']);
    if !responses.iter().any(|(status, _)| is_good(status)) {
        undocumented(Medium, "The operation documents no successful response.".to_owned());
    }
    for (status, response) in responses {
        let Target::Value(response) = references::follow(root, response) else { continue };
        if response["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
            undocumented(Low, format!("The response {status} has no description."));
        }
    }
}

fn check_security(description: &Description, operation: &Operation, findings: &mut Vec<Finding>) {
    let root = description.root();
    let own = operation.body.get("security");
    let demanded = own.unwrap_or(&root["security"]).as_array().map_or(&[][..], Vec::as_slice);
    if demanded.is_empty() {
        let (severity, message) = if own.is_some() {
            (Low, "The operation says that anybody may call it.")
        } else {
            (High, "Nothing says how a caller is authenticated.")
        };
        findings.push(Finding::at(operation, "no-security", severity, message.to_owned()));
    }
    let schemes = match description.dialect() {
        Dialect::OpenApi3 => &root["components"]["securitySchemes"],
        Dialect::Swagger2 => &root["securityDefinitions"],
    };
    for requirement in demanded {
        if requirement.as_object().is_some_and(serde_json::Map::is_empty) {
            let message = "The operation can also be called without authentication.".to_owned();
            findings.push(Finding::at(operation, "optional-security", Low, message));
        }
        for (name, _) in members(requirement).filter(|(name, _)| schemes.get(*name).is_none()) {
            let message = format!("The security scheme \"{name}\" is not defined.");
            findings.push(Finding::at(operation, "undefined-security-scheme", High, message));
        }
    }
}

fn check_references(root: &Value, findings: &mut Vec<Finding>) {
    for (path, reference) in references::all(root) {
        if references::find(root, reference) != Target::Nothing {
            continue;
        }
        let is_parameter = path.last() == Some(&"parameters");
        let (code, what) = if is_parameter {
            ("undefined-parameter", "parameter")
        } else {
            ("unresolved-reference", "reference")
        };
        let (method, place) = place_of(&path);
        findings.push(Finding {
            code,
            severity: High,
            message: format!("The {what} \"{reference}\" is not defined."),
            method,
            path: place,
        });
    }
}

/// The operation or path that a place in the description belongs to.
fn place_of(path: &[&str]) -> (Option<Method>, Option<String>) {
    let ["paths", path, rest @ ..] = path else {
        return (None, None);
    };
    let method = rest.first().and_then(|name| method_of(name));
    (method, Some((*path).to_owned()))
}

fn method_of(name: &str) -> Option<Method> {
    Some(match name {
        "get" => Method::Get,
        "post" => Method::Post,
        "put" => Method::Put,
        "patch" => Method::Patch,
        "delete" => Method::Delete,
        "head" => Method::Head,
        "options" => Method::Options,
        "trace" => Method::Trace,
        _ => return None,
    })
}

impl Finding {
    /// A finding about one operation.
    pub(super) fn at(
        operation: &Operation,
        code: &'static str,
        severity: Severity,
        message: String,
    ) -> Self {
        let path = Some(operation.path.to_owned());
        Self { code, severity, message, method: Some(operation.method), path }
    }

    /// A finding about the description as a whole.
    pub(super) fn general(code: &'static str, severity: Severity, message: String) -> Self {
        Self { code, severity, message, method: None, path: None }
    }

    fn of_path(code: &'static str, severity: Severity, path: &str, message: &str) -> Self {
        let path = Some(path.to_owned());
        Self { code, severity, message: message.to_owned(), method: None, path }
    }

    /// A path that does not begin with a slash.
    pub(super) fn invalid_path(path: &str) -> Self {
        Self::of_path("invalid-path", High, path, "The path does not begin with a slash.")
    }

    /// A path whose operations are in another file.
    pub(super) fn not_scanned(path: &str) -> Self {
        let message = "The path refers to another file, whose operations were not scanned.";
        Self::of_path("external-reference", Medium, path, message)
    }

    /// A method that holds something else than an operation.
    pub(super) fn invalid_operation(method: Method, path: &str) -> Self {
        let message = "The operation is not an object and was not scanned.";
        let finding = Self::of_path("invalid-operation", High, path, message);
        Self { method: Some(method), ..finding }
    }

    /// A name in a path that no parameter has.
    pub(super) fn undefined_parameter(operation: &Operation, name: &str) -> Self {
        let message = format!("The parameter \"{name}\" of the path is not defined.");
        Self::at(operation, "undefined-parameter", High, message)
    }
}

#[cfg(test)]
mod tests;
