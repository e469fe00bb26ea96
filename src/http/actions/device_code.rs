use actors::{
    DeviceCode, Refusal,
    domain::{AccessCode, Timestamp},
};

use super::{Caller, of_session};
use crate::http::State;

/// A code that logs the caller in on another device, once, and when it expires.
pub async fn new_device_code(
    state: &State,
    caller: &Caller,
) -> Result<(AccessCode, Timestamp), Refusal> {
    let request = DeviceCode {
        by: caller.by,
        hash: caller.hash.clone(),
    };
    let code = state.pairs.ask(caller.key, request).await;
    code.map_err(of_session)
}
