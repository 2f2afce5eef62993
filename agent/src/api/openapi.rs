//! `/api/openapi.json`: the description of the API, made of the same rows as the router, so that neither knows a path that the
//! other does not.

use serde_json::{Map, Value, json};

pub(super) const PATH: &str = "/api/openapi.json";

/// A path with a method.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) takes: Takes,
    pub(super) answers: Answers,
}

/// What a request brings beside its path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    Nothing,
    Document,
    Parts,
    File,
    Subscription,
    /// And a page, where the answer is one.
    Filters(&'static [&'static str]),
}

/// What it gets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
    Nothing,
    Document,
    File,
    Conversation,
    Status,
    Subscription,
    Delivery,
    Capabilities,
    ServiceRecord,
    PageOf(&'static Self),
}

/// The whole description.
pub(super) fn document<'a>(operations: impl Iterator<Item = &'a Operation>) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_owned(), described(operation));
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": { "title": "integrasjonspunkt", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } },
            "schemas": schemas()
        },
        "security": [{}, { "basic": [] }]
    })
}

fn described(operation: &Operation) -> Value {
    let mut description = json!({ "summary": operation.summary, "parameters": parameters(operation) });
    let mut responses = json!({
        "200": answer(operation.answers),
        "default": { "description": "What is wrong", "content": content("application/json", &reference("Error")) }
    });
    let may_be_empty = operation.path.contains("/peek") || operation.path.contains("/pop/");
    if let Some(responses) = responses.as_object_mut().filter(|_| may_be_empty) {
        responses.insert("204".into(), json!({ "description": "There is nothing" }));
    }
    if let Some(description) = description.as_object_mut() {
        description.insert("responses".into(), responses);
        if let Some(body) = body(operation.takes) {
            description.insert("requestBody".into(), json!({ "required": true, "content": body }));
        }
    }
    description
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let text = |name: &str, place: &str, is_required: bool| json!({ "name": name, "in": place, "required": is_required, "schema": { "type": "string" } });
    let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path.map(|name| text(name, "path", true)).collect();
    match operation.takes {
        Takes::Filters(names) => all.extend(names.iter().map(|name| text(name, "query", false))),
        Takes::File => {
            all.push(text("title", "query", false));
            all.push(text("Content-Disposition", "header", true));
        }
        Takes::Nothing | Takes::Document | Takes::Parts | Takes::Subscription => {}
    }
    if matches!(operation.answers, Answers::PageOf(_)) {
        for (name, default, most) in [("page", 0, None), ("size", 10, Some(2000))] {
            let mut schema = json!({ "type": "integer", "minimum": 0, "default": default });
            if let (Some(schema), Some(most)) = (schema.as_object_mut(), most) {
                schema.insert("maximum".into(), most.into());
            }
            all.push(json!({ "name": name, "in": "query", "required": false, "schema": schema }));
        }
        all.push(json!({
            "name": "sort", "in": "query", "required": false, "explode": true,
            "description": "<property>[,asc|desc]; may be repeated",
            "schema": { "type": "array", "items": { "type": "string" } }
        }));
    }
    all
}

fn body(takes: Takes) -> Option<Value> {
    let binary = json!({ "type": "string", "format": "binary" });
    match takes {
        Takes::Nothing | Takes::Filters(_) => None,
        Takes::Document => Some(content("application/json", &reference("StandardBusinessDocument"))),
        Takes::File => Some(content("*/*", &binary)),
        Takes::Subscription => Some(content("application/json", &reference("Subscription"))),
        Takes::Parts => {
            let sbd = reference("StandardBusinessDocument");
            let parts = json!({
                "type": "object", "required": ["sbd"], "properties": { "sbd": sbd }, "additionalProperties": binary
            });
            Some(content("multipart/form-data", &parts))
        }
    }
}

fn answer(answers: Answers) -> Value {
    let described =
        |what: &str, schema: &Value| json!({ "description": what, "content": content("application/json", schema) });
    match answers {
        Answers::Nothing => json!({ "description": "It is done" }),
        Answers::File => json!({
            "description": "The package",
            "content": content("application/vnd.etsi.asic-e+zip", &json!({ "type": "string", "format": "binary" }))
        }),
        Answers::Document
        | Answers::Conversation
        | Answers::Status
        | Answers::Subscription
        | Answers::Delivery
        | Answers::Capabilities
        | Answers::ServiceRecord => described("It", &schema(answers)),
        Answers::PageOf(one) => {
            let rows = json!({ "type": "array", "items": schema(*one) });
            let page = json!({ "allOf": [reference("Page"), { "properties": { "content": rows } }] });
            described("A page", &page)
        }
    }
}

fn schema(answers: Answers) -> Value {
    match answers {
        Answers::Document => reference("StandardBusinessDocument"),
        Answers::Conversation => reference("Conversation"),
        Answers::Status => reference("Status"),
        Answers::Subscription => reference("Subscription"),
        Answers::Delivery => reference("Delivery"),
        Answers::Capabilities => reference("Capabilities"),
        Answers::ServiceRecord => reference("ServiceRecord"),
        Answers::Nothing | Answers::File | Answers::PageOf(_) => json!({}),
    }
}

fn content(media_type: &str, schema: &Value) -> Value {
    json!({ media_type: { "schema": schema } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn schemas() -> Value {
    let object = |integers: &[&str], texts: &[&str]| {
        let one = |kind: &'static str| move |name: &&str| ((*name).to_owned(), json!({ "type": kind }));
        let properties: Map<String, Value> =
            integers.iter().map(one("integer")).chain(texts.iter().map(one("string"))).collect();
        json!({ "type": "object", "properties": properties })
    };
    let conversation = [
        "conversationId",
        "messageId",
        "sender",
        "senderIdentifier",
        "receiver",
        "receiverIdentifier",
        "processIdentifier",
        "documentIdentifier",
        "messageReference",
        "messageTitle",
        "lastUpdate",
        "expiry",
        "direction",
        "serviceIdentifier",
        "externalSystemReference",
    ];
    json!({
        "StandardBusinessDocument": {
            "type": "object",
            "description": "The header, and one member named like documentIdentification.type",
            "required": ["standardBusinessDocumentHeader"],
            "properties": { "standardBusinessDocumentHeader": { "type": "object" } },
            "minProperties": 2,
            "maxProperties": 2
        },
        "Conversation": object(&["id"], &conversation),
        "Status": object(
            &["id", "convId"],
            &["lastUpdate", "status", "description", "rawReceipt", "conversationId", "messageId"],
        ),
        "Subscription": object(&["id"], &["name", "pushEndpoint", "resource", "event", "filter"]),
        "Delivery": object(
            &["id", "try", "durationMs", "code"],
            &["webhookId", "event", "messageId", "status", "at", "outcome", "error"],
        ),
        "Capabilities": {
            "type": "object",
            "properties": { "capabilities": { "type": "array", "items": { "type": "object" } } }
        },
        "ServiceRecord": {
            "type": "object",
            "properties": {
                "infoRecord": { "type": "object" },
                "serviceRecord": { "type": "object" },
                "serviceRecords": { "type": "array", "items": { "type": "object" } }
            }
        },
        "Page": object(&["totalElements", "totalPages", "size", "number", "numberOfElements"], &[]),
        "Error": object(&["status"], &["timestamp", "error", "exception", "message", "path", "description"])
    })
}
