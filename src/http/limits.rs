//! Limits by address. What counts per chat and per seat is kept by the pair.

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

use super::{actions::RESERVED_FOR, problem::Problem};
use crate::config::Settings;
use counters::{Open, Rate};
use reserved::Reserved;

pub use counters::OneOpen;

/// A day, over which registrations are counted as well as over a minute.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What an upload is counted in.
const KIB: usize = 1_024;

/// What one address may do.
pub struct AddressLimits {
    requests: Rate,
    registrations: Rate,
    registrations_of_a_day: Rate,
    /// Hashes whose reservation was counted.
    reserved: Reserved,
    uploads_kib: Rate,
    connections: Open,
    streams: Open,
    exempt: Vec<IpNet>,
    trusted_proxies: Vec<IpNet>,
}

impl AddressLimits {
    /// As the settings say; they were checked to be positive.
    pub fn new(settings: &Settings) -> Self {
        let limits = &settings.limits;
        let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let rate = |quota| Rate::new(quota, limits.addresses_remembered);
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
            reserved: Reserved::new(limits.addresses_remembered, RESERVED_FOR),
            uploads_kib: rate(uploads_kib),
            connections: Open::new(limits.connections_per_address),
            streams: Open::new(limits.streams_per_address),
            exempt: limits.exempt_addresses.clone(),
            trusted_proxies: settings.server.trusted_proxies.clone(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`Problem`] 429 when there were too many.
    pub fn request(&self, request: &HttpRequest) -> Result<(), Problem> {
        self.take(&self.requests, self.address(request), NonZeroU32::MIN)
    }

    /// Counts a registration. One that takes a hash which was reserved here was counted with that.
    ///
    /// # Errors
    /// [`Problem`] 429 when there were too many.
    pub fn registration(
        &self,
        request: &HttpRequest,
        hash: Option<&PairHash>,
    ) -> Result<(), Problem> {
        match hash.is_some_and(|hash| self.reserved.has(ChatKey::of(hash))) {
            true => self.request(request),
            false => self.reservation(request),
        }
    }

    /// Remembers a hash that was reserved, and counted as a registration.
    pub fn reserved(&self, hash: &PairHash) {
        self.reserved.add(ChatKey::of(hash));
    }

    /// Counts a reservation, as a registration.
    ///
    /// # Errors
    /// [`Problem`] 429 when there were too many.
    pub fn reservation(&self, request: &HttpRequest) -> Result<(), Problem> {
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

    /// Counts what was read of a request's body, in bytes; one begun KiB counts whole.
    ///
    /// # Errors
    /// [`Problem`] 429 when it was too much.
    pub fn upload(&self, from: IpAddr, bytes: usize) -> Result<(), Problem> {
        match NonZeroU32::new(bytes.div_ceil(KIB) as u32) {
            Some(kib) => self.take(&self.uploads_kib, from, kib),
            None => Ok(()),
        }
    }

    /// Counts a connection for as long as the answer lives; nothing where its address has as many
    /// as it may. A trusted proxy has those of everybody.
    pub fn connection(&self, peer: IpAddr) -> Option<OneOpen> {
        let peer = peer.to_canonical();
        match self.is_exempt(peer) || self.is_trusted(peer) {
            true => Some(OneOpen::default()),
            false => self.connections.one_more(peer),
        }
    }

    /// Counts a stream for as long as the answer lives.
    ///
    /// # Errors
    /// [`Problem`] 429 when its address has as many as it may.
    pub fn stream(&self, request: &HttpRequest) -> Result<OneOpen, Problem> {
        let address = self.address(request);
        match self.is_exempt(address) {
            true => Ok(OneOpen::default()),
            false => {
                let counted = self.streams.one_more(address);
                counted.ok_or_else(|| Problem::too_many(Duration::from_secs(1)))
            }
        }
    }

    /// Forgets addresses that have been quiet for long enough to start afresh.
    pub fn forget_quiet(&self) {
        for (_, rate) in self.rates() {
            rate.forget_quiet();
        }
        self.reserved.forget_old();
    }

    /// How many addresses each limit knows.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let open = [
            ("connections", self.connections.len()),
            ("streams", self.streams.len()),
        ];
        let rates = self.rates().map(|(name, rate)| (name, rate.len()));
        rates.into_iter().chain(open)
    }

    fn rates(&self) -> [(&'static str, &Rate); 4] {
        [
            ("requests", &self.requests),
            ("registrations", &self.registrations),
            ("registrations_of_a_day", &self.registrations_of_a_day),
            ("uploads", &self.uploads_kib),
        ]
    }

    fn take(&self, rate: &Rate, address: IpAddr, count: NonZeroU32) -> Result<(), Problem> {
        match self.is_exempt(address) {
            true => Ok(()),
            false => rate.take(address, count).map_err(Problem::too_many),
        }
    }

    /// The client's address: the last one in `X-Forwarded-For` that is not a trusted proxy's, if
    /// the connection comes from one. What stands before something that is no address was
    /// written by nobody knows whom.
    pub fn address(&self, request: &HttpRequest) -> IpAddr {
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

    /// The proxy that says whom a request is for and is not believed, where that is so.
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

/// Some proxies write the port as well.
fn address_of(text: &str) -> Option<IpAddr> {
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    text.parse().ok().or_else(with_port)
}
