//! Positions in the WAL, and the segments it is kept in.

use std::{fmt, str::FromStr};

/// A position, as Postgres counts it: `0/3000028`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

/// A text that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position in the WAL")]
pub struct NoLsn;

impl FromStr for Lsn {
    type Err = NoLsn;

    fn from_str(text: &str) -> Result<Self, NoLsn> {
        let (high, low) = text.split_once('/').ok_or(NoLsn)?;
        let half = |text| u32::from_str_radix(text, 16).map(u64::from).map_err(|_| NoLsn);
        Ok(Self(half(high)? << 32 | half(low)?))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & u64::from(u32::MAX))
    }
}

impl serde::Serialize for Lsn {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Lsn {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How long segments are on this server: a power of two between 1 MiB and 1 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SegmentBytes(pub u64);

/// One segment, by its timeline and its number on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment {
    pub timeline: u32,
    pub number: u64,
}

impl SegmentBytes {
    /// What the server says, if it can be.
    pub fn new(bytes: u64) -> Option<Self> {
        (bytes.is_power_of_two() && (1 << 20..=1 << 30).contains(&bytes)).then_some(Self(bytes))
    }

    /// The segment that this position is in.
    pub const fn of(self, lsn: Lsn, timeline: u32) -> Segment {
        Segment { timeline, number: lsn.0 / self.0 }
    }

    /// Where a segment begins.
    pub const fn start(self, segment: Segment) -> Lsn {
        Lsn(segment.number * self.0)
    }

    /// Where the next one begins.
    pub const fn end(self, segment: Segment) -> Lsn {
        Lsn((segment.number + 1) * self.0)
    }

    /// What Postgres calls its file.
    pub fn name(self, segment: Segment) -> String {
        let in_a_log = (1 << 32) / self.0;
        let Segment { timeline, number } = segment;
        format!("{timeline:08X}{:08X}{:08X}", number / in_a_log, number % in_a_log)
    }

    /// The segment of the file of this name, if it is one's.
    pub fn segment(self, name: &str) -> Option<Segment> {
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
        if name.len() != 24 || !name.as_bytes().iter().all(is_digit) {
            return None;
        }
        let part = |at: usize| u32::from_str_radix(name.get(at..at + 8)?, 16).ok();
        let in_a_log = (1 << 32) / self.0;
        let (timeline, log, rest) = (part(0)?, u64::from(part(8)?), u64::from(part(16)?));
        (rest < in_a_log).then(|| Segment { timeline, number: log * in_a_log + rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_segments_are_written_as_postgres_writes_them() {
        let lsn: Lsn = "1/A3000028".parse().unwrap();
        assert_eq!((lsn.0, lsn.to_string().as_str()), (0x1_A300_0028, "1/A3000028"));
        let bytes = SegmentBytes::new(16 << 20).unwrap();
        let segment = bytes.of(lsn, 1);
        assert_eq!(bytes.name(segment), "0000000100000001000000A3");
        assert_eq!(bytes.segment("0000000100000001000000A3"), Some(segment));
        assert_eq!((bytes.start(segment), bytes.end(segment)), (Lsn(0x1_A300_0000), Lsn(0x1_A400_0000)));
        for other in ["0000000100000001000001A3", "00000001000000010000000a", "00000002.history", ""] {
            assert_eq!(bytes.segment(other), None, "{other}");
        }
        assert_eq!(SegmentBytes::new(3 << 20), None);
        assert!("A3".parse::<Lsn>().is_err() && "1/".parse::<Lsn>().is_err());
    }
}
