//! Time, as an input: milliseconds since 1970 in UTC, from a [`Clock`] that tests can set.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, UNIX_EPOCH},
};

/// A moment: milliseconds since 1970-01-01T00:00:00Z, up to the end of the year 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last moment of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// What stands for a moment that was not said: beyond all moments, so that none is taken for it.
    pub(crate) const UNSAID: Self = Self(u64::MAX);

    /// The moment so many milliseconds after 1970; later than [`Self::MAX`] becomes [`Self::MAX`].
    #[must_use]
    pub const fn at_ms(ms: u64) -> Self {
        if ms > Self::MAX.0 { Self::MAX } else { Self(ms) }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// The year it lies in, in UTC.
    #[must_use]
    pub fn year(self) -> u32 {
        // RFC 3339 writes the year first.
        self.to_string().get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970)
    }

    /// This moment and so much longer.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self::at_ms(self.0.saturating_add(millis(span)))
    }

    /// This moment and so much earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

/// So many days.
#[must_use]
pub const fn days(count: u32) -> Duration {
    Duration::from_secs(count as u64 * 24 * 60 * 60)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::UNSAID {
            return f.write_str("unsaid");
        }
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(self.0)).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::UNSAID {
            return f.write_str("unsaid");
        }
        // As text: `humantime`'s own `Debug` shows the inside of the system's time.
        write!(f, "{}", humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(self.0)))
    }
}

impl<C> minicbor::Encode<C> for Timestamp {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u64(self.0)?;
        Ok(())
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Timestamp {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let ms = d.u64()?;
        if ms > Self::MAX.0 {
            Err(minicbor::decode::Error::message("after the year 9999"))
        } else {
            Ok(Self(ms))
        }
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[cfg(feature = "wasm_js")]
        use web_time::{SystemTime, UNIX_EPOCH as EPOCH};
        #[cfg(not(feature = "wasm_js"))]
        use {UNIX_EPOCH as EPOCH, std::time::SystemTime};
        #[expect(clippy::disallowed_methods, reason = "the one clock that reads the system's")]
        let now = SystemTime::now();
        Timestamp::at_ms(millis(now.duration_since(EPOCH).unwrap_or_default()))
    }
}

/// A clock that stands where it is set: for tests, replays and demonstrations.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows this moment until it is moved.
    #[must_use]
    pub const fn at(moment: Timestamp) -> Self {
        Self(AtomicU64::new(moment.0))
    }

    /// Moves the hands, forwards or backwards.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.0, Ordering::SeqCst);
    }

    /// Moves the hands forwards.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().plus(span));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl<T: Clock> Clock for std::sync::Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}
