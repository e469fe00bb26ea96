//! The OpenAPI description, generated from the code, and Swagger UI.

pub mod events;
mod responses;

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use actix_web::{HttpResponse, http::header, web};
use actors::domain::Activity;
use bytes::Bytes;
use utoipa::{
    OpenApi,
    openapi::{
        OpenApi as Description, Ref, RefOr, Required, Schema,
        path::{ParameterBuilder, ParameterIn},
        schema::{AllOfBuilder, AnyOfBuilder, ObjectBuilder, Type},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_swagger_ui::Config;

use super::{Operations, messages};
use crate::http::{
    Problem, Result, envelope::FailureEnvelope, observe::CSP_OF_DOCS, wire::messages::ReceiptBody,
};

use responses::add_responses;

/// The OpenAPI description, as JSON.
pub static OPENAPI: LazyLock<String> = LazyLock::new(|| {
    let mut api = Api::openapi();
    api.merge(Operations::openapi());
    add_activities(&mut api);
    add_hash_and_token(&mut api);
    add_bearer_scheme(&mut api);
    add_field_rules(&mut api);
    envelop_bodies(&mut api);
    add_responses(&mut api);
    api.to_pretty_json().expect("strings and numbers are JSON")
});

/// Serves the description.
pub async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(OPENAPI.as_str())
}

/// Serves a file of Swagger UI. All responses share the same bytes; the library's own handler copies a
/// megabyte for each.
pub async fn show(file: web::Path<String>) -> Result<HttpResponse> {
    let config = Arc::new(Config::from("/chat-server/openapi.json"));
    let file = utoipa_swagger_ui::serve(&file, config)
        .map_err(Problem::defect)?
        .ok_or(Problem::NoSuchPage)?;
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    Ok(HttpResponse::Ok()
        .content_type(file.content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, CSP_OF_DOCS))
        .body(bytes))
}

/// The OpenAPI description.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "duet",
        description = "A private chat between two people who share a link. Every body is \
                       `{\"data\": {…}}`; in requests the bare inner object is accepted as well. \
                       Where several things are wrong with a request, the first of this order is \
                       reported: 501, 405, 415, 413, 400, 401, 410, 404, 403, 409, 422, 429, 503.",
    ),
    servers((url = "/", description = "The server that serves this description")),
    paths(messages::notify),
    components(schemas(FailureEnvelope)),
    tags(
        (name = "registration", description = "Making chats"),
        (name = "login", description = "Logging in, and letting somebody in"),
        (name = "chat", description = "Messages and events"),
        (name = "seat", description = "The codes and sessions of the caller's seat"),
        (name = "leave", description = "Logging out, and ending the chat"),
    )
)]
struct Api;

/// Replaces the operation that stands for all activities by one for each of them.
fn add_activities(openapi: &mut Description) {
    const TEMPLATE: &str = "/chat-server/user/{hash}/{activity}";
    let paths = &mut openapi.paths.paths;
    let template = paths.remove(TEMPLATE).expect("`Api` lists its handler");
    for activity in Activity::ALL {
        let mut item = template.clone();
        if let Some(operation) = &mut item.post {
            operation.operation_id = Some(activity.word().into());
            operation.summary = Some(activity.summary().into());
        }
        paths.insert(TEMPLATE.replace("{activity}", activity.word()), item);
    }
}

/// Adds the hash and the token to every operation in a chat.
fn add_hash_and_token(openapi: &mut Description) {
    let paths = openapi.paths.paths.iter_mut();
    let in_chats = paths.filter(|(path, _)| path.contains("{hash}"));
    let operations = in_chats.flat_map(|(_, item)| [item.get.as_mut(), item.post.as_mut()]);
    for operation in operations.flatten() {
        let hash = ParameterBuilder::new()
            .name("hash")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The link's secret part"))
            .schema(Some(Ref::from_schema_name("Hash")))
            .example(Some("abc123".into()));
        let parameters = operation.parameters.get_or_insert_default();
        parameters.insert(0, RefOr::T(hash.into()));
        let bearer = SecurityRequirement::new::<_, _, String>("bearer", []);
        operation.security = Some(vec![bearer]);
    }
}

/// Describes how the token is sent.
fn add_bearer_scheme(openapi: &mut Description) {
    if let Some(components) = &mut openapi.components {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", scheme);
    }
}

/// Rules about several fields, which the derived schemas cannot express.
fn add_field_rules(openapi: &mut Description) {
    let Some(components) = &mut openapi.components else {
        return;
    };
    let mut restrict = |name: &str, to: AnyOfBuilder| {
        if let Some(schema) = components.schemas.remove(name) {
            let both = AllOfBuilder::new().item(schema).item(to);
            components.schemas.insert(name.into(), both.into());
        }
    };
    // At most one proof.
    let proofs = ["returnCode", "deviceCode", "askId"];
    let at_most = proofs.iter().fold(AnyOfBuilder::new(), |any, proof| {
        let others = proofs.iter().filter(|other| *other != proof);
        any.item(others.fold(ObjectBuilder::new(), |object, other| {
            object.property(*other, ObjectBuilder::new().schema_type(Type::Null))
        }))
    });
    restrict("LoginBody", at_most);
    // At least one mark.
    let at_least = ReceiptBody::MARKS
        .iter()
        .fold(AnyOfBuilder::new(), |any, mark| {
            let number = ObjectBuilder::new().schema_type(Type::Integer);
            any.item(ObjectBuilder::new().property(*mark, number).required(*mark))
        });
    restrict("ReceiptBody", at_least);
}

/// Request bodies may be `{"data": {…}}` or the bare object, and may be missing where they have no fields.
fn envelop_bodies(openapi: &mut Description) {
    let nothing = RefOr::Ref(Ref::from_schema_name("EmptyBody"));
    let operations = openapi.paths.paths.values_mut();
    let bodies = operations.filter_map(|item| item.post.as_mut()?.request_body.as_mut());
    for body in bodies.filter_map(inline) {
        for content in body.content.values_mut().filter_map(inline) {
            if content.schema.as_ref() == Some(&nothing) {
                body.required = Some(Required::False);
            }
            content.schema = content.schema.take().map(either);
        }
    }
}

/// The inline part; this description has no references in these places.
fn inline<T>(part: &mut RefOr<T>) -> Option<&mut T> {
    match part {
        RefOr::T(part) => Some(part),
        RefOr::Ref(_) => None,
    }
}

fn either(bare: RefOr<Schema>) -> RefOr<Schema> {
    let wrapped = ObjectBuilder::new()
        .property("data", bare.clone())
        .required("data");
    AnyOfBuilder::new().item(wrapped).item(bare).into()
}
