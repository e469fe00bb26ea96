//! What a test hears is compared with the API's description: of events the fields and their types, of answers the status.

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

/// What a proxy answers where no instance is reached.
const OF_PROXIES: [u16; 2] = [502, 504];

/// Fails when an operation of the API answers with a status that is not among those of its description.
#[track_caller]
pub fn check_status(method: &str, address: &str, status: u16) {
    if OF_PROXIES.contains(&status) {
        return;
    }
    let path = address.split('?').next().unwrap();
    let is_at = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template
                .zip(path)
                .all(|(one, other)| one.starts_with('{') || one == other)
    };
    let paths = DESCRIPTION["paths"].as_object().unwrap().iter();
    let found = paths.filter(|(template, _)| is_at(template));
    // `/user/logout` and not `/user/{hash}`.
    let Some((_, operations)) = found.min_by_key(|(template, _)| template.matches('{').count())
    else {
        return;
    };
    if let Some(operation) = operations.get(method.to_lowercase()) {
        let described = operation["responses"].get(status.to_string());
        assert!(
            described.is_some(),
            "{method} {address}: {status} is not described"
        );
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
