mod memory_store {
    use std::sync::Arc;

    use actors::{
        ports::SystemClock,
        testing::{MemoryStore, Stores},
    };

    async fn open() -> Stores {
        let store = MemoryStore::new(SystemClock);
        Stores::new(Arc::new(store.another()), Arc::new(store), ())
    }

    actors::store_suite!(open);
}

mod memory_bus {
    use std::sync::Arc;

    use actors::testing::{Buses, MemoryHub};

    async fn open() -> Buses {
        let hub = MemoryHub::default();
        Buses::new(Arc::new(hub.attach()), Arc::new(hub.attach()), ())
    }

    actors::bus_suite!(open);
}
