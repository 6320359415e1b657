//! What one of those has who share an n8n becomes an n8n of their own, and the other way round: straight from database to database, without anything of
//! it ever being on a disk that is not one of these two servers'.

use async_trait::async_trait;

use super::{CopyError, Keys, Omitted, Sharing};
use crate::{
    Version,
    databases::{Beside, Counts, Name, PostgresDatabases, family},
    members::{ActiveWorkflow, Place},
};

mod alone;
mod belongs;
mod bring;
mod brought;
mod changes;
mod fill;
mod keep;
mod nodes;
mod numbers;
mod own;
mod pour;
mod replace;

pub use alone::pour_alone;
pub use changes::{Changes, Thing};
pub use fill::MADE_ANEW;
pub use own::Webhook;

/// What is moved, and to whom.
#[derive(Debug, Clone)]
pub struct Moving {
    pub sharing: Sharing,
    /// Whether executions go along.
    pub executions: bool,
    /// Whose the n8n is from then on: they sign in with this, and with the password that they have.
    pub owner: NewOwner,
    /// What is active afterwards, and nothing else.
    pub active: Vec<ActiveWorkflow>,
    /// Whether what an earlier copy of the same brought is replaced. Otherwise nobody may be in there.
    pub again: bool,
}

/// Who a member becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOwner {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
}

/// What there is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Moved {
    pub counts: Counts,
    /// Credentials that do not open with the new key: they did not open with the former one either.
    pub unopened: u64,
    /// Rows, all together.
    pub rows: u64,
}

/// What comes into a part of a shared n8n.
#[derive(Debug, Clone)]
pub struct Bringing {
    pub place: Place,
    pub keys: Keys,
    pub onto: Onto,
}

/// What it comes onto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onto {
    /// They have nothing there; what was brought before stays as it is. Executions do not come along: their numbers may be somebody else's by now.
    Nothing,
    /// What they have goes, in the same transaction, and its executions with it: those that come along, if they do, have the numbers that were theirs.
    WhatTheyHave { executions: bool },
}

impl Onto {
    /// Whether executions come along.
    const fn executions(self) -> bool {
        matches!(self, Self::WhatTheyHave { executions: true })
    }
}

/// What came, and what did not.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Brought {
    /// What came. Of the active workflows those are counted that were: here none is yet.
    pub counts: Counts,
    /// What was active where it was.
    pub active: Vec<ActiveWorkflow>,
    /// How many webhooks n8n listened on there.
    pub webhooks: u64,
    /// Credentials that do not open with the shared n8n's key: they did not open with the former one either.
    pub unopened: u64,
    /// What is there and did not come along, or does not work here, and why.
    pub missing: Vec<Omitted>,
}

/// Moves out of n8ns that are shared, and into them.
#[async_trait]
pub trait Moves: Send + Sync {
    /// Fills a database that has n8n's tables and nothing in them with what the member has at this moment in the n8n of the database `from`: the same
    /// ids, credentials encrypted with the new key, paths of webhooks without the member's prefix, and the member as the owner. All or nothing.
    /// One that has somebody in it already is refused, unless it is filled [again](Moving::again), and so is a copy in which a row is missing.
    async fn fill(&self, from: &Name, to: &Name, moving: &Moving) -> Result<Moved, CopyError>;

    /// The way into a shared n8n, whose database is `into`: what is in the database `from`, or in one beside it, becomes this member's, who is there and of
    /// whom nothing is active or runs. The same ids, credentials encrypted with the new key, paths of webhooks below the member's prefix, and nothing active.
    /// Whatever is whoever's there is theirs here. All or nothing.
    async fn bring(
        &self,
        from: (&Name, Option<Beside>),
        into: &Name,
        bringing: &Bringing,
    ) -> Result<Brought, CopyError>;

    /// Keeps what the member has in the n8n of the database `from`, with its executions, in a database beside the one that is called `name`
    /// ([`Beside::Former`]), made anew with the tables of this release, whose template has to be there, for that name's role. [`Moves::bring`] puts it back.
    async fn keep(&self, from: &Name, name: (&Name, Version), sharing: &Sharing)
    -> Result<Counts, CopyError>;

    /// What was done in the database `own` since the member whose part of `shared` that still is was moved into it.
    async fn changes(&self, shared: &Name, place: &Place, own: &Name) -> Result<Changes, CopyError>;

    /// In the n8n of this database no execution that begins from now on has this number, or an earlier one.
    async fn number_after(&self, name: &Name, number: i32) -> Result<(), CopyError>;

    /// Which webhooks n8n listens on with this database.
    async fn webhooks(&self, name: &Name) -> Result<Vec<Webhook>, CopyError>;
}

/// The real ones. Cheap to clone; clones share the login.
#[derive(Debug, Clone)]
pub struct PostgresMoves(PostgresDatabases);

impl PostgresMoves {
    /// Between databases on this server.
    pub const fn new(databases: PostgresDatabases) -> Self {
        Self(databases)
    }
}

#[async_trait]
impl Moves for PostgresMoves {
    async fn fill(&self, from: &Name, to: &Name, moving: &Moving) -> Result<Moved, CopyError> {
        fill::fill(&self.0, from, to, moving).await
    }

    async fn bring(
        &self,
        from: (&Name, Option<Beside>),
        into: &Name,
        bringing: &Bringing,
    ) -> Result<Brought, CopyError> {
        bring::bring(&self.0, from, into, bringing).await
    }

    async fn keep(
        &self,
        from: &Name,
        name: (&Name, Version),
        sharing: &Sharing,
    ) -> Result<Counts, CopyError> {
        keep::keep(&self.0, from, name, sharing).await
    }

    async fn changes(&self, shared: &Name, place: &Place, own: &Name) -> Result<Changes, CopyError> {
        let (mut shared, mut own) = (self.0.open(shared).await?, self.0.open(own).await?);
        for connection in [&mut shared, &mut own] {
            family(connection).await?;
        }
        Ok(changes::changes((&mut shared, place), &mut own).await?)
    }

    async fn number_after(&self, name: &Name, number: i32) -> Result<(), CopyError> {
        numbers::go_on_after(&mut self.0.open(name).await?, name, number).await
    }

    async fn webhooks(&self, name: &Name) -> Result<Vec<Webhook>, CopyError> {
        own::webhooks(&mut self.0.open(name).await?).await.map_err(CopyError::from)
    }
}
