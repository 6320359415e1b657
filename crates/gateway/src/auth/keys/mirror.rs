//! The keys that are good, as of a moment.

use std::{collections::HashMap, sync::Arc, time::Instant};

use common::id::KeyId;
use time::OffsetDateTime;

use super::FRESH;
use crate::{
    auth::{KeyScope, LiveKey, Role, Scope},
    store::keys::{Changes, KeyRow},
};

/// As the record has it. `None`: it is not good, or says what this release does not understand.
fn live(row: KeyRow) -> Option<LiveKey> {
    let role: Role = row.role.parse().ok()?;
    let scope = match (role, row.tenants) {
        (Role::Owner, Some(tenants)) => Scope::of(tenants),
        (Role::Owner, None) => return None,
        (Role::Service, None) => Scope::customers(),
        (Role::Admin | Role::Operator, None) => Scope::all(),
        (Role::Admin | Role::Operator | Role::Service, Some(_)) => return None,
    };
    (!row.revoked).then_some(LiveKey {
        id: row.id,
        hash: row.hash.try_into().ok()?,
        role,
        scope,
        // A later release's scopes are of no use in this one.
        scopes: row.scopes.iter().filter_map(|word| KeyScope::of_word(word)).collect(),
        ancestors: row.ancestors,
        expires_at: row.expires_at,
    })
}

/// The keys up to a revision.
#[derive(Debug, Default)]
pub struct Mirror {
    revision: i64,
    /// What it says was true after this moment.
    asked: Option<Instant>,
    live: HashMap<KeyId, Arc<LiveKey>>,
}

impl Mirror {
    /// Up to where the record is known.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Whether it is good enough for a request that came then.
    pub fn is_fresh(&self, arrived: Instant) -> bool {
        self.asked.is_some_and(|asked| asked >= arrived || asked.elapsed() < FRESH)
    }

    /// The key with this id, if it is good. Nothing is that was made with what is not.
    pub fn good(&self, id: KeyId, now: OffsetDateTime) -> Option<Arc<LiveKey>> {
        let lives = |id| self.live.get(id).filter(|key| now < key.expires_at);
        let key = lives(&id)?;
        key.ancestors.iter().all(|ancestor| lives(ancestor).is_some()).then(|| Arc::clone(key))
    }

    /// What is read next is all there is. Whoever was let in by what was true until now is not turned away half way.
    pub fn begin_anew(&mut self) {
        (self.revision, self.asked) = (0, None);
    }

    /// Takes what changed, as it was asked for at this moment.
    pub fn take(&mut self, changes: Changes, asked: Instant, now: OffsetDateTime) {
        let some = !changes.keys.is_empty();
        if self.revision == 0 {
            // These are all there are.
            self.live.clear();
        }
        for row in changes.keys {
            let id = row.id;
            match live(row) {
                Some(key) => drop(self.live.insert(id, Arc::new(key))),
                None => drop(self.live.remove(&id)),
            }
        }
        if some {
            self.live.retain(|_, key| now < key.expires_at);
        }
        self.revision = changes.revision;
        self.asked = Some(asked);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(ancestors: &[KeyId], now: OffsetDateTime) -> KeyRow {
        KeyRow {
            id: KeyId::generate(),
            hash: vec![7; 32],
            role: "service".into(),
            tenants: None,
            scopes: vec!["tenants:read".into(), "moons:write".into()],
            ancestors: ancestors.to_vec(),
            expires_at: now + Duration::from_secs(60),
            revoked: false,
        }
    }

    #[test]
    fn a_key_dies_with_any_that_it_was_made_with_whatever_is_told_first() {
        let (mut mirror, now) = (Mirror::default(), common::clock::now());
        let first = row(&[], now);
        let second = row(&[first.id], now);
        let third = row(&[first.id, second.id], now);
        let ids = [first.id, second.id, third.id];
        let good = |mirror: &Mirror, now| ids.map(|id| mirror.good(id, now).is_some());
        mirror.take(Changes { revision: 2, keys: vec![third, second] }, Instant::now(), now);
        assert_eq!(good(&mirror, now), [false; 3], "the first is not known");
        mirror.take(Changes { revision: 3, keys: vec![first.clone()] }, Instant::now(), now);
        assert_eq!(good(&mirror, now), [true; 3]);
        assert_eq!(good(&mirror, now + Duration::from_secs(60)), [false; 3]);
        assert_eq!(mirror.good(ids[0], now).unwrap().scopes(), [KeyScope::TenantsRead]);
        let revoked = KeyRow { revoked: true, ..first };
        mirror.take(Changes { revision: 4, keys: vec![revoked] }, Instant::now(), now);
        assert_eq!((good(&mirror, now), mirror.revision()), ([false; 3], 4));
    }

    #[test]
    fn what_is_not_understood_is_not_good() {
        let now = common::clock::now();
        let bad = [
            KeyRow { role: "emperor".into(), ..row(&[], now) },
            KeyRow { role: "owner".into(), ..row(&[], now) },
            KeyRow { tenants: Some(vec![]), ..row(&[], now) },
            KeyRow { hash: vec![7; 31], ..row(&[], now) },
        ];
        for row in bad {
            assert!(live(row.clone()).is_none(), "{row:?}");
        }
        assert!(live(row(&[], now)).is_some());
    }
}
