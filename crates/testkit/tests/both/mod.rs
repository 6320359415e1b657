//! Two records and one sequence of questions.

mod postgres;
pub mod schedules;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{
    cluster::ClusterId,
    id::OperationId,
    operations::{
        Asked, Claim, Claimed, End, Event, Lane, NewEntry, NewOperation, OperationKind, Part, PostgresRecord,
        Priority, Record, StoreError, Subject, Transition,
    },
    role::Role,
};
use serde_json::json;
use sqlx::PgPool;
use testkit::memory::{MemoryRecord, Request, Row};

/// Everything moves in such steps, so that the moments questions take in Postgres make no difference.
const STEP: Duration = Duration::from_secs(10);
const LEASE: Duration = Duration::from_secs(25);

const fn kind(name: &'static str, lane: Lane, alone: bool, unwinds: bool) -> OperationKind {
    OperationKind {
        name,
        service: "provisioner",
        lane,
        alone,
        single: false,
        from: &[],
        passes: None,
        ends: None,
        deadline: STEP,
        priority: Priority::Normal,
        unwinds,
        roles: &[],
        read: |given| Ok(given.clone()),
    }
}

/// One of each sort.
pub const KINDS: [&OperationKind; 4] = [
    &kind("changes", Lane::Life, false, true),
    &kind("cannot_go_back", Lane::Life, true, false),
    &kind("copies", Lane::Copies, false, true),
    &kind("copies_alone", Lane::Copies, true, true),
];

pub struct Both {
    pool: PgPool,
    postgres: PostgresRecord,
    memory: MemoryRecord,
    clock_ms: Arc<AtomicU64>,
    dice: fastrand::Rng,
    subjects: Vec<Subject>,
    operations: Vec<OperationId>,
    /// The newest fences that were handed out.
    fences: Vec<(OperationId, i64)>,
}

impl Both {
    pub async fn new(pool: &PgPool, seed: u64) -> Self {
        postgres::empty(pool).await;
        let clock_ms = Arc::new(AtomicU64::new(1_000_000_000));
        let clock = clock_ms.clone();
        let now = move || Duration::from_millis(clock.load(Ordering::SeqCst));
        let tenants = [postgres::tenant(pool).await, postgres::tenant(pool).await];
        let clusters = ["here", "there"].map(|name| name.parse::<ClusterId>().unwrap());
        let subjects = tenants.map(Subject::from).into_iter().chain(clusters.map(Subject::from)).collect();
        Self {
            pool: pool.clone(),
            postgres: PostgresRecord::new(pool),
            memory: MemoryRecord::new(Arc::new(now)),
            clock_ms,
            dice: fastrand::Rng::with_seed(seed),
            subjects,
            operations: vec![],
            fences: vec![],
        }
    }

    /// Asks both one random question: what it was, and the two answers.
    pub async fn ask(&mut self) -> (String, String, String) {
        match self.dice.u32(..100) {
            0..10 => self.accept().await,
            10..25 => self.claim().await,
            25..33 => self.pass_time().await,
            33..40 => self.steer().await,
            40..52 => self.parts().await,
            _ => self.act().await,
        }
    }

    /// Both tables as they are.
    pub async fn rows(&self) -> (Vec<String>, Vec<String>) {
        let now = self.memory.now();
        let mut memory: Vec<_> = self
            .memory
            .rows()
            .iter()
            .map(|row| {
                let (held, due) = (row.lease_until.map(|until| until > now), row.not_before <= now);
                let error = row.error.clone().unwrap_or_default();
                format!(
                    "{} {} {} {held:?} {:?} {due} {error} {} {}",
                    row.id,
                    row.status.as_str(),
                    row.fence,
                    row.lease_owner,
                    row.finished_at.is_some(),
                    row.journal.len()
                )
            })
            .collect();
        memory.sort();
        (memory, postgres::rows(&self.pool).await)
    }

    async fn accept(&mut self) -> (String, String, String) {
        // Never two at the same moment: their order would be anybody's guess.
        self.clock_ms.fetch_add(1, Ordering::SeqCst);
        let again = self.operations.last().copied().filter(|_| self.dice.u32(..8) == 0);
        let subject = self.subjects[self.dice.usize(..self.subjects.len())].clone();
        let parent = self.some_operation().filter(|_| self.dice.u32(..4) == 0);
        // A part of an operation is for the same subject.
        let of_parent =
            |rows: &[Row]| rows.iter().find(|row| Some(row.id) == parent).map(|row| row.subject.clone());
        let subject = of_parent(&self.memory.rows()).unwrap_or(subject);
        let request = Request {
            id: again.unwrap_or_else(OperationId::generate),
            kind: KINDS[self.dice.usize(..KINDS.len())],
            subject,
            parent,
            priority: self.dice.i16(0..=2),
            delay: STEP * [0, 0, 0, 3][self.dice.usize(..4)],
            deadline: STEP * self.dice.u32(1..20),
        };
        self.operations.push(request.id);
        let (memory, postgres) = (self.memory.accept(&request), postgres::accept(&self.pool, &request).await);
        (format!("accept {request:?}"), memory.to_string(), postgres.to_string())
    }

    async fn claim(&mut self) -> (String, String, String) {
        let kinds: Vec<_> = KINDS.into_iter().filter(|_| self.dice.u32(..4) > 0).collect();
        let (oldest_first, at_most) = (self.dice.u32(..4) == 0, self.dice.u32(1..4));
        let asked_at = tokio::time::Instant::now();
        let cluster = [None, Some("here"), Some("there")][self.dice.usize(..3)];
        let claim =
            Claim { kinds: &kinds, cluster, owner: "worker", lease: LEASE, oldest_first, at_most, asked_at };
        let memory = self.memory.claim(&claim).await.unwrap();
        let postgres = self.postgres.claim(&claim).await.unwrap();
        self.fences.extend(memory.iter().map(|claimed| (claimed.id, claimed.fence)));
        let words = |claimed: &Claimed| {
            let Claimed { id, kind, subject, parent, undoing, orphaned, fence, fresh, .. } = claimed;
            let late = claimed.is_late();
            format!("{id} {kind:?} {subject} {parent:?} {undoing} {late} {orphaned} {fence} {fresh}")
        };
        let (memory, postgres) = (memory.as_ref().map(words), postgres.as_ref().map(words));
        (format!("claim {kinds:?} {oldest_first} {at_most}"), format!("{memory:?}"), format!("{postgres:?}"))
    }

    /// What the holder of a lease asks about its operation's parts: now and then anew of one that it has.
    async fn parts(&mut self) -> (String, String, String) {
        self.clock_ms.fetch_add(1, Ordering::SeqCst);
        let newest = self.fences.len().saturating_sub(self.dice.usize(1..4));
        let Some((parent, fence)) = self.fences.get(newest).copied() else { return Default::default() };
        let why = json!({ "kind": "cancelled", "detail": "x" });
        if self.dice.u32(..4) == 0 {
            let unwinding = self.dice.bool();
            let mut open = [
                self.memory.cancel_parts(parent, fence, unwinding, &why).await.unwrap(),
                self.postgres.cancel_parts(parent, fence, unwinding, &why).await.unwrap(),
            ];
            open.iter_mut().for_each(|open| open.sort());
            let [memory, postgres] = open.map(|open| format!("{open:?}"));
            return (format!("call off the parts of {parent}"), memory, postgres);
        }
        let known = |rows: &[Row]| rows.iter().find(|row| row.parent == Some(parent)).map(|row| row.id);
        let known = known(&self.memory.rows()).filter(|_| self.dice.u32(..4) > 0);
        let subject = |rows: &[Row]| rows.iter().find(|row| row.id == parent).map(|row| row.subject.clone());
        let subject = subject(&self.memory.rows()).unwrap();
        let new = NewOperation {
            id: known.unwrap_or_else(OperationId::generate),
            kind: KINDS[self.dice.usize(..KINDS.len())],
            subject,
            request: json!({ "mode": "dedicated", "plan": "pro" }),
            priority: None,
            deadline: None,
            not_before: None,
            parent: Some(parent),
            asked: Asked {
                actor: "test",
                role: Role::Service,
                correlation_id: "test",
                traceparent: None,
                reason: None,
            },
        };
        let (memory, postgres) = (
            self.memory.ensure_part(&new, fence).await.unwrap(),
            self.postgres.ensure_part(&new, fence).await.unwrap(),
        );
        if memory == Part::Accepted {
            self.operations.push(new.id);
        }
        (format!("part {} of {parent}", new.id), format!("{memory:?}"), format!("{postgres:?}"))
    }

    async fn pass_time(&mut self) -> (String, String, String) {
        let time = STEP * self.dice.u32(1..8);
        self.clock_ms.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
        postgres::pass(&self.pool, time).await;
        (format!("{time:?} pass"), String::new(), String::new())
    }

    async fn steer(&mut self) -> (String, String, String) {
        let Some(id) = self.some_operation() else { return Default::default() };
        let (what, memory, postgres) = match self.dice.u32(..4) {
            0 | 1 => ("cancel", self.memory.cancel(id), postgres::cancel(&self.pool, id).await),
            2 => ("resume", self.memory.resume(id), postgres::resume(&self.pool, id).await),
            _ => ("abandon", self.memory.abandon(id), postgres::abandon(&self.pool, id).await),
        };
        (format!("{what} {id}"), memory.to_string(), postgres.to_string())
    }

    /// What the holder of a lease asks, be it the newest or an old one.
    async fn act(&mut self) -> (String, String, String) {
        let newest = self.fences.len().saturating_sub(self.dice.usize(1..4));
        let Some((id, fence)) = self.fences.get(newest).copied() else { return Default::default() };
        let (memory, postgres): (&dyn Record, &dyn Record) = (&self.memory, &self.postgres);
        let words = |answer: Result<String, StoreError>| answer.unwrap_or_else(|error| format!("{error:?}"));
        let (asked, answers) = match self.dice.u32(..10) {
            0 => ("check".into(), [memory.check(id, fence).await, postgres.check(id, fence).await].map(done)),
            1 | 2 => {
                let renewed = [memory.renew(id, fence, LEASE).await, postgres.renew(id, fence, LEASE).await];
                ("renew".into(), renewed.map(done))
            }
            3 => {
                let journals = [memory.journal(id).await, postgres.journal(id).await];
                ("journal".into(), journals.map(|journal| journal.map(|entries| format!("{entries:?}"))))
            }
            _ => {
                let (entries, transition) = (entries(&mut self.dice), transition(&mut self.dice));
                let written = [
                    memory.write(id, fence, &entries, &transition, LEASE).await,
                    postgres.write(id, fence, &entries, &transition, LEASE).await,
                ];
                (
                    format!("write {transition:?}"),
                    written.map(|undoing| undoing.map(|undoing| undoing.to_string())),
                )
            }
        };
        let [memory, postgres] = answers.map(words);
        (format!("{asked} of {id} with fence {fence}"), memory, postgres)
    }

    fn some_operation(&mut self) -> Option<OperationId> {
        let count = self.operations.len();
        (count > 0).then(|| self.operations[self.dice.usize(..count)])
    }
}

fn done(answer: Result<(), StoreError>) -> Result<String, StoreError> {
    answer.map(|()| "done".into())
}

fn entries(dice: &mut fastrand::Rng) -> Vec<NewEntry<'static>> {
    let count = dice.usize(..3);
    let entry = |_| NewEntry {
        ordinal: dice.usize(..3),
        step: "step",
        event: Event::ALL[dice.usize(..Event::ALL.len())],
        output: dice.bool().then(|| json!({ "seen": 1 })),
        error: dice.bool().then(|| json!({ "kind": "internal" })),
        cause: dice.bool().then(|| "inner".to_owned()),
    };
    (0..count).map(entry).collect()
}

fn transition(dice: &mut fastrand::Rng) -> Transition {
    let error = dice.bool().then(|| json!({ "kind": "upstream" }));
    match dice.u32(..10) {
        0..4 => Transition::Continue,
        4 => Transition::Undo { error: json!({ "kind": "timeout" }) },
        5 => Transition::Postpone { pause: Duration::ZERO, error },
        6 | 7 => Transition::Postpone { pause: STEP * dice.u32(1..4) - STEP / 2, error },
        8 => Transition::Finish { end: End::Stuck, error },
        _ => Transition::Finish { end: if dice.bool() { End::Succeeded } else { End::RolledBack }, error },
    }
}
