//! Networks without an exit.
//!
//! The engine keeps packets of an `internal` network in and gives its containers no route. Three things are left to us: the engine's machine has an
//! address in each network, unless it is told not to; the engine's own resolver asks others on behalf of containers, from its machine if those are
//! there, until version 26 in internal networks too (CVE-2024-29018); and among themselves containers may say anything, which our rules for bridges
//! of this name limit (`deploy/lib/firewall.sh`).

use std::collections::HashMap;

use bollard::models::Network;
use sha2::{Digest as _, Sha256};

/// The machine has no address of its own there.
const NO_HOST: &str = "com.docker.network.bridge.inhibit_ipv4";

const BRIDGE: &str = "com.docker.network.bridge.name";

/// What bridges of networks without an exit begin with. A machine's interfaces have 15 letters at most.
const MARK: &str = "rp9x";

/// Whom containers there ask for names that the engine does not know itself: nobody, on their own loopback.
pub(super) const NO_RESOLVER: &str = "127.0.0.1";

/// That nobody answers is not told at once. Whoever asks waits for this long, instead of ten seconds.
pub(super) const IMPATIENCE: [&str; 2] = ["timeout:1", "attempts:1"];

/// The network that a container is to be in.
pub(super) struct Joinable {
    pub(super) id: String,
    pub(super) has_exit: bool,
}

/// The options of such a network.
pub(super) fn options(name: &str) -> HashMap<String, String> {
    [(NO_HOST.to_owned(), "true".to_owned()), (BRIDGE.to_owned(), bridge(name))].into()
}

/// The name of its bridge: the same for the same network, so that whoever makes it at the same time makes the same.
fn bridge(name: &str) -> String {
    let digest = hex::encode(Sha256::digest(name));
    MARK.chars().chain(digest.chars()).take(15).collect()
}

/// Whether a network has an exit. One that lacks any of what closes it has one.
pub(super) fn is_in(network: &Network) -> bool {
    let name = network.name.as_deref().unwrap_or_default();
    let is_set = |(option, value): (String, String)| {
        network.options.as_ref().and_then(|options| options.get(&option)) == Some(&value)
    };
    network.internal != Some(true) || !options(name).into_iter().all(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_lacks_a_part_of_what_closes_it_has_an_exit() {
        let closed = Network {
            name: Some("t-1".into()),
            internal: Some(true),
            options: Some(options("t-1")),
            ..Default::default()
        };
        assert!(!is_in(&closed));
        assert!(is_in(&Network { internal: Some(false), ..closed.clone() }));
        assert!(is_in(&Network { options: None, ..closed.clone() }));
        assert!(is_in(&Network { options: Some(options("t-2")), ..closed.clone() }), "another's bridge");
        assert!(is_in(&Network::default()));
    }

    #[test]
    fn a_bridges_name_fits_and_is_its_networks_own() {
        let bridges = ["tenant-1", "tenant-2"].map(bridge);
        assert_ne!(bridges[0], bridges[1]);
        assert!(bridges.iter().all(|name| name.len() == 15 && name.starts_with(MARK)), "{bridges:?}");
    }
}
