//! Rules that were not kept, as Spring's bean validation tells them.

use crate::sbd::{Constraint, Violation};
use serde::Serialize;

const OBJECT: &str = "standardBusinessDocument";

/// An element of `errors`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    codes: Vec<String>,
    arguments: Vec<Argument>,
    default_message: String,
    object_name: &'static str,
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_value: Option<String>,
    binding_failure: bool,
    code: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    codes: Vec<String>,
    default_message: String,
    code: String,
}

impl Body {
    pub(super) fn of(violation: &Violation) -> Self {
        let code = code(&violation.constraint);
        let path = &violation.path;
        let bare = without_indices(path);
        let last = bare.rsplit('.').next().unwrap_or_default().to_owned();
        let mut codes = Vec::new();
        for name in [format!("{OBJECT}.{path}"), format!("{OBJECT}.{bare}"), path.clone(), bare, last] {
            let code = format!("{code}.{name}");
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes.push(format!("{code}.java.lang.String"));
        codes.push(code.to_owned());
        Self {
            codes,
            arguments: vec![Argument {
                codes: vec![format!("{OBJECT}.{path}"), path.clone()],
                default_message: path.clone(),
                code: path.clone(),
            }],
            default_message: message(violation),
            object_name: OBJECT,
            field: path.clone(),
            rejected_value: violation.rejected.clone(),
            binding_failure: false,
            code,
        }
    }
}

fn code(constraint: &Constraint) -> &'static str {
    match constraint {
        Constraint::NotNull => "NotNull",
        Constraint::Size { .. } => "Size",
        Constraint::Uuid => "UUID",
        Constraint::OneOf(_) => "OneOf",
        Constraint::MessageType => "NextMoveMessageType",
        Constraint::Future => "Future",
    }
}

fn message(violation: &Violation) -> String {
    let value = violation.rejected.as_deref().unwrap_or("null");
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
    }
}

/// `scope[0].type` → `scope.type`
fn without_indices(path: &str) -> String {
    let mut bare = String::new();
    let mut is_index = false;
    for letter in path.chars() {
        match letter {
            '[' => is_index = true,
            ']' => is_index = false,
            _ if !is_index => bare.push(letter),
            _ => {}
        }
    }
    bare
}
