//! The events of a stream, as far as OpenAPI can describe them: the fields of one event, and the schema of the
//! JSON in its `data`. Generators make a type of each.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{ObjectBuilder, OneOfBuilder, Type},
    },
};

use crate::http::wire::events::{Kind, kinds};

/// One event of a stream.
pub struct StreamEvent;

fn schema_of(kind: Kind) -> ObjectBuilder {
    let event = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([kind.event]));
    let data = ObjectBuilder::new()
        .schema_type(Type::String)
        .content_media_type("application/json")
        .content_schema(Some(Ref::from_schema_name(kind.data)));
    let block = ObjectBuilder::new()
        .title(Some(title(kind.event)))
        .property("event", event)
        .required("event")
        .property("data", data)
        .required("data");
    if !kind.has_id {
        return block;
    }
    let id = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "The `seq` to go on from: send it as `Last-Event-ID` after a lost connection.",
        ))
        .pattern(Some("^[0-9]+$"));
    block.property("id", id).required("id")
}

/// The name of the type in generated clients, such as `HelloEvent`.
fn title(event: &str) -> String {
    let (first, rest) = event.split_at(1);
    format!("{}{rest}Event", first.to_ascii_uppercase())
}

impl PartialSchema for StreamEvent {
    fn schema() -> RefOr<Schema> {
        let one = OneOfBuilder::new().description(Some("One event of a stream."));
        let all = kinds().into_iter().map(schema_of);
        all.fold(one, OneOfBuilder::item).into()
    }
}

impl ToSchema for StreamEvent {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for kind in kinds() {
            (kind.add_schemas)(schemas);
        }
    }
}
