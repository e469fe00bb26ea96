//! The bus of a lone instance, which carries nothing.

use actors::{
    domain::{BySeat, ChatKey, Notice},
    ports::{Bus, BusError, BusState, Inbox},
};
use async_trait::async_trait;

/// The bus of a lone instance.
pub struct LocalBus;

#[async_trait]
impl Bus for LocalBus {
    async fn subscribe(&self, _: ChatKey) -> Result<(), BusError> {
        Ok(())
    }

    fn unsubscribe(&self, _: ChatKey) {}

    fn publish(&self, _: ChatKey, _: Notice) {}

    fn set_open(&self, _: ChatKey, _: BySeat<bool>) {}

    async fn open_elsewhere(&self, _: ChatKey) -> Result<BySeat<bool>, BusError> {
        Ok(BySeat::default())
    }

    fn forget(&self, _: ChatKey) {}

    fn listen(&self, _: Inbox) {}

    async fn leave(&self) {}

    async fn ping(&self) -> Result<(), BusError> {
        Ok(())
    }

    fn state(&self, _: ChatKey) -> BusState {
        BusState::Up
    }

    fn worst_state(&self) -> BusState {
        BusState::Up
    }
}
