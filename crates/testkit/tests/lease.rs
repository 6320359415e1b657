//! A process that is stopped past its lease does nothing when it goes on: time is virtual, and nobody polls while it passes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use common::{
    id::{OperationId, TenantId},
    operations::{Lease, Record, Request as _, Store},
};
use sqlx::postgres::PgPoolOptions;
use testkit::memory::{MemoryRecord, Request};
use tokio::time::Instant;
use wire::kinds::{self, TenantHeal};

/// Two processes' stores on one record, and the lease that the first one holds.
async fn leased() -> (Store, Store, Lease) {
    let begun = Instant::now();
    let record = Arc::new(MemoryRecord::new(Arc::new(move || begun.elapsed())));
    record.accept(&Request {
        id: OperationId::generate(),
        kind: TenantHeal::KIND,
        subject: TenantId::generate().into(),
        parent: None,
        priority: 1,
        delay: Duration::ZERO,
        deadline: Duration::from_secs(3_600),
    });
    let pool = PgPoolOptions::new().connect_lazy("postgres://127.0.0.1:1/none").unwrap();
    let record: Arc<dyn Record> = record;
    let store = |owner: &str| Store::elsewhere(record.clone(), pool.clone(), owner);
    let (first, second) = (store("first"), store("second"));
    let claimed = first.claim(&kinds::ALL).await.unwrap().unwrap();
    let lease = Lease::new(first.clone(), &claimed);
    (first, second, lease)
}

/// Acts once a second.
async fn act(acts: &AtomicU32) {
    loop {
        acts.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_slept_through_its_lease_acts_no_more() {
    let (first, second, lease) = leased().await;
    let acts = AtomicU32::new(0);
    let (mut work, mut keep) = (pin!(lease.while_certain(act(&acts))), pin!(lease.keep()));
    assert!(poll(keep.as_mut()).is_none() && poll(work.as_mut()).is_none());
    assert_eq!(acts.load(Ordering::SeqCst), 1);

    tokio::time::advance(first.lease()).await;
    assert!(second.claim(&kinds::ALL).await.unwrap().is_some(), "somebody else took over");
    assert!(poll(work.as_mut()).is_none());
    assert_eq!(acts.load(Ordering::SeqCst), 1, "its time has come, but is it still ours?");
    assert!(poll(keep.as_mut()).is_some(), "it is not");
}

#[tokio::test(start_paused = true)]
async fn whoever_renews_its_lease_in_time_goes_on() {
    let (first, _, lease) = leased().await;
    let acts = AtomicU32::new(0);
    let (mut work, mut keep) = (pin!(lease.while_certain(act(&acts))), pin!(lease.keep()));
    for _ in 0..60 {
        assert!(poll(keep.as_mut()).is_none() && poll(work.as_mut()).is_none());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(first.lease() < Duration::from_secs(60));
    assert_eq!(acts.load(Ordering::SeqCst), 60);
}
