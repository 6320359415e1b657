use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use sqlx::postgres::PgPoolOptions;
use tokio::time::Instant;

use super::*;
use crate::{
    id::TenantId,
    operations::{
        Claim, Claimed, Entry, Lane, NewEntry, NewOperation, OperationKind, Part, Priority, Record,
        Transition,
    },
};

/// A record that answers renewals from a list, and notes which lease was asked about when.
#[derive(Debug, Default)]
struct Answers {
    renewals: Mutex<VecDeque<Result<(), StoreError>>>,
    asked: Mutex<Vec<(OperationId, i64, Instant)>>,
}

impl Answers {
    fn note(&self, id: OperationId, fence: i64) {
        self.asked.lock().unwrap().push((id, fence, Instant::now()));
    }
}

#[async_trait]
impl Record for Answers {
    async fn renew(&self, id: OperationId, fence: i64, _: Duration) -> Result<(), StoreError> {
        self.note(id, fence);
        self.renewals.lock().unwrap().pop_front().expect("nobody asks so often")
    }

    async fn check(&self, id: OperationId, fence: i64) -> Result<(), StoreError> {
        self.note(id, fence);
        Err(StoreError::LeaseLost)
    }

    async fn claim(&self, _: &Claim<'_>) -> Result<Option<Claimed>, StoreError> {
        unreachable!("a lease claims nothing")
    }

    async fn write(
        &self,
        _: OperationId,
        _: i64,
        _: &[NewEntry<'_>],
        _: &Transition,
        _: Duration,
    ) -> Result<bool, StoreError> {
        unreachable!("a lease writes nothing")
    }

    async fn journal(&self, _: OperationId) -> Result<Vec<Entry>, StoreError> {
        unreachable!("a lease reads nothing")
    }

    async fn ensure_part(&self, _: &NewOperation<'_>, _: i64) -> Result<Part, StoreError> {
        unreachable!("a lease has no parts")
    }

    async fn cancel_parts(
        &self,
        _: OperationId,
        _: i64,
        _: bool,
        _: &serde_json::Value,
    ) -> Result<Vec<OperationId>, StoreError> {
        unreachable!("a lease has no parts")
    }
}

fn away() -> StoreError {
    StoreError::Database(sqlx::Error::PoolTimedOut)
}

fn lease(renewals: impl IntoIterator<Item = Result<(), StoreError>>) -> (Lease, Arc<Answers>) {
    let renewals = Mutex::new(renewals.into_iter().collect());
    let answers = Arc::new(Answers { renewals, ..Answers::default() });
    let no_database = PgPoolOptions::new().connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap();
    let store = Store::elsewhere(answers.clone(), no_database, "a").with_lease(Duration::from_secs(15));
    (Lease::new(store, &claimed()), answers)
}

pub(in crate::operations) const KIND: OperationKind = OperationKind {
    name: "test",
    service: "test",
    lane: Lane::Life,
    alone: false,
    single: false,
    from: &[],
    passes: None,
    ends: None,
    deadline: Duration::from_secs(60),
    priority: Priority::Normal,
    unwinds: true,
    roles: &[],
    read: |given| Ok(given.clone()),
};

fn claimed() -> Claimed {
    Claimed {
        id: OperationId::generate(),
        kind: &KIND,
        subject: TenantId::generate().into(),
        parent: None,
        request: serde_json::Value::Null,
        undoing: false,
        deadline: Instant::now(),
        orphaned: false,
        fence: 7,
        actor: "test".into(),
        correlation_id: "test".into(),
        traceparent: None,
        age: Duration::ZERO,
        fresh: false,
        asked_at: Instant::now(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_three_times_within_its_length_until_it_is_lost() {
    let (lease, answers) = lease([Ok(()), Ok(()), Ok(()), Err(StoreError::LeaseLost)]);
    let begun = Instant::now();
    assert!(matches!(lease.keep().await, StoreError::LeaseLost));
    let asked = answers.asked.lock().unwrap();
    assert!(asked.iter().all(|(id, fence, _)| (*id, *fence) == (lease.operation(), 7)));
    let times: Vec<_> = asked.iter().map(|(.., at)| (*at - begun).as_secs()).collect();
    assert_eq!(times, [5, 10, 15, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_away_does_not_lose_the_lease_and_one_that_refuses_does() {
    let (lease, answers) = lease([Ok(()), Err(away()), Err(away()), Ok(()), Err(StoreError::Unreadable)]);
    assert!(matches!(lease.keep().await, StoreError::Unreadable));
    assert_eq!(answers.asked.lock().unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_look_asks_for_this_lease_and_says_what_it_heard() {
    let (lease, answers) = lease([]);
    assert!(matches!(lease.check().await, Err(StoreError::LeaseLost)));
    let asked = answers.asked.lock().unwrap();
    assert_eq!((asked[0].0, asked[0].1), (lease.operation(), 7));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_away_for_the_length_of_a_lease_loses_it() {
    let (lease, _) = lease(std::iter::repeat_with(|| Err(away())).take(100));
    let begun = Instant::now();
    assert!(matches!(lease.keep().await, StoreError::LeaseLost));
    assert_eq!(begun.elapsed().as_secs(), 15);
}
