//! Limits by address. What counts per chat and per seat is kept by the pair.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
};

use actix_web::HttpRequest;
use dashmap::DashMap;
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};
use ipnet::IpNet;

use super::envelope::Problem;
use crate::config::Settings;

/// What one address may do.
pub struct AddressLimits {
    requests: DefaultKeyedRateLimiter<IpAddr>,
    registrations: DefaultKeyedRateLimiter<IpAddr>,
    connections: Arc<DashMap<IpAddr, usize>>,
    connections_max: usize,
    exempt: Vec<IpNet>,
    trusted_proxies: Vec<IpNet>,
}

impl AddressLimits {
    /// As the settings say; they were checked to be positive.
    pub fn new(settings: &Settings) -> Self {
        let limits = &settings.limits;
        let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let requests = Quota::per_second(positive(limits.requests_per_address_per_second))
            .allow_burst(positive(limits.requests_per_address_burst));
        let registrations =
            Quota::per_minute(positive(limits.registrations_per_address_per_minute));
        Self {
            requests: DefaultKeyedRateLimiter::keyed(requests),
            registrations: DefaultKeyedRateLimiter::keyed(registrations),
            connections: Arc::default(),
            connections_max: limits.connections_per_address,
            exempt: limits.exempt_addresses.clone(),
            trusted_proxies: settings.server.trusted_proxies.clone(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`Problem`] 429 when there were too many.
    pub fn request(&self, request: &HttpRequest) -> Result<(), Problem> {
        self.check(&self.requests, request)
    }

    /// Counts a registration or a reservation.
    ///
    /// # Errors
    /// [`Problem`] 429 when there were too many.
    pub fn registration(&self, request: &HttpRequest) -> Result<(), Problem> {
        self.check(&self.requests, request)?;
        self.check(&self.registrations, request)
    }

    /// Counts a connection for as long as the answer lives; nothing where its address has as many
    /// as it may. A trusted proxy has those of everybody.
    pub fn connection(&self, peer: IpAddr) -> Option<OpenConnection> {
        let peer = peer.to_canonical();
        let address = network(peer);
        if self.is_exempt(peer) || self.is_trusted(peer) {
            return Some(OpenConnection(None));
        }
        let mut open = self.connections.entry(address).or_default();
        if *open >= self.connections_max {
            return None;
        }
        *open += 1;
        Some(OpenConnection(Some((self.connections.clone(), address))))
    }

    /// Forgets addresses that have been quiet for long enough to start afresh.
    pub fn forget_quiet(&self) {
        self.requests.retain_recent();
        self.registrations.retain_recent();
    }

    fn check(
        &self,
        limiter: &DefaultKeyedRateLimiter<IpAddr>,
        request: &HttpRequest,
    ) -> Result<(), Problem> {
        let address = self.address(request);
        if self.is_exempt(address) {
            return Ok(());
        }
        limiter.check_key(&network(address)).map_err(|not_until| {
            Problem::too_many(not_until.wait_time_from(DefaultClock::default().now()))
        })
    }

    /// The client's address: the last one in `X-Forwarded-For` that is not a trusted proxy's, if
    /// the connection comes from one. What stands before something that is no address was
    /// written by nobody knows whom.
    fn address(&self, request: &HttpRequest) -> IpAddr {
        let peer = request
            .peer_addr()
            .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
        let headers: Vec<&str> = request
            .headers()
            .get_all("x-forwarded-for")
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        let mut forwarded = headers
            .iter()
            .flat_map(|value| value.split(','))
            .rev()
            .map_while(|address| address_of(address.trim()));
        let mut client = peer.to_canonical();
        while self.is_trusted(client) {
            match forwarded.next() {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(&address))
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        let mut proxies = self.trusted_proxies.iter();
        proxies.any(|network| network.contains(&address))
    }
}

/// An open connection, which counts while it lives where its address is counted.
pub struct OpenConnection(Option<(Arc<DashMap<IpAddr, usize>>, IpAddr)>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some((connections, address)) = &self.0 {
            connections.alter(address, |_, open| open.saturating_sub(1));
            connections.remove_if(address, |_, open| *open == 0);
        }
    }
}

/// Some proxies write the port as well.
fn address_of(text: &str) -> Option<IpAddr> {
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    text.parse().ok().or_else(with_port)
}

/// One person commands a whole /64 of IPv6, so that is what is counted.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    }
}
