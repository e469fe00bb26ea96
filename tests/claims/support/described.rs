//! Every event that a test hears is compared with the API's description: its fields are those of its schema, and of their types.

use std::sync::LazyLock;

use serde_json::Value;

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&duet::http::api::docs::OPENAPI).unwrap());

/// Fails when an event is not as it is described.
pub fn check(event: &str, id: Option<&str>, data: &Value) {
    let kinds = &DESCRIPTION["components"]["schemas"]["StreamEvent"]["oneOf"];
    let kind = kinds
        .as_array()
        .unwrap()
        .iter()
        .find(|kind| kind["properties"]["event"]["enum"][0] == event)
        .unwrap_or_else(|| panic!("the event {event} is not described"));
    let may_have_id = kind["properties"].get("id").is_some();
    assert_eq!(id.is_some(), may_have_id, "the id of {event}: {id:?}");
    let schema = &kind["properties"]["data"]["contentSchema"];
    if let Err(wrong) = fits(schema, data) {
        panic!("{event} is not as it is described: {wrong}: {data:#}");
    }
}

/// As far as the description of events goes: references, alternatives, types, fields, and patterns that list words.
fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return fits(DESCRIPTION.pointer(pointer).unwrap(), value);
    }
    if let Some(alternatives) = schema["oneOf"].as_array() {
        let one = alternatives.iter().any(|one| fits(one, value).is_ok());
        return one
            .then_some(())
            .ok_or(format!("{value} is none of {schema}"));
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(|kind| kind.as_str().unwrap()).collect(),
        kind => vec![kind.as_str().unwrap()],
    };
    if !types.contains(&type_of(value)) {
        return Err(format!("{value} is not {types:?}"));
    }
    if let (Some(words), Some(word)) = (listed(&schema["pattern"]), value.as_str()) {
        let known = words.split('|').any(|known| known == word);
        return known
            .then_some(())
            .ok_or(format!("{word} is not one of {words}"));
    }
    if let Some(elements) = value.as_array() {
        return elements
            .iter()
            .try_for_each(|element| fits(&schema["items"], element));
    }
    let Some(fields) = value.as_object() else {
        return Ok(());
    };
    let required = schema["required"].as_array().into_iter().flatten();
    for name in required.map(|name| name.as_str().unwrap()) {
        if !fields.contains_key(name) {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, value) in fields {
        let described = schema["properties"]
            .get(name)
            .ok_or(format!("{name} is not described"))?;
        fits(described, value).map_err(|wrong| format!("{name}: {wrong}"))?;
    }
    Ok(())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The words of a pattern such as `^(taken|left)$`.
fn listed(pattern: &Value) -> Option<&str> {
    let words = pattern.as_str()?.strip_prefix("^(")?.strip_suffix(")$")?;
    let is_words = words.chars().all(|c| c.is_ascii_lowercase() || c == '|');
    is_words.then_some(words)
}
