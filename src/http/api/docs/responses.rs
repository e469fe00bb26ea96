//! Adds the common failures to every operation, each described once with its error words, and a description
//! to every response.

use utoipa::openapi::{
    Content, Header, HttpMethod, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    path::Operation,
    schema::{Components, ObjectBuilder, Schema, Type},
};

use crate::http::problem::words::WORDS;

/// A failure that operations have in common: its status, its name among the components, and what it means.
type Failure = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const FAILURES: [Failure; 14] = [
    ("400", "Invalid",
        "The body, the address or a field is malformed, missing or invalid; `field` names it."),
    ("401", "NoSession",
        "There is no session, or it has ended: log in again. `error` is `replaced` where it ended \
         because somebody else was let in at its seat, and `replacedAt` says when."),
    ("403", "Forbidden",
        "The name, the code or the token is not one of this chat, a field disagrees with the session, or a \
         browser sent this from another site."),
    ("404", "NotFound", "There is no such chat, or the address belongs to another service."),
    ("408", "Timeout", "The request did not arrive in time. Send it again."),
    ("409", "Conflict",
        "The request is well-formed and does not fit the state of the chat; `error` says why."),
    ("410", "Gone", "The chat has ended or expired."),
    ("413", "TooLarge", "The body or the message is too long."),
    ("415", "UnsupportedMediaType", "The body is not JSON, or is compressed."),
    ("422", "OtherText", "The same message `id` came before with another text."),
    ("429", "TooManyRequests", "Too many requests. Come back after `Retry-After` seconds."),
    ("431", "HeadTooLarge",
        "The address and the headers are too long together. Over HTTP/2 there is no body."),
    ("500", "Defect", "A defect of the server. `reference` finds it in the server's log."),
    ("503", "Unavailable",
        "The store is out of reach or too busy. Come back after `Retry-After` seconds; repeating a \
         request that carries an `id` is safe."),
];

/// Adds each operation's failures and the missing descriptions.
pub fn add_responses(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        for (method, operation) in [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
        ] {
            if let Some(operation) = operation {
                // An empty list means that no token is needed; a missing list would leave it open.
                operation.security.get_or_insert_default();
                add_failures(operation, path, &method);
                describe_success(operation);
            }
        }
    }
    if let Some(components) = &mut openapi.components {
        define_failures(components);
        list_words(components);
    }
    drop_unused_schemas(openapi);
}

fn add_failures(operation: &mut Operation, path: &str, method: &HttpMethod) {
    let in_session = operation
        .security
        .as_ref()
        .is_some_and(|needed| !needed.is_empty());
    let of_a_chat = path.contains("/user/") || path.ends_with("/user2");
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let happens = |status: &str| match status {
        "401" => in_session || id == "login",
        // An end is answered with 200 twice, and a stream of an ended chat with 204.
        "410" => of_a_chat && !matches!(id, "stream" | "endchat" | "endchat_get"),
        "413" | "415" => *method == HttpMethod::Post,
        "409" => matches!(
            id,
            "register" | "user1" | "user2" | "login" | "ask" | "answer" | "send"
        ),
        "422" => id == "send",
        _ => true,
    };
    for (status, name, _) in FAILURES.iter().filter(|(status, ..)| happens(status)) {
        let reference = Ref::from_response_name(*name);
        let responses = &mut operation.responses.responses;
        responses.insert((*status).into(), reference.into());
    }
}

fn describe_success(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = "It is done.".into();
        }
    }
}

fn define_failures(components: &mut Components) {
    for (status, name, meaning) in FAILURES {
        let response = response(status, meaning);
        components.responses.insert(name.into(), response.into());
    }
}

/// Lists the error words in the description of `error`. They are not an `enum`, because generated clients would
/// reject words that are added later.
fn list_words(components: &mut Components) {
    let Some(RefOr::T(Schema::Object(body))) = components.schemas.get_mut("FailureBody") else {
        return;
    };
    let Some(RefOr::T(Schema::Object(error))) = body.properties.get_mut("error") else {
        return;
    };
    let words = WORDS.iter().map(|word| {
        let statuses = word.statuses.iter().map(u16::to_string);
        let statuses = statuses.collect::<Vec<_>>().join(", ");
        format!("\n- `{}` ({statuses}): {}", word.error, word.cure)
    });
    let words = words.collect::<String>();
    let words = format!("A stable word; more may be added.\n{words}");
    error.description = Some(words);
}

/// Drops schemas that are only inlined in others, such as the content of an envelope.
fn drop_unused_schemas(openapi: &mut OpenApi) {
    let written = openapi.to_json().expect("strings and numbers are JSON");
    if let Some(components) = &mut openapi.components {
        let is_used = |name: &String| written.contains(&format!("\"#/components/schemas/{name}\""));
        components.schemas.retain(|name, _| is_used(name));
    }
}

fn response(status: &str, meaning: &str) -> Response {
    let body = Ref::from_schema_name("FailureEnvelope");
    let is_of_status = |of: &u16| of.to_string() == status;
    let words = WORDS
        .iter()
        .filter(|word| word.statuses.iter().any(is_of_status))
        .map(|word| format!("`{}`", word.error));
    let words = words.collect::<Vec<_>>().join(", ");
    let response = ResponseBuilder::new()
        .description(format!("{meaning} `error`: {words}."))
        .content("application/json", Content::new(Some(RefOr::Ref(body))));
    match status {
        "429" | "503" => response.header("Retry-After", retry_after()).build(),
        _ => response.build(),
    }
}

fn retry_after() -> Header {
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1));
    let mut header = Header::new(seconds);
    header.description = Some("Seconds to wait before trying again.".into());
    header
}
