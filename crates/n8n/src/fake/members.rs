//! The members of shared n8ns, in memory. They are where [`DatabaseWorld`] has a shared n8n's database, and go with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::ExposeSecret as _;

use super::databases::DatabaseWorld;
use super::ledger::{Entry, Fault, Ledger};
use crate::databases::{DatabaseError, Name};
use crate::members::{
    ExecutionId, Expected, Flaw, Main, Member, MemberError, MemberLimits, Place, ProjectId, Unfit, Usage,
    WorkflowId,
};

mod verbs;

/// The shared state. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct MemberWorld {
    databases: DatabaseWorld,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    main_is_away: bool,
    mains: BTreeMap<String, FakeMain>,
    members: BTreeMap<(Name, ProjectId), FakeMember>,
    started: BTreeMap<(Name, ProjectId), Usage>,
}

/// An n8n that somebody else runs.
#[derive(Debug, Clone)]
pub struct FakeMain {
    /// Where its database is.
    pub database: String,
    pub jwt_secret: String,
    pub hooks: bool,
}

/// One member, as they are in n8n's tables and the platform's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeMember {
    pub place: Place,
    pub email: String,
    pub password_hash: String,
    pub token: String,
    pub limits: MemberLimits,
    pub suspended: bool,
    pub disabled: bool,
    /// Each with the version that is active, if one is.
    pub workflows: BTreeMap<WorkflowId, Option<String>>,
    /// Which of them runs another as a step: it is active only as long as that one is.
    pub steps: BTreeMap<WorkflowId, WorkflowId>,
    pub credentials: u64,
    pub running: BTreeSet<ExecutionId>,
    /// What waits for a time or a call.
    pub waiting: BTreeSet<ExecutionId>,
    /// What waited, and was set aside.
    pub aside: BTreeSet<ExecutionId>,
    pub ended: u64,
    /// What somebody changed of its rows, beside what the fields above tell.
    pub damage: BTreeSet<Flaw>,
}

impl FakeMember {
    fn of(member: &Member) -> Self {
        Self {
            place: member.place.clone(),
            email: crate::members::email(member.tenant),
            password_hash: member.password_hash.clone(),
            token: String::new(),
            limits: member.limits,
            suspended: false,
            disabled: false,
            workflows: BTreeMap::new(),
            steps: BTreeMap::new(),
            credentials: 0,
            running: BTreeSet::new(),
            waiting: BTreeSet::new(),
            aside: BTreeSet::new(),
            ended: 0,
            damage: BTreeSet::new(),
        }
    }

    /// In what this one is not as it should be.
    fn flaws(&self, expected: &Expected) -> Vec<Flaw> {
        let told = [
            (self.disabled, Flaw::Disabled),
            (self.token != expected.token.expose_secret(), Flaw::KeyDiffers),
            (self.limits != expected.limits, Flaw::LimitsDiffer),
            (self.suspended, Flaw::Suspended),
        ];
        let told = told.into_iter().filter_map(|(is_so, flaw)| is_so.then_some(flaw));
        let all: BTreeSet<_> = self.damage.iter().copied().chain(told).collect();
        all.into_iter().collect()
    }
}

/// Of whom there is nothing.
const NOTHING: [Flaw; 3] = [Flaw::UserMissing, Flaw::ProjectMissing, Flaw::LimitsDiffer];

impl MemberWorld {
    /// Members of the shared n8ns whose databases are in that world.
    pub fn of(databases: &DatabaseWorld) -> Self {
        Self { databases: databases.clone(), ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle on this world whose calls carry this name in the ledger.
    pub fn actor(&self, name: &str) -> FakeMembers {
        FakeMembers { world: self.clone(), actor: name.to_owned() }
    }

    /// Every call so far, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state().ledger.entries.clone()
    }

    /// Makes the next call of `verb` go wrong.
    pub fn inject(&self, verb: &'static str, fault: Fault) {
        self.state().ledger.inject(verb, fault);
    }

    /// Takes the databases away, or brings them back.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.state().ledger.unreachable = unreachable;
    }

    /// Takes the main of every shared n8n away, or brings it back.
    pub fn set_main_away(&self, away: bool) {
        self.state().main_is_away = away;
    }

    /// Lets somebody else's n8n answer at this address.
    pub fn put_main(&self, address: &str, main: FakeMain) {
        self.state().mains.insert(address.to_owned(), main);
    }

    /// What there is of this member.
    pub fn member(&self, instance: &Name, project: &ProjectId) -> Option<FakeMember> {
        self.state().members.get(&(*instance, project.clone())).cloned()
    }

    /// All members of this instance.
    pub fn members(&self, instance: &Name) -> Vec<FakeMember> {
        let state = self.state();
        state.members.iter().filter(|((name, _), _)| name == instance).map(|(_, it)| it.clone()).collect()
    }

    /// Changes what a member has, as they or n8n would.
    pub fn change(&self, instance: &Name, project: &ProjectId, change: impl FnOnce(&mut FakeMember)) {
        if let Some(member) = self.state().members.get_mut(&(*instance, project.clone())) {
            change(member);
        }
    }

    /// Takes away everything that n8n and the platform have of a member there.
    pub fn lose(&self, instance: &Name, project: &ProjectId) {
        self.state().members.remove(&(*instance, project.clone()));
    }

    /// Lets as many executions of the member have begun in the month of this day.
    pub fn set_started(&self, instance: &Name, project: &ProjectId, day: time::Date, executions: u64) {
        let mut state = self.state();
        let usage = state.started.entry((*instance, project.clone())).or_default();
        usage.0.insert(day.replace_day(1).unwrap_or(day), executions);
    }
}

/// One actor's handle on a [`MemberWorld`].
#[derive(Debug, Clone)]
pub struct FakeMembers {
    world: MemberWorld,
    actor: String,
}

fn away() -> MemberError {
    DatabaseError::Unavailable(sqlx::Error::PoolTimedOut).into()
}

impl FakeMembers {
    fn call<T>(
        &self,
        verb: &'static str,
        instance: &Name,
        target: impl ToString,
        effect: impl FnOnce(&mut State) -> Result<T, MemberError>,
    ) -> Result<T, MemberError> {
        let database = self.world.databases.database(instance);
        let mut state = self.world.state();
        let fault = state.ledger.begin(verb, target.to_string(), &self.actor);
        if fault == Some(Fault::BeforeEffect) {
            return Err(away());
        }
        match database {
            None => return Err(self.world.databases.absent(instance).into()),
            Some(database) if !database.shared_schema => {
                return Err(DatabaseError::NotUnderstood("it has no schema rp9".into()).into());
            }
            Some(_) => {}
        }
        let done = effect(&mut state)?;
        if fault.is_some() { Err(away()) } else { Ok(done) }
    }

    /// Somebody else's n8n, which answers and takes this key.
    fn answering(&self, main: &Main) -> Result<FakeMain, Unfit> {
        let state = self.world.state();
        let answering = state.mains.get(main.address.as_str()).filter(|_| !state.main_is_away).cloned();
        let answering = answering.ok_or_else(|| Unfit::Away("it is away".into()))?;
        drop(state);
        let database = self.world.databases.elsewhere(&answering.database);
        let is_key = |key: &String| key == main.key.expose_secret();
        let known = database.is_some_and(|database| database.api_keys.values().any(is_key));
        if known { Ok(answering) } else { Err(Unfit::KeyRefused) }
    }

    /// The same through n8n's public API.
    fn ask<T>(
        &self,
        verb: &'static str,
        main: &Main,
        target: impl ToString,
        effect: impl FnOnce(&mut State) -> Result<T, MemberError>,
    ) -> Result<T, MemberError> {
        let database = self.world.databases.database(&main.instance);
        let keys = database.map(|database| database.api_keys).unwrap_or_default();
        self.call(verb, &main.instance, target, |state| {
            if state.main_is_away {
                return Err(MemberError::Unavailable("it is away".into()));
            }
            if !keys.values().any(|key| key == main.key.expose_secret()) {
                return Err(MemberError::Key);
            }
            effect(state)
        })
    }
}

impl State {
    fn member(&mut self, instance: &Name, project: &ProjectId) -> Option<&mut FakeMember> {
        self.members.get_mut(&(*instance, project.clone()))
    }

    /// Whoever is at this place; nobody when the user is another.
    fn at(&mut self, instance: &Name, place: &Place) -> Option<&mut FakeMember> {
        self.member(instance, &place.project).filter(|member| member.place == *place)
    }

    /// Whose workflow that is.
    fn owner(&mut self, instance: &Name, workflow: &WorkflowId) -> Option<&mut FakeMember> {
        let members = self.members.iter_mut().filter(|((name, _), _)| name == instance);
        members.map(|(_, member)| member).find(|member| member.workflows.contains_key(workflow))
    }
}
