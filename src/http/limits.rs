//! Limits by address. What counts per chat and per seat is kept by the pair.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};

use actix_web::HttpRequest;
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
        if self.exempt.iter().any(|net| net.contains(&address)) {
            return Ok(());
        }
        limiter.check_key(&network(address)).map_err(|not_until| {
            Problem::too_many(not_until.wait_time_from(DefaultClock::default().now()))
        })
    }

    /// The client's address: the last one in `X-Forwarded-For` that is not a trusted proxy's, if
    /// the connection comes from one.
    fn address(&self, request: &HttpRequest) -> IpAddr {
        let peer = request
            .peer_addr()
            .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
        let trusted =
            |address: &IpAddr| self.trusted_proxies.iter().any(|net| net.contains(address));
        if !trusted(&peer) {
            return peer.to_canonical();
        }
        let forwarded: Vec<IpAddr> = request
            .headers()
            .get_all("x-forwarded-for")
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|address| address.trim().parse().ok())
            .collect();
        let client = forwarded
            .into_iter()
            .rev()
            .find(|address| !trusted(address));
        client.unwrap_or(peer).to_canonical()
    }
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
