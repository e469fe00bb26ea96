//! The events of a stream, as far as OpenAPI can describe them: the fields of one event, and the schema of the
//! JSON in its `data`. Generators make a type of each.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{ObjectBuilder, OneOfBuilder, Type},
    },
};

use crate::http::wire::{
    events::{EndedView, HelloView, PresenceView, ReceiptView, SeatView, TypingView},
    messages::MessageView,
};

/// One event of a stream.
pub struct StreamEvent;

/// Nothing has happened for fifteen seconds, and the connection lives.
#[derive(ToSchema)]
pub struct Ping {}

/// A kind of event.
struct Kind {
    event: &'static str,
    /// Whether it has an id to resume from.
    has_id: bool,
    /// The schema of its data.
    data: Cow<'static, str>,
}

fn kinds() -> [Kind; 8] {
    let with_id = |event, data| Kind {
        event,
        has_id: true,
        data,
    };
    let bare = |event, data| Kind {
        event,
        has_id: false,
        data,
    };
    [
        with_id("hello", HelloView::name()),
        with_id("message", MessageView::name()),
        bare("presence", PresenceView::name()),
        bare("typing", TypingView::name()),
        bare("receipt", ReceiptView::name()),
        bare("seat", SeatView::name()),
        bare("ended", EndedView::name()),
        bare("ping", Ping::name()),
    ]
}

impl Kind {
    fn schema(self) -> ObjectBuilder {
        let event = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some([self.event]));
        // The name of the type in generated clients.
        let title = format!("{}Event", self.data);
        let data = ObjectBuilder::new()
            .schema_type(Type::String)
            .content_media_type("application/json")
            .content_schema(Some(Ref::from_schema_name(self.data)));
        let block = ObjectBuilder::new()
            .title(Some(title))
            .property("event", event)
            .required("event")
            .property("data", data)
            .required("data");
        if !self.has_id {
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
}

impl PartialSchema for StreamEvent {
    fn schema() -> RefOr<Schema> {
        let one = OneOfBuilder::new().description(Some("One event of a stream."));
        kinds()
            .into_iter()
            .fold(one, |one, kind| one.item(kind.schema()))
            .into()
    }
}

impl ToSchema for StreamEvent {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        fn with<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((T::name().into(), T::schema()));
            T::schemas(schemas);
        }
        with::<HelloView<'_>>(schemas);
        with::<MessageView<'_>>(schemas);
        with::<PresenceView<'_>>(schemas);
        with::<TypingView<'_>>(schemas);
        with::<ReceiptView>(schemas);
        with::<SeatView<'_>>(schemas);
        with::<EndedView<'_>>(schemas);
        with::<Ping>(schemas);
    }
}
