//! Limits per client address: a request beyond one is a [`Problem`] 429. Limits per chat and per seat are kept by the
//! pair.

mod counters;
mod reserved;

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use actix_web::HttpRequest;
use actors::domain::{ChatKey, PairHash};
use governor::Quota;
use ipnet::IpNet;

use super::{Problem, Result, actions::RESERVED_FOR};
use crate::config::Settings;
use counters::{AddressRate, OpenCounter};
use reserved::ReservedHashes;

pub use counters::OpenGuard;

/// Registrations are limited per minute and per day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Uploads are counted in KiB.
const KIB: usize = 1_024;

/// The limits of every client address.
pub struct AddressLimits {
    requests: AddressRate,
    registrations: AddressRate,
    registrations_of_a_day: AddressRate,
    /// Hashes that were reserved here, and counted as registrations then.
    reserved: ReservedHashes,
    uploads_kib: AddressRate,
    connections: OpenCounter,
    streams: OpenCounter,
    exempt: Vec<IpNet>,
    trusted_proxies: Vec<IpNet>,
}

impl AddressLimits {
    /// The settings were checked to be positive.
    pub fn new(settings: &Settings) -> Self {
        let limits = &settings.limits;
        let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let rate = |quota| AddressRate::new(quota, limits.addresses_remembered);
        let requests = Quota::per_second(positive(limits.requests_per_address_per_second))
            .allow_burst(positive(limits.requests_per_address_burst));
        let registrations =
            Quota::per_minute(positive(limits.registrations_per_address_per_minute));
        let of_a_day = positive(limits.registrations_per_address_per_day);
        let registrations_of_a_day = Quota::with_period(DAY / of_a_day.get())
            .map_or(registrations, |quota| quota.allow_burst(of_a_day));
        let uploads_kib = Quota::per_second(positive(limits.upload_kib_per_address_per_second))
            .allow_burst(positive(limits.upload_kib_per_address_burst));
        Self {
            requests: rate(requests),
            registrations: rate(registrations),
            registrations_of_a_day: rate(registrations_of_a_day),
            reserved: ReservedHashes::new(limits.addresses_remembered, RESERVED_FOR),
            uploads_kib: rate(uploads_kib),
            connections: OpenCounter::new(limits.connections_per_address),
            streams: OpenCounter::new(limits.streams_per_address),
            exempt: limits.exempt_addresses.clone(),
            trusted_proxies: settings.server.trusted_proxies.clone(),
        }
    }

    pub fn count_request(&self, request: &HttpRequest) -> Result<()> {
        self.take(&self.requests, self.address(request), NonZeroU32::MIN)
    }

    /// Counts a registration. One with a hash that was reserved here counts as a mere request: the reservation
    /// was counted.
    pub fn count_registration(&self, request: &HttpRequest, hash: Option<&PairHash>) -> Result<()> {
        match hash.is_some_and(|hash| self.reserved.has(ChatKey::of(hash))) {
            true => self.count_request(request),
            false => self.count_reservation(request),
        }
    }

    /// Remembers a hash whose reservation was counted.
    pub fn remember_reserved(&self, hash: &PairHash) {
        self.reserved.add(ChatKey::of(hash));
    }

    /// Counts a reservation of a hash as a registration.
    pub fn count_reservation(&self, request: &HttpRequest) -> Result<()> {
        let address = self.address(request);
        for rate in [
            &self.requests,
            &self.registrations,
            &self.registrations_of_a_day,
        ] {
            self.take(rate, address, NonZeroU32::MIN)?;
        }
        Ok(())
    }

    /// Counts a request's body, rounded up to KiB.
    pub fn count_upload(&self, from: IpAddr, bytes: usize) -> Result<()> {
        match NonZeroU32::new(bytes.div_ceil(KIB) as u32) {
            Some(kib) => self.take(&self.uploads_kib, from, kib),
            None => Ok(()),
        }
    }

    /// Counts a connection until the guard is dropped; `None` when its address has too many. Trusted proxies
    /// are not limited, since they carry everybody's connections.
    pub fn count_connection(&self, peer: IpAddr) -> Option<OpenGuard> {
        let peer = peer.to_canonical();
        match self.is_exempt(peer) || self.is_trusted(peer) {
            true => Some(OpenGuard::default()),
            false => self.connections.open(peer),
        }
    }

    /// Counts a stream until the guard is dropped.
    pub fn count_stream(&self, request: &HttpRequest) -> Result<OpenGuard> {
        let address = self.address(request);
        match self.is_exempt(address) {
            true => Ok(OpenGuard::default()),
            false => {
                let counted = self.streams.open(address);
                counted.ok_or_else(|| Problem::too_many(Duration::from_secs(1)))
            }
        }
    }

    /// Drops the counters of addresses whose quota is full again.
    pub fn forget_quiet(&self) {
        for (_, rate) in self.rates() {
            rate.forget_quiet();
        }
        self.reserved.forget_old();
    }

    /// How many addresses each limit has a counter for.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let open = [
            ("connections", self.connections.len()),
            ("streams", self.streams.len()),
        ];
        let rates = self.rates().map(|(name, rate)| (name, rate.len()));
        rates.into_iter().chain(open)
    }

    fn rates(&self) -> [(&'static str, &AddressRate); 4] {
        [
            ("requests", &self.requests),
            ("registrations", &self.registrations),
            ("registrations_of_a_day", &self.registrations_of_a_day),
            ("uploads", &self.uploads_kib),
        ]
    }

    fn take(&self, rate: &AddressRate, address: IpAddr, count: NonZeroU32) -> Result<()> {
        match self.is_exempt(address) {
            true => Ok(()),
            false => rate.take(address, count).map_err(Problem::too_many),
        }
    }

    /// The client's address: the last one in `X-Forwarded-For` that is not a trusted proxy's, if the
    /// connection comes from a trusted proxy. What precedes something unparsable is ignored: anybody may have
    /// written it.
    pub fn address(&self, request: &HttpRequest) -> IpAddr {
        let peer = request
            .peer_addr()
            .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
        let headers = request.headers().get_all("x-forwarded-for");
        let addresses: Vec<&[u8]> = headers
            .flat_map(|list| list.as_bytes().split(|byte| *byte == b','))
            .collect();
        let mut forwarded = addresses
            .into_iter()
            .rev()
            .map_while(|address| address_of(str::from_utf8(address).ok()?.trim()));
        let mut client = peer.to_canonical();
        while self.is_trusted(client) {
            match forwarded.next() {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }

    /// The peer's address, if it sent `X-Forwarded-For` and is not a trusted proxy.
    pub fn untrusted_proxy(&self, request: &HttpRequest) -> Option<IpAddr> {
        if !request.headers().contains_key("x-forwarded-for") {
            return None;
        }
        let peer = request.peer_addr()?.ip().to_canonical();
        (!self.is_trusted(peer)).then_some(peer)
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(&address))
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        let mut proxies = self.trusted_proxies.iter();
        proxies.any(|network| network.contains(&address))
    }
}

/// Parses an address; some proxies add the port, or put one of IPv6 in brackets.
fn address_of(text: &str) -> Option<IpAddr> {
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok().or_else(with_port)
}
