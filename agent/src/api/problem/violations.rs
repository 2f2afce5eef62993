//! Rules that were not kept, as Spring's bean validation tells them.

use crate::sbd::{Constraint, Violation};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// An element of `errors`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    codes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<Vec<Value>>,
    default_message: String,
    object_name: String,
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_value: Option<Value>,
    binding_failure: bool,
    code: &'static str,
}

impl Body {
    /// Of the rules that a body is held to before anybody looks at what it means.
    pub(super) fn of(violation: &Violation, object: &'static str) -> Self {
        let code = code(&violation.constraint);
        let path = &violation.path;
        let plain = with_ever_fewer_indices(path);
        let mut codes: Vec<String> = plain.iter().map(|name| format!("{code}.{object}.{name}")).collect();
        codes.extend(plain.iter().map(|name| format!("{code}.{name}")));
        if let Some((_, last)) = path.rsplit_once('.') {
            codes.extend(with_ever_fewer_indices(last).iter().map(|name| format!("{code}.{name}")));
        }
        codes.push(format!("{code}.{}", violation.class));
        codes.push(code.to_owned());
        let mut seen = BTreeSet::new();
        codes.retain(|code| seen.insert(code.clone()));
        let field = serde_json::json!({
            "codes": [format!("{object}.{path}"), path], "defaultMessage": path, "code": path
        });
        let mut arguments = vec![field];
        match &violation.constraint {
            Constraint::Size { min, max } => {
                arguments.extend([max.unwrap_or(i32::MAX.unsigned_abs()).into(), (*min).into()]);
            }
            Constraint::OneOf(allowed) => arguments.push(allowed.to_vec().into()),
            Constraint::Url => arguments.extend(attributes_of_url()),
            Constraint::NotNull
            | Constraint::Null
            | Constraint::Filter
            | Constraint::Uuid
            | Constraint::MessageType
            | Constraint::Future
            | Constraint::NotEmpty
            | Constraint::Person => {}
        }
        Self {
            codes,
            arguments: Some(arguments),
            default_message: message(violation),
            object_name: object.to_owned(),
            field: path.clone(),
            rejected_value: violation.rejected.clone(),
            binding_failure: false,
            code,
        }
    }

    /// Of what must be there once the service and the type are known.
    pub(super) fn of_missing(path: &str) -> Self {
        Self {
            codes: vec!["NotNull".to_owned()],
            arguments: None,
            default_message: "must not be null".to_owned(),
            object_name: path.to_owned(),
            field: path.to_owned(),
            rejected_value: None,
            binding_failure: false,
            code: "NotNull",
        }
    }
}

fn code(constraint: &Constraint) -> &'static str {
    match constraint {
        Constraint::NotNull => "NotNull",
        Constraint::Size { .. } => "Size",
        Constraint::Uuid => "UUID",
        Constraint::OneOf(_) => "OneOf",
        Constraint::MessageType => "MessageType",
        Constraint::Future => "Future",
        Constraint::NotEmpty => "NotEmpty",
        Constraint::Person => "Fnr",
        Constraint::Null => "Null",
        Constraint::Url => "URL",
        Constraint::Filter => "WebhookFilter",
    }
}

fn message(violation: &Violation) -> String {
    let value = violation.rejected.as_ref().and_then(Value::as_str).unwrap_or("null");
    match &violation.constraint {
        Constraint::NotNull => "must not be null".into(),
        Constraint::Size { min, max } => {
            let max = max.map_or(i32::MAX.to_string(), |max| max.to_string());
            format!("size must be between {min} and {max}")
        }
        Constraint::Uuid => format!("'{value}' is not a UUID."),
        Constraint::OneOf(allowed) => {
            format!("'{value}' is not expected. Allowed values are: [{}]", allowed.join(", "))
        }
        Constraint::MessageType => "Must be a NextMove message type".into(),
        Constraint::Future => "must be a future date".into(),
        Constraint::NotEmpty => "must not be empty".into(),
        Constraint::Person => "must be the number of a person".into(),
        Constraint::Null => "must be null".into(),
        Constraint::Url => "must be a valid URL".into(),
        Constraint::Filter => "Must be a valid filter definition.".into(),
    }
}

/// What the Java one's rule could be told, in the order of their names: flags, host, port, protocol, expression.
fn attributes_of_url() -> Vec<Value> {
    let text = |text: &str| serde_json::json!({ "defaultMessage": text, "codes": [text] });
    vec![serde_json::json!([]), text(""), (-1).into(), text(""), text(".*")]
}

/// `a[0].b[1]`, `a[0].b`, `a.b`: the last index goes first.
fn with_ever_fewer_indices(path: &str) -> Vec<String> {
    let mut all = vec![path.to_owned()];
    let mut rest = path.to_owned();
    while let Some((before, after)) = rest.rsplit_once('[') {
        let Some((_, behind)) = after.split_once(']') else { break };
        rest = format!("{before}{behind}");
        all.push(rest.clone());
    }
    all
}
