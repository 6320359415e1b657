//! Moves between what [`MemberWorld`] has of members and databases of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    databases::DatabaseWorld,
    ledger::{Entry, Fault, Ledger},
    members::{FakeMember, MemberWorld},
};
use crate::{
    Version,
    account::OwnerId,
    copies::{Bringing, Brought, Changes, CopyError, Moved, Moves, Moving, Omitted, Onto, Sharing, Webhook},
    databases::{Beside, Counts, DatabaseError, Name, Owner},
    members::{ActiveWorkflow, ExecutionId, Place, WorkflowId},
};

/// The shared state. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct MoveWorld {
    databases: DatabaseWorld,
    members: MemberWorld,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    /// What n8n listens on with each database.
    webhooks: BTreeMap<Name, u64>,
    /// What waits in each since it was filled.
    waiting: BTreeMap<Name, BTreeSet<ExecutionId>>,
    /// After which number each begins to number executions.
    numbers: BTreeMap<Name, i32>,
    /// What somebody did in each since it was filled.
    changes: BTreeMap<Name, Changes>,
    /// Whom each member was that is kept beside what is called so.
    kept: BTreeMap<Name, FakeMember>,
}

impl MoveWorld {
    /// Between these members and these databases.
    pub fn of(databases: &DatabaseWorld, members: &MemberWorld) -> Self {
        Self { databases: databases.clone(), members: members.clone(), ..Self::default() }
    }

    /// A handle on this world whose calls carry this name in the ledger.
    pub fn actor(&self, name: &str) -> FakeMoves {
        FakeMoves { world: self.clone(), actor: name.to_owned() }
    }

    /// Every call so far, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state().ledger.entries.clone()
    }

    /// After which number this one begins to number executions, if that was said.
    pub fn numbers_after(&self, name: &Name) -> Option<i32> {
        self.state().numbers.get(name).copied()
    }

    /// Lets somebody have done this in the database since it was filled.
    pub fn set_changes(&self, name: Name, changes: Changes) {
        self.state().changes.insert(name, changes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One actor's handle on a [`MoveWorld`].
#[derive(Debug, Clone)]
pub struct FakeMoves {
    world: MoveWorld,
    actor: String,
}

fn away() -> CopyError {
    DatabaseError::Unavailable(sqlx::Error::PoolTimedOut).into()
}

impl FakeMoves {
    fn call<T>(
        &self,
        verb: &'static str,
        name: &Name,
        effect: impl FnOnce() -> Result<T, CopyError>,
    ) -> Result<T, CopyError> {
        let fault = {
            let mut state = self.world.state();
            state.ledger.begin(verb, name.to_string(), &self.actor)
        };
        match fault {
            None => effect(),
            Some(Fault::BeforeEffect) => Err(away()),
            Some(Fault::AfterEffect) => effect().and_then(|_| Err(away())),
        }
    }
}

#[async_trait]
impl Moves for FakeMoves {
    async fn fill(&self, from: &Name, to: &Name, moving: &Moving) -> Result<Moved, CopyError> {
        let place = &moving.sharing.place;
        let (databases, members) = (&self.world.databases, &self.world.members);
        self.call("fill", to, || {
            let member = members.member(from, &place.project).filter(|member| member.place == *place);
            let member = member.ok_or_else(|| CopyError::NoMember(place.project.clone()))?;
            let there = databases.database(to).ok_or(DatabaseError::NoDatabase(*to))?;
            if there.instance_owner.is_some() && !moving.again {
                return Err(CopyError::NotWhole("somebody is in it".to_owned()));
            }
            let known = |workflow| member.workflows.contains_key(workflow);
            if !moving.active.iter().all(|one| known(&one.workflow)) {
                return Err(CopyError::NotWhole("an active workflow is missing".to_owned()));
            }
            let counts = Counts {
                workflows: member.workflows.len() as u64,
                active_workflows: moving.active.len() as u64,
                credentials: member.credentials,
                executions: if moving.executions { member.ended + member.aside.len() as u64 } else { 0 },
            };
            let owner = Owner {
                email: moving.owner.email.clone(),
                first_name: moving.owner.first_name.clone(),
                last_name: moving.owner.last_name.clone(),
                password_hash: member.password_hash.clone(),
            };
            self.world.state().webhooks.insert(*to, counts.active_workflows);
            let waiting = if moving.executions { member.aside.clone() } else { BTreeSet::new() };
            self.world.state().waiting.insert(*to, waiting);
            databases.change(to, |database| {
                database.counts = counts;
                database.instance_owner = Some((OwnerId(place.user.0), owner));
            });
            Ok(Moved { counts, unopened: 0, rows: counts.workflows + counts.executions })
        })
    }

    async fn bring(
        &self,
        (from, beside): (&Name, Option<Beside>),
        into: &Name,
        bringing: &Bringing,
    ) -> Result<Brought, CopyError> {
        let (place, databases, members) = (&bringing.place, &self.world.databases, &self.world.members);
        let executes = bringing.onto == Onto::WhatTheyHave { executions: true };
        self.call("bring", into, || {
            let own = match beside {
                None => databases.database(from),
                Some(which) => databases.beside(from, which),
            };
            let Counts { workflows, active_workflows, credentials, executions } =
                own.ok_or(DatabaseError::NoDatabase(*from))?.counts;
            let member = members.member(into, &place.project).filter(|member| member.place == *place);
            let member = member.ok_or_else(|| CopyError::NoMember(place.project.clone()))?;
            let named = |number: u64| WorkflowId(format!("own-{number}"));
            let kept = self.world.state().kept.get(from).filter(|_| beside == Some(Beside::Former)).cloned();
            let has_nothing = member.workflows.is_empty() && member.credentials == 0;
            members.change(into, &place.project, |member| match (bringing.onto, kept) {
                (Onto::WhatTheyHave { .. }, Some(kept)) => {
                    member.workflows = kept.workflows.into_keys().map(|workflow| (workflow, None)).collect();
                    (member.steps, member.credentials, member.ended) =
                        (kept.steps, kept.credentials, kept.ended);
                    (member.waiting, member.aside) = (&kept.waiting | &kept.aside, BTreeSet::new());
                }
                (Onto::Nothing, _) if !has_nothing => {}
                (onto, _) => {
                    member.workflows = (0..workflows).map(|number| (named(number), None)).collect();
                    member.credentials = credentials;
                    if onto != Onto::Nothing {
                        (member.steps, member.waiting, member.aside) = Default::default();
                        member.ended = if executes { executions } else { 0 };
                    }
                }
            });
            let active = |number| ActiveWorkflow { workflow: named(number), version: "v".to_owned() };
            let missing = (executions > 0 && !executes)
                .then(|| Omitted::new(format!("{executions} executions"), "they stay"));
            Ok(Brought {
                counts: Counts {
                    workflows,
                    active_workflows,
                    credentials,
                    executions: if executes { executions } else { 0 },
                },
                active: (0..active_workflows).map(active).collect(),
                webhooks: active_workflows,
                unopened: 0,
                missing: missing.into_iter().collect(),
            })
        })
    }

    async fn keep(
        &self,
        from: &Name,
        (name, release): (&Name, Version),
        sharing: &Sharing,
    ) -> Result<Counts, CopyError> {
        self.call("keep", name, || {
            let place = &sharing.place;
            let member =
                self.world.members.member(from, &place.project).filter(|member| member.place == *place);
            let member = member.ok_or_else(|| CopyError::NoMember(place.project.clone()))?;
            let counts = Counts {
                workflows: member.workflows.len() as u64,
                active_workflows: member.workflows.values().flatten().count() as u64,
                credentials: member.credentials,
                executions: member.ended + (member.waiting.len() + member.aside.len()) as u64,
            };
            self.world.databases.keep_beside(name, release, counts)?;
            self.world.state().kept.insert(*name, member);
            Ok(counts)
        })
    }

    async fn changes(&self, _: &Name, _: &Place, own: &Name) -> Result<Changes, CopyError> {
        self.world.databases.database(own).ok_or(DatabaseError::NoDatabase(*own))?;
        let state = self.world.state();
        let still_waiting = state.waiting.get(own).cloned().unwrap_or_default();
        let same = Changes { still_waiting, ..Changes::default() };
        Ok(state.changes.get(own).cloned().unwrap_or(same))
    }

    async fn number_after(&self, name: &Name, number: i32) -> Result<(), CopyError> {
        self.call("number_after", name, || {
            self.world.databases.database(name).ok_or(DatabaseError::NoDatabase(*name))?;
            self.world.state().numbers.insert(*name, number);
            Ok(())
        })
    }

    async fn webhooks(&self, name: &Name) -> Result<Vec<Webhook>, CopyError> {
        self.world.databases.database(name).ok_or(DatabaseError::NoDatabase(*name))?;
        let count = self.world.state().webhooks.get(name).copied().unwrap_or_default();
        Ok((0..count).map(|path| Webhook { method: "POST".to_owned(), path: path.to_string() }).collect())
    }
}
