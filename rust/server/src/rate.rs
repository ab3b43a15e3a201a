//! How many requests a key, or an address without one, may send in a time.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::keys::Key;

/// After so many requests, who has been quiet is forgotten.
const SWEEP: u32 = 4096;

/// So many requests in a time, all at once if need be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(Quota);

impl Rate {
    /// `100/s`, `600/m` or `10000/h`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let count: NonZeroU32 = count.parse().ok()?;
        Some(Self(match unit {
            "s" => Quota::per_second(count),
            "m" => Quota::per_minute(count),
            "h" => Quota::per_hour(count),
            _ => return None,
        }))
    }
}

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Key(String),
    Address(IpAddr),
}

/// Counts requests.
pub struct Limiter {
    limiter: RateLimiter<Who, HashMapStateStore<Who>, DefaultClock>,
    clock: DefaultClock,
    calls: AtomicU32,
}

impl Limiter {
    pub fn new(rate: Rate) -> Self {
        Self {
            limiter: RateLimiter::hashmap(rate.0),
            clock: DefaultClock::default(),
            calls: AtomicU32::new(0),
        }
    }

    /// May one more request be answered? Otherwise, how long to wait.
    pub fn check(&self, key: Option<&Arc<Key>>, address: IpAddr) -> Result<(), Duration> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        let who = match key {
            Some(key) => Who::Key(key.name.clone()),
            None => Who::Address(network(address)),
        };
        self.limiter.check_key(&who).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// One client may have a whole network of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        for good in ["1/s", "600/m", "4294967295/h"] {
            assert!(Rate::parse(good).is_some(), "{good}");
        }
        for bad in ["", "1", "0/s", "-1/s", "1/d", "x/s", "1.5/s", "4294967296/s"] {
            assert!(Rate::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn each_has_its_own_count() {
        let limiter = Limiter::new(Rate::parse("2/h").unwrap());
        let (a, b) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        assert!(limiter.check(None, a).is_ok() && limiter.check(None, b).is_ok());
        let wait = limiter.check(None, a).unwrap_err();
        assert!(wait > Duration::from_secs(1700) && wait <= Duration::from_secs(1800), "{wait:?}");
        assert!(limiter.check(None, "::ffff:1.2.3.4".parse().unwrap()).is_ok());
    }

    #[test]
    fn the_quiet_are_forgotten() {
        let limiter = Limiter::new(Rate::parse("1000000/s").unwrap());
        for i in 0..20_000_u32 {
            let _ = limiter.check(None, std::net::Ipv4Addr::from_bits(i).into());
        }
        assert!(limiter.limiter.len() < 3 * SWEEP as usize, "{}", limiter.limiter.len());
    }
}
