//! Waiting to be let in.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::{domain::ChatKey, ports::AskState};
use uuid::Uuid;
use views::{
    address,
    ask::{Ask, State as Shown},
};

use super::{done, login, show_page, wants_json};
use crate::http::{
    State, actions,
    body::FormOrJson,
    envelope::ok,
    field,
    problem::Problem,
    wire::asks::{AskBody, AskReply, AskStateReply},
};

pub async fn submit(
    state: web::Data<State>,
    request: HttpRequest,
    hash: web::Path<String>,
    form: FormOrJson<AskBody>,
) -> Result<HttpResponse, Problem> {
    let user = form.body.user.clone().unwrap_or_default();
    let encrypted = form.body.auth.is_some();
    let asked = async {
        let ask = form.body.parse()?;
        let link = login::link_hash(&hash)?;
        state.limits.count_request(&request)?;
        Ok(AskReply::of(actions::ask(&state, &link, ask).await?))
    };
    match asked.await {
        Ok(reply) => {
            let next = address::ask_state(&hash, &reply.ask_id);
            Ok(done(&request, reply, &next))
        }
        Err(problem) => {
            let typed = login::LoginAttempt {
                user,
                ask: true,
                encrypted,
                ..login::LoginAttempt::default()
            };
            login::show_again(&state, &request, &hash, typed, problem).await
        }
    }
}

/// The page.
///
/// # Errors
/// [`Problem`] 403 when the chat has no such ask, 404 and 410 where there is no living chat.
pub async fn show(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    state.limits.count_request(&request)?;
    let (hash, ask_id) = path.into_inner();
    let secret = field::ask_secret(&ask_id)?;
    let link = login::link_hash(&hash)?;
    let found = actions::ask_status(&state, ChatKey::of(&link), &secret).await?;
    if wants_json(&request) {
        return Ok(ok(AskStateReply::from(found.state)));
    }
    let page = Ask {
        encrypted: found.encrypted,
        hash,
        ask_id,
        id: Uuid::new_v4().to_string(),
        user: found.user.to_string(),
        number: found.number.to_string(),
        state: match found.state {
            AskState::Waiting => Shown::Waiting,
            AskState::Allowed => Shown::Allowed,
            AskState::Refused => Shown::Refused,
            AskState::Expired => Shown::Expired,
        },
    };
    Ok(show_page(&request, |frame| views::ask::page(frame, &page)))
}
