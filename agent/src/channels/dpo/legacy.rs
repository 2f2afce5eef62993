//! `content.xml`: the envelope as XML, as integration points of old wrote it. It is turned into the JSON of today, and read
//! as that.

use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

/// Why a text is no envelope.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnEnvelope {
    /// Not XML.
    #[error("content.xml cannot be read: {0}")]
    Unreadable(String),
    /// Another document.
    #[error("content.xml has no {0}")]
    Lacks(&'static str),
}

/// The same envelope as JSON.
pub(super) fn as_json(bytes: &[u8]) -> Result<String, NotAnEnvelope> {
    let text = std::str::from_utf8(bytes).map_err(|error| NotAnEnvelope::Unreadable(error.to_string()))?;
    let document = Document::parse(text.trim_start_matches('\u{feff}'));
    let document = document.map_err(|error| NotAnEnvelope::Unreadable(error.to_string()))?;
    let root = document.root_element();
    if root.tag_name().name() != "StandardBusinessDocument" {
        return Err(NotAnEnvelope::Lacks("StandardBusinessDocument"));
    }
    let header = child(root, "StandardBusinessDocumentHeader");
    let header = header.ok_or(NotAnEnvelope::Lacks("StandardBusinessDocumentHeader"))?;
    let body = root.children().find(|node| node.is_element() && *node != header);
    let body = body.ok_or(NotAnEnvelope::Lacks("business message"))?;
    let identification = child(header, "DocumentIdentification");
    let identification = identification.ok_or(NotAnEnvelope::Lacks("DocumentIdentification"))?;
    // The element may be called otherwise than the type; the member of the JSON is called like it.
    let kind = text_of(identification, "Type").ok_or(NotAnEnvelope::Lacks("Type"))?;
    let header = json!({
        "headerVersion": text_of(header, "HeaderVersion"),
        "sender": child(header, "Sender").map(|who| vec![partner(who)]),
        "receiver": child(header, "Receiver").map(|who| vec![partner(who)]),
        "documentIdentification": {
            "standard": text_of(identification, "Standard"),
            "typeVersion": text_of(identification, "TypeVersion"),
            "instanceIdentifier": text_of(identification, "InstanceIdentifier"),
            "type": kind,
            "creationDateAndTime": text_of(identification, "CreationDateAndTime"),
        },
        "businessScope": { "scope": child(header, "BusinessScope").map(scopes).unwrap_or_default() },
    });
    let mut whole = Map::new();
    whole.insert("standardBusinessDocumentHeader".into(), header);
    whole.insert(kind, message(body));
    Ok(Value::Object(whole).to_string())
}

fn child<'a, 'i>(of: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    of.children().find(|node| node.tag_name().name() == name)
}

fn text_of(of: Node<'_, '_>, name: &str) -> Option<String> {
    Some(child(of, name)?.text().unwrap_or_default().trim().to_owned())
}

fn partner(who: Node<'_, '_>) -> Value {
    let identifier = child(who, "Identifier");
    let value = identifier.and_then(|it| it.text()).unwrap_or_default().trim();
    json!({ "identifier": { "value": value, "authority": identifier.and_then(|it| it.attribute("Authority")) } })
}

fn scopes(of: Node<'_, '_>) -> Vec<Value> {
    let scopes = of.children().filter(|node| node.tag_name().name() == "Scope");
    let scope = |scope: Node<'_, '_>| {
        let information = child(scope, "CorrelationInformation").or_else(|| child(scope, "ScopeInformation"));
        let expires = information.and_then(|it| text_of(it, "ExpectedResponseDateTime"));
        json!({
            "type": text_of(scope, "Type"),
            "instanceIdentifier": text_of(scope, "InstanceIdentifier"),
            "identifier": text_of(scope, "Identifier"),
            "scopeInformation": expires.map(|expires| vec![json!({ "expectedResponseDateTime": expires })])
                .unwrap_or_default(),
        })
    };
    scopes.map(scope).collect()
}

/// Members by their names; what comes several times, and what is a list by its name, is a list.
fn message(of: Node<'_, '_>) -> Value {
    const LISTS: [&str; 1] = ["messages"];
    const NUMBERS: [&str; 2] = ["sikkerhetsnivaa", "dagerTilSvarfrist"];
    let mut members: Map<String, Value> = Map::new();
    for node in of.children().filter(Node::is_element) {
        let name = node.tag_name().name();
        let text = node.text().unwrap_or_default().trim();
        let value = if node.children().any(|child| child.is_element()) {
            message(node)
        } else if let Some(number) = text.parse::<i64>().ok().filter(|_| NUMBERS.contains(&name)) {
            number.into()
        } else {
            text.into()
        };
        match members.get_mut(name) {
            Some(Value::Array(several)) => several.push(value),
            Some(one) => *one = json!([one.take(), value]),
            None if LISTS.contains(&name) => drop(members.insert(name.to_owned(), json!([value]))),
            None => drop(members.insert(name.to_owned(), value)),
        }
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ns2:StandardBusinessDocument xmlns:ns2="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader">
  <ns2:StandardBusinessDocumentHeader>
    <ns2:HeaderVersion>1.0</ns2:HeaderVersion>
    <ns2:Sender><ns2:Identifier Authority="iso6523-actorid-upis">0192:910077473</ns2:Identifier></ns2:Sender>
    <ns2:Receiver><ns2:Identifier Authority="iso6523-actorid-upis">0192:910075918</ns2:Identifier></ns2:Receiver>
    <ns2:DocumentIdentification>
      <ns2:Standard>urn:no:difi:arkivmelding:xsd::arkivmelding_kvittering</ns2:Standard>
      <ns2:TypeVersion>2.0</ns2:TypeVersion>
      <ns2:InstanceIdentifier>e99e5cd1-74de-4cce-b902-cecdf97dc4f3</ns2:InstanceIdentifier>
      <ns2:Type>arkivmelding_kvittering</ns2:Type>
      <ns2:CreationDateAndTime>2026-03-25T11:38:23+01:00</ns2:CreationDateAndTime>
    </ns2:DocumentIdentification>
    <ns2:BusinessScope><ns2:Scope>
      <ns2:Type>ConversationId</ns2:Type>
      <ns2:InstanceIdentifier>b4567a25-672c-4c2e-9a0f-08c52c54254b</ns2:InstanceIdentifier>
      <ns2:Identifier>urn:no:difi:profile:arkivmelding:response:ver1.0</ns2:Identifier>
      <ns2:CorrelationInformation><ns2:ExpectedResponseDateTime>2030-01-01T00:00:00+01:00</ns2:ExpectedResponseDateTime></ns2:CorrelationInformation>
    </ns2:Scope></ns2:BusinessScope>
  </ns2:StandardBusinessDocumentHeader>
  <arkivmelding_kvittering><receiptType>OK</receiptType>
    <relatedToMessageId>a99e5cd1-74de-4cce-b902-cecdf97dc4f3</relatedToMessageId>
    <messages><code>1</code><text>fint</text></messages></arkivmelding_kvittering>
</ns2:StandardBusinessDocument>"#;

    #[test]
    fn an_envelope_of_old_is_read_as_one_of_today() {
        let envelope = crate::sbd::read_foreign(as_json(WHOLE.as_bytes()).unwrap().as_bytes()).unwrap();
        assert_eq!(envelope.sender().unwrap().text(), "0192:910077473");
        assert_eq!(envelope.document.message_id.as_ref().unwrap().as_str(), "e99e5cd1-74de-4cce-b902-cecdf97dc4f3");
        assert_eq!(envelope.process(), Some("urn:no:difi:profile:arkivmelding:response:ver1.0"));
        assert_eq!(envelope.deadline().unwrap().moment(), "2029-12-31T23:00:00Z".parse().unwrap());
        let body: Value = serde_json::from_str(&envelope.body.text).unwrap();
        assert_eq!(body["messages"], json!([{ "code": "1", "text": "fint" }]));
    }

    #[test]
    fn what_is_none_is_told() {
        let told = |text: &str| as_json(text.as_bytes()).unwrap_err().to_string();
        assert!(told("x").starts_with("content.xml cannot be read: "));
        assert_eq!(told("<x/>"), "content.xml has no StandardBusinessDocument");
        let without = WHOLE.replace("DocumentIdentification>", "Other>");
        assert_eq!(told(&without), "content.xml has no DocumentIdentification");
        assert!(told("<!DOCTYPE a [<!ENTITY b \"c\">]><a/>").contains("cannot be read"), "no document types");
    }
}
