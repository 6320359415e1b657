//! Ports for processes that cannot be asked which one they were given.

use std::net::{Ipv4Addr, TcpListener};

use uuid::Uuid;

/// Below what Linux gives to whoever does not care, as a caller too: none of these is taken by somebody's connection between being found free here and
/// being listened at.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// So many, all free at one moment, on this machine's own address.
pub fn free(count: usize) -> Vec<u16> {
    let mut held: Vec<(u16, TcpListener)> = Vec::new();
    while held.len() < count {
        let port = FIRST + drawn() % COUNT;
        // What is taken fails; what is held here already does too.
        held.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(|listener| (port, listener)));
    }
    held.into_iter().map(|(port, _)| port).collect()
}

fn drawn() -> u16 {
    let bytes = Uuid::now_v7().into_bytes();
    u16::from_be_bytes([bytes[14], bytes[15]])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_is_another_and_can_be_listened_at() {
        let ports = free(20);
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 20);
        let held: Vec<_> = ports.iter().map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port))).collect();
        assert!(held.iter().all(Result::is_ok));
        assert!(ports.iter().all(|port| (FIRST..32_768).contains(port)), "{ports:?}");
    }
}
