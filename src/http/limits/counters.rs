//! Counters per address, in bounded memory: one person can have many addresses, with IPv6 or through proxies.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use dashmap::DashMap;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    nanos::Nanos,
    state::{
        InMemoryState, NotKeyed, StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};

/// IPv6 prefixes that providers assign to one customer or to one site (RFC 6177). Both are counted.
const CUSTOMER_BITS: u32 = 64;
const SITE_BITS: u32 = 48;
/// How many times a customer's quota a site has.
const SITE_FACTOR: u32 = 16;
/// Counters that further addresses share once the table is full.
const SHARED_LEN: usize = 1_024;

/// A rate limit per address, and a wider one per IPv6 site.
pub struct AddressRate {
    address: RateLimiter<IpAddr, KeyedCounters, DefaultClock>,
    site: RateLimiter<IpAddr, KeyedCounters, DefaultClock>,
    /// The counters of `address`, and how many there may be.
    addresses: Arc<DashMapStateStore<IpAddr>>,
    known_max: usize,
    /// The most that one call can take.
    burst: NonZeroU32,
}

impl AddressRate {
    /// Keeps a counter each for `known_max` addresses.
    pub fn new(quota: Quota, known_max: usize) -> Self {
        let factor = NonZeroU32::new(SITE_FACTOR).unwrap_or(NonZeroU32::MIN);
        let burst = quota.burst_size().saturating_mul(factor);
        let of_site = Quota::with_period(quota.replenish_interval() / SITE_FACTOR)
            .map_or(quota, |of_site| of_site.allow_burst(burst));
        let limiter = |quota, each| {
            RateLimiter::new(
                quota,
                KeyedCounters::new(each, known_max),
                DefaultClock::default(),
            )
        };
        let addresses = Arc::<DashMapStateStore<IpAddr>>::default();
        Self {
            address: limiter(quota, addresses.clone()),
            site: limiter(of_site, Arc::default()),
            addresses,
            known_max,
            burst: quota.burst_size(),
        }
    }

    /// Takes `count` from the quota; more than the burst counts as the burst.
    ///
    /// # Errors
    /// How long to wait when there were too many.
    pub fn take(&self, address: IpAddr, count: NonZeroU32) -> Result<(), Duration> {
        let count = count.min(self.burst);
        let taken = |limiter: &RateLimiter<IpAddr, KeyedCounters, DefaultClock>, key| {
            let now = DefaultClock::default().now();
            match limiter.check_key_n(&key, count) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(not_until)) => Err(not_until.wait_time_from(now)),
                // Cannot happen: `count` is at most the burst.
                Err(_) => Ok(()),
            }
        };
        let customer = network_of(address);
        let of_address = || taken(&self.address, customer);
        let of_site = || site(address).map_or(Ok(()), |site| taken(&self.site, site));
        // A newcomer whose site has nothing left must not fill the table. An address that has a counter is
        // refused by that first, so that it uses up nothing of its neighbours' quota.
        let adds_counter =
            !self.addresses.contains_key(&customer) && self.addresses.len() < self.known_max;
        match adds_counter {
            true => of_site().and_then(|()| of_address()),
            false => of_address().and_then(|()| of_site()),
        }
    }

    /// Drops the counters of addresses whose quota is full again.
    pub fn forget_quiet(&self) {
        self.address.retain_recent();
        self.site.retain_recent();
    }

    /// How many addresses and sites have a counter.
    pub fn len(&self) -> usize {
        self.address.len() + self.site.len()
    }
}

/// A counter for each of `max` addresses; further ones share `SHARED_LEN` counters.
struct KeyedCounters {
    each: Arc<DashMapStateStore<IpAddr>>,
    max: usize,
    shared: Box<[InMemoryState]>,
    hasher: RandomState,
}

impl KeyedCounters {
    fn new(each: Arc<DashMapStateStore<IpAddr>>, max: usize) -> Self {
        Self {
            each,
            max,
            shared: (0..SHARED_LEN).map(|_| InMemoryState::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl StateStore for KeyedCounters {
    type Key = IpAddr;

    fn measure_and_replace<T, F, E>(&self, key: &IpAddr, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if self.each.contains_key(key) || self.each.len() < self.max {
            return self.each.measure_and_replace(key, measure);
        }
        let shared = self.hasher.hash_one(key) as usize % self.shared.len();
        self.shared[shared].measure_and_replace(&NotKeyed::NonKey, measure)
    }
}

impl ShrinkableKeyedStateStore<IpAddr> for KeyedCounters {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&*self.each, drop_below);
    }

    fn shrink_to_fit(&self) {
        self.each.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.each.len()
    }

    fn is_empty(&self) -> bool {
        self.each.is_empty()
    }
}

/// Counts what each address and its IPv6 site have open. It holds no more addresses than there are open
/// things.
#[derive(Clone)]
pub struct OpenCounter {
    open: Arc<Open>,
    max: usize,
}

#[derive(Default)]
struct Open {
    counts: DashMap<IpAddr, usize>,
    sites: DashMap<IpAddr, usize>,
}

impl OpenCounter {
    /// At most `max` per address.
    pub fn new(max: usize) -> Self {
        Self {
            open: Arc::default(),
            max,
        }
    }

    /// Counts one more until the guard is dropped; `None` when there are too many.
    pub fn open(&self, address: IpAddr) -> Option<OpenGuard> {
        let Open { counts, sites } = &*self.open;
        let network = network_of(address);
        if !add(counts, network, self.max) {
            return None;
        }
        let site_max = self.max.saturating_mul(SITE_FACTOR as usize);
        if site(address).is_some_and(|site| !add(sites, site, site_max)) {
            take_away(counts, network);
            return None;
        }
        Some(OpenGuard(Some((self.open.clone(), address))))
    }

    /// How many addresses and sites have a counter.
    pub fn len(&self) -> usize {
        self.open.counts.len() + self.open.sites.len()
    }
}

/// Counts one as open until it is dropped. Small, since every connection and every stream has one.
#[derive(Default)]
pub struct OpenGuard(Option<(Arc<Open>, IpAddr)>);

impl Drop for OpenGuard {
    fn drop(&mut self) {
        if let Some((open, address)) = &self.0 {
            take_away(&open.counts, network_of(*address));
            if let Some(site) = site(*address) {
                take_away(&open.sites, site);
            }
        }
    }
}

/// Counts one more, if there are fewer than `max`.
fn add(counts: &DashMap<IpAddr, usize>, key: IpAddr, max: usize) -> bool {
    let mut open = counts.entry(key).or_default();
    let has_room = *open < max;
    if has_room {
        *open += 1;
    }
    has_room
}

fn take_away(counts: &DashMap<IpAddr, usize>, key: IpAddr) {
    counts.alter(&key, |_, open| open.saturating_sub(1));
    counts.remove_if(&key, |_, open| *open == 0);
}

/// The address itself, or the /64 of an IPv6 address, which one customer has.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => network(address, CUSTOMER_BITS),
    }
}

/// The /48 of an IPv6 address.
fn site(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(network(address, SITE_BITS)),
    }
}

fn network(address: Ipv6Addr, bits: u32) -> IpAddr {
    let mask = u128::MAX << (u128::BITS - bits);
    IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn an_address_with_its_whole_quota_is_forgotten() {
        let quota = Quota::with_period(Duration::from_millis(1)).unwrap();
        let rate = AddressRate::new(quota, 10);
        for address in ["192.0.2.1", "2001:db8::1"] {
            rate.take(address.parse().unwrap(), NonZeroU32::MIN)
                .unwrap();
        }
        assert_eq!(rate.len(), 3);
        let began = Instant::now();
        while rate.len() > 0 {
            rate.forget_quiet();
            assert!(began.elapsed() < Duration::from_secs(60));
        }
    }
}
