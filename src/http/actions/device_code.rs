use actors::{
    NewDeviceCode, Refusal,
    domain::{AccessCode, Timestamp},
};

use super::Caller;
use crate::http::State;

/// A code that logs the caller in on another device, once, and when it expires.
pub async fn new_device_code(
    state: &State,
    caller: &Caller,
) -> Result<(AccessCode, Timestamp), Refusal> {
    let request = NewDeviceCode {
        by: caller.by,
        hash: caller.hash.clone(),
    };
    caller.ask(state, request).await
}
