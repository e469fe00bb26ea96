//! What is counted by address, in memory that has a bound: an address is chosen by whoever has it,
//! and with IPv6, or through a proxy, one person has many.

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

/// The bits of an IPv6 address that name the network of one customer, and of one site. Providers
/// give out the one and the other (RFC 6177), so both are counted.
const CUSTOMER_BITS: u32 = 64;
const SITE_BITS: u32 = 48;
/// How much more a site may do than one customer.
const SITE_FACTOR: u32 = 16;
/// The counters that newcomers share while too many addresses are known.
const SHARED_LEN: usize = 1_024;

/// A rate: of an address, and of the site it is in.
pub struct Rate {
    address: RateLimiter<IpAddr, Known, DefaultClock>,
    site: RateLimiter<IpAddr, Known, DefaultClock>,
    /// What an address may take at once.
    burst: NonZeroU32,
}

impl Rate {
    /// `known_max` addresses are counted one by one.
    pub fn new(quota: Quota, known_max: usize) -> Self {
        let factor = NonZeroU32::new(SITE_FACTOR).unwrap_or(NonZeroU32::MIN);
        let burst = quota.burst_size().saturating_mul(factor);
        let of_site = Quota::with_period(quota.replenish_interval() / SITE_FACTOR)
            .map_or(quota, |of_site| of_site.allow_burst(burst));
        let limiter =
            |quota| RateLimiter::new(quota, Known::new(known_max), DefaultClock::default());
        Self {
            address: limiter(quota),
            site: limiter(of_site),
            burst: quota.burst_size(),
        }
    }

    /// Takes so many; more than a burst holds count as a burst.
    ///
    /// # Errors
    /// How long to wait when there were too many.
    pub fn take(&self, address: IpAddr, count: NonZeroU32) -> Result<(), Duration> {
        let count = count.min(self.burst);
        let taken = |limiter: &RateLimiter<IpAddr, Known, DefaultClock>, key| {
            let now = DefaultClock::default().now();
            match limiter.check_key_n(&key, count) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(not_until)) => Err(not_until.wait_time_from(now)),
                // A burst holds it.
                Err(_) => Ok(()),
            }
        };
        taken(&self.address, customer(address))?;
        match site(address) {
            Some(site) => taken(&self.site, site),
            None => Ok(()),
        }
    }

    /// Forgets addresses that have been quiet for long enough to start afresh.
    pub fn forget_quiet(&self) {
        self.address.retain_recent();
        self.site.retain_recent();
    }

    /// How many addresses and sites are known.
    pub fn len(&self) -> usize {
        self.address.len() + self.site.len()
    }
}

/// A counter for each of so many addresses; those that come when it is full share some.
struct Known {
    each: DashMapStateStore<IpAddr>,
    max: usize,
    shared: Box<[InMemoryState]>,
    hasher: RandomState,
}

impl Known {
    fn new(max: usize) -> Self {
        Self {
            each: DashMap::default(),
            max,
            shared: (0..SHARED_LEN).map(|_| InMemoryState::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl StateStore for Known {
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

impl ShrinkableKeyedStateStore<IpAddr> for Known {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&self.each, drop_below);
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

/// How many of something an address, and its site, have open. It holds no more addresses than there
/// are open things.
#[derive(Clone)]
pub struct Open {
    counts: Arc<DashMap<IpAddr, usize>>,
    sites: Arc<DashMap<IpAddr, usize>>,
    max: usize,
}

impl Open {
    /// An address may have this many open.
    pub fn new(max: usize) -> Self {
        Self {
            counts: Arc::default(),
            sites: Arc::default(),
            max,
        }
    }

    /// Counts one more for as long as the answer lives; nothing where there are too many.
    pub fn one_more(&self, address: IpAddr) -> Option<OneOpen> {
        let of_address = hold(&self.counts, customer(address), self.max)?;
        let site = site(address);
        let site_max = self.max.saturating_mul(SITE_FACTOR as usize);
        let of_site = match site {
            Some(site) => Some(hold(&self.sites, site, site_max)?),
            None => None,
        };
        Some(OneOpen {
            _counted: [Some(of_address), of_site],
        })
    }

    /// How many addresses and sites are known.
    pub fn len(&self) -> usize {
        self.counts.len() + self.sites.len()
    }
}

/// Counts while it lives.
#[derive(Default)]
pub struct OneOpen {
    _counted: [Option<Held>; 2],
}

struct Held(Arc<DashMap<IpAddr, usize>>, IpAddr);

impl Drop for Held {
    fn drop(&mut self) {
        let Self(counts, key) = self;
        counts.alter(key, |_, open| open.saturating_sub(1));
        counts.remove_if(key, |_, open| *open == 0);
    }
}

fn hold(counts: &Arc<DashMap<IpAddr, usize>>, key: IpAddr, max: usize) -> Option<Held> {
    let mut open = counts.entry(key).or_default();
    if *open >= max {
        return None;
    }
    *open += 1;
    Some(Held(counts.clone(), key))
}

/// One customer commands a whole /64 of IPv6.
fn customer(address: IpAddr) -> IpAddr {
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
    fn an_address_that_was_quiet_for_long_enough_is_forgotten() {
        let quota = Quota::with_period(Duration::from_millis(1)).unwrap();
        let rate = Rate::new(quota, 10);
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
