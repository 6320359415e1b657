//! API keys: which there are, and who shows one.
//!
//! Every gateway has the keys that are good in memory, and asks the record for what changed whenever somebody shows a key and it last asked
//! [`FRESH`] ago. So a key costs no statement a request, wrong keys by the thousand cost ten statements a second, and whoever revokes one
//! knows that it is dead everywhere once they have waited for [`FRESH`] (ADR 38). When the record does not answer, no key is good.

mod mirror;
mod text;
mod used;

use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use common::{clock, database::Statements, id::KeyId, service::Tasks};
use sqlx::PgPool;
use tokio::{sync::Mutex, time::timeout};

use super::{Identity, token::invalid};
use crate::{
    problem::{Code, Problem},
    store::keys,
};

pub use self::text::KeyText;
use self::{mirror::Mirror, used::Used};

/// For how long what was read of the keys is taken for true.
pub const FRESH: Duration = Duration::from_millis(100);
/// A record that takes longer to answer this small a question is away.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// The same for every key that is not good, so that nobody learns which ids there are.
const UNKNOWN: &str = "There is no such API key, or not any more.";
const MALFORMED: &str =
    "An API key reads `rp9_`, 32 hexadecimal digits, `_` and 64 hexadecimal digits, all of them small.";

/// The keys, as this process knows them.
pub struct Keys {
    statements: Statements,
    mirror: RwLock<Mirror>,
    /// Who asks the record, and when somebody last did in vain.
    turn: Mutex<Option<Instant>>,
    used: Arc<Used>,
}

impl Keys {
    /// Knows none yet. Begins to note when keys are used.
    pub fn start(statements: Statements, database: PgPool, tasks: &Tasks) -> Self {
        let used = Arc::new(Used::default());
        used::keep_writing(&used, database, tasks);
        Self { statements, mirror: RwLock::default(), turn: Mutex::default(), used }
    }

    /// Whose key this is.
    pub async fn identify(&self, text: &str) -> Result<Identity, Problem> {
        let shown = KeyText::parse(text).ok_or_else(|| invalid(MALFORMED))?;
        self.catch_up().await?;
        let now = clock::now();
        let known = self.mirror().good(shown.id(), now);
        // Compared even where there is nothing to compare with: it takes the same time.
        let fits = shown.has_hash(known.as_ref().map_or(&[0; 32], |key| &key.hash));
        let key = known.filter(|_| fits).ok_or_else(|| invalid(UNKNOWN))?;
        self.used.note(key.id, now);
        Ok(Identity {
            subject: key.id.to_string(),
            role: key.role,
            scope: key.scope.clone(),
            until: key.expires_at.unix_timestamp(),
            key: Some(key),
        })
    }

    /// Whether this key is good still.
    pub async fn is_good(&self, id: KeyId) -> Result<bool, Problem> {
        self.catch_up().await?;
        Ok(self.mirror().good(id, clock::now()).is_some())
    }

    /// Returns when every gateway knows what was committed before.
    pub async fn known_everywhere(&self) {
        tokio::time::sleep(FRESH).await;
    }

    /// Asks the record for what changed, unless somebody has just done so. Those who come meanwhile wait for what comes of it.
    async fn catch_up(&self) -> Result<(), Problem> {
        let arrived = Instant::now();
        if self.mirror().is_fresh(arrived) {
            return Ok(());
        }
        let mut failed = self.turn.lock().await;
        if self.mirror().is_fresh(arrived) {
            return Ok(());
        }
        if failed.is_some_and(|began| began >= arrived) {
            return Err(Problem::new(Code::Unavailable));
        }
        let began = Instant::now();
        let caught_up = self.ask(began).await;
        *failed = caught_up.is_err().then_some(began);
        caught_up
    }

    async fn ask(&self, began: Instant) -> Result<(), Problem> {
        let known = self.mirror().revision();
        let asked = timeout(ANSWERED_WITHIN, self.changes(known)).await;
        match asked.unwrap_or_else(|_| Err(Problem::new(Code::Unavailable))) {
            Ok(changes) => {
                self.mirror_mut().take(changes, began, clock::now());
                Ok(())
            }
            Err(problem) => {
                // What comes back may be an older copy: all is read anew.
                self.mirror_mut().begin_anew();
                Err(problem)
            }
        }
    }

    /// What changed since this revision, or all that is good where the record is at an earlier one: it was put back.
    async fn changes(&self, known: i64) -> Result<keys::Changes, Problem> {
        let changes = keys::changes(&self.statements, known).await?;
        if changes.revision >= known {
            return Ok(changes);
        }
        self.mirror_mut().begin_anew();
        Ok(keys::changes(&self.statements, 0).await?)
    }

    fn mirror(&self) -> RwLockReadGuard<'_, Mirror> {
        self.mirror.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn mirror_mut(&self) -> RwLockWriteGuard<'_, Mirror> {
        self.mirror.write().unwrap_or_else(PoisonError::into_inner)
    }
}
