//! What a person can do about their own seat.

use actix_web::HttpResponse;
use actors::domain::{self, Browser, System, UserName};
use uuid::Uuid;
use views::{
    device::{Code, Device},
    return_code::ReturnCode,
    sessions::{Session, Sessions},
};

use super::{flash, holder::SeatRequest, wants_json};
use crate::http::{
    body::FormOrJson,
    envelope::{EmptyReply, ok},
    has_parameter,
    problem::Result,
    wire::{
        EmptyBody,
        seat::{DeviceReply, EndSessionBody, ReturnCodeReply, SessionsReply},
    },
};

/// Makes a code for another device, which its page shows.
pub async fn make_device(at: SeatRequest, _: FormOrJson<EmptyBody>) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    let (code, expires_at) = holder.caller.new_device_code().await?;
    let kept = format!("{}.{}", code.reveal(), expires_at.unix_ms());
    let mut response = holder.done(
        DeviceReply::of(&code, expires_at),
        &holder.address("device"),
    );
    let cookies = holder.cookies();
    cookies.set_for(
        flash::DEVICE_LIFE,
        &mut response,
        flash::DEVICE_COOKIE,
        kept,
    );
    Ok(response)
}

/// The code for another device, while it is good.
pub async fn device(at: SeatRequest) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    let hello = holder.snapshot().await?.hello;
    let you = hello.names[hello.seat].as_ref().map(UserName::to_string);
    let page = Device {
        encrypted: hello.encrypted,
        link: holder.link(),
        hash: holder.hash(),
        seat: holder.seat.number(),
        you: you.unwrap_or_default(),
        code: flash::kept_device(&at.request).map(|(code, expires_at_ms)| Code {
            code,
            expires_at_ms,
        }),
    };
    Ok(holder.show(|frame| views::device::page(frame, &page)))
}

/// Makes a new return code, which its page shows until it is saved.
pub async fn make_return_code(at: SeatRequest, _: FormOrJson<EmptyBody>) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    let code = holder.caller.new_return_code().await?;
    let mut response = holder.done(ReturnCodeReply::of(&code), &holder.address("return_code"));
    let cookies = holder.cookies();
    cookies.set(&mut response, flash::CODE_COOKIE, code.reveal());
    Ok(response)
}

/// The return code that is not saved yet.
pub async fn return_code(at: SeatRequest) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    holder.snapshot().await?;
    let page = ReturnCode {
        hash: holder.hash(),
        seat: holder.seat.number(),
        code: flash::kept_code(&at.request),
    };
    Ok(holder.show(|frame| views::return_code::page(frame, &page)))
}

/// The return code is saved: this browser need not keep it.
pub async fn saved(at: SeatRequest, _: FormOrJson<EmptyBody>) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    holder.snapshot().await?;
    let mut response = holder.done(EmptyReply {}, &holder.chat_url());
    holder.cookies().remove(&mut response, flash::CODE_COOKIE);
    Ok(response)
}

/// Where one is logged in.
pub async fn sessions(at: SeatRequest) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    let (sessions, current) = holder.caller.sessions().await?;
    if wants_json(&at.request) {
        return Ok(ok(SessionsReply::of(&sessions, current)));
    }
    let shown = sessions.iter().rev().map(|session| shown(session, current));
    let mut sessions: Vec<_> = shown.collect();
    // This device first, then the newest.
    sessions.sort_by_key(|session| !session.current);
    let page = Sessions {
        hash: holder.hash(),
        seat: holder.seat.number(),
        sessions,
        ended: has_parameter(&at.request, "ended"),
    };
    Ok(holder.show(|frame| views::sessions::page(frame, &page)))
}

fn shown(session: &domain::Session, current: Uuid) -> Session {
    Session {
        id: session.id.to_string(),
        since_ms: session.since.unix_ms(),
        last_seen_ms: session.last_seen.unwrap_or(session.since).unix_ms(),
        browser: session.device.browser.map(Browser::name),
        system: session.device.system.map(System::name),
        current: session.id == current,
    }
}

pub async fn end_session(
    at: SeatRequest,
    form: FormOrJson<EndSessionBody>,
) -> Result<HttpResponse> {
    let id = form.body.parse()?;
    let holder = at.holder().await?;
    holder.caller.end_session(id).await?;
    let next = format!("{}?ended", holder.address("sessions"));
    Ok(holder.done(EmptyReply {}, &next))
}
