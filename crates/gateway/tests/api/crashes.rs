//! A gateway dies in the middle of accepting, and whoever asked asks again elsewhere: one effect, one answer, no key left behind.
//!
//! Effect and answer are one statement, so there is nothing between them to die in. What there is: the moment before the
//! record has done it, the moment after, and every other one.

use std::collections::BTreeSet;

use common::id::{OperationId, TenantId};
use futures::{StreamExt, future, stream};
use sqlx::{PgPool, Postgres, Transaction};
use testkit::effort;
use tokio::sync::watch;

use crate::support::{Call, Replica, Reply, eventually, send_to, tenant};

/// Of each sort.
fn kills_of_each() -> usize {
    effort::times(3, 17)
}

/// Requests in hand when a gateway is killed at a chosen moment.
const IN_HAND: usize = 8;
/// Requests that are sent while it is killed at any moment, and how many of them at a time.
const ON_THE_WAY: usize = 48;
const AT_A_TIME: usize = 12;

/// When a gateway is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Its statements are with the record, which has done nothing yet.
    Before,
    /// The record has done everything, and the gateway does not know.
    After,
    /// Whenever it happens to be.
    Any,
}

/// One request, always in the same bytes, and the answer it got from whoever lived.
struct Asked {
    key: String,
    call: Call,
    answer: Option<Reply>,
}

impl Asked {
    fn many(moment: Moment, round: usize) -> Vec<Self> {
        let count = if moment == Moment::Any { ON_THE_WAY } else { IN_HAND };
        let one = |n| {
            let key = format!("{moment:?}-{round}-{n}").to_lowercase();
            let call = Call::post("/tenants", &tenant(&key)).by_a("service").key(&key).signed();
            Self { key, call, answer: None }
        };
        (0..count).map(one).collect()
    }

    /// Asks the survivor, again and again while another one's statement is still at it.
    async fn settle(&mut self, survivor: &Replica) {
        let reply = loop {
            let reply = survivor.send(self.call.clone()).await.expect("the survivor answers");
            if reply.status != 409 {
                break reply;
            }
            reply.assert_problem(409, "request_in_flight");
        };
        assert_eq!(reply.status, 201, "{}: {}", self.key, reply.text());
        self.agree(reply);
    }

    /// Every answer to it is the same one.
    fn agree(&mut self, reply: Reply) {
        let first = self.answer.get_or_insert_with(|| reply.clone());
        assert_eq!((first.status, first.text()), (reply.status, reply.text()), "{}", self.key);
        assert_eq!(first.header("location"), reply.header("location"), "{}", self.key);
    }
}

/// Lets every statement that wants one of these keys wait: somebody seems to be taking them.
async fn hold(database: &PgPool, asked: &[Asked]) -> Transaction<'static, Postgres> {
    let keys: Vec<_> = asked.iter().map(|asked| asked.key.clone()).collect();
    let mut held = common::database::begin(database).await.unwrap();
    let take = "insert into idempotency_keys (subject, key, request_digest, status, headers, body)
                select 'service-1', key, sha256(''), 200, '{}', '' from unnest($1::text[]) key";
    sqlx::query(take).bind(keys).execute(&mut *held).await.unwrap();
    held
}

/// Until so many statements of gateways wait for a lock.
async fn until_they_wait(database: &PgPool, count: usize) {
    eventually(async || {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database()
                          and application_name = 'gateway' and wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(database).await.unwrap();
        waiting == count as i64
    })
    .await;
}

/// Until the record has accepted all of them.
async fn until_accepted(database: &PgPool, asked: &[Asked]) {
    let keys: Vec<_> = asked.iter().map(|asked| asked.key.clone()).collect();
    eventually(async || {
        let accepted = "select count(*) from idempotency_keys where key = any($1)";
        let accepted: i64 = sqlx::query_scalar(accepted).bind(&keys).fetch_one(database).await.unwrap();
        accepted == keys.len() as i64
    })
    .await;
}

/// Kills a gateway that holds all of these requests in hand. Nobody is answered.
async fn kill_at(moment: Moment, database: &PgPool, victim: &mut Replica, asked: &[Asked]) {
    let held = hold(database, asked).await;
    let port = victim.port;
    let first = future::join_all(asked.iter().map(|asked| send_to(port, asked.call.clone())));
    let kill = async {
        until_they_wait(database, asked.len()).await;
        if moment == Moment::After {
            victim.pause().await;
            held.rollback().await.unwrap();
            until_accepted(database, asked).await;
            victim.kill().await;
        } else {
            victim.kill().await;
            held.rollback().await.unwrap();
        }
    };
    let ((), first) = future::join(kill, first).await;
    assert!(first.iter().all(Option::is_none), "{moment:?}: somebody was answered");
}

/// Kills a gateway somewhere in a flow of requests, after so many answers. Returns how many were cut off.
async fn kill_in_the_flow(victim: &mut Replica, asked: &mut [Asked], after: usize) -> usize {
    let (port, (answered, mut seen)) = (victim.port, watch::channel(0));
    let flow = stream::iter(asked.iter_mut())
        .map(async |asked| {
            let reply = send_to(port, asked.call.clone()).await;
            answered.send_modify(|count| *count += 1);
            let cut_off = reply.is_none();
            if let Some(reply) = reply {
                assert_eq!(reply.status, 201, "{}", reply.text());
                asked.agree(reply);
            }
            usize::from(cut_off)
        })
        .buffer_unordered(AT_A_TIME)
        .fold(0, async |sum, cut_off| sum + cut_off);
    let kill = async {
        seen.wait_for(|count| *count >= after).await.unwrap();
        victim.kill().await;
    };
    future::join(flow, kill).await.0
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_dies_while_accepting_leaves_no_key_behind_and_does_nothing_twice(database: PgPool) {
    let mut replicas =
        [Replica::start(&database, &[], None).await, Replica::start(&database, &[], None).await];
    let (mut all, mut kills, mut cut_off, mut done_before) = (Vec::new(), 0, 0, 0);
    let rounds = kills_of_each();
    for round in 0..rounds {
        for moment in [Moment::Before, Moment::After, Moment::Any] {
            replicas.rotate_left(1);
            let [victim, survivor] = &mut replicas;
            let mut asked = Asked::many(moment, round);
            cut_off += match moment {
                Moment::Any => kill_in_the_flow(victim, &mut asked, fastrand::usize(..ON_THE_WAY)).await,
                Moment::Before | Moment::After => {
                    kill_at(moment, &database, victim, &asked).await;
                    asked.len()
                }
            };
            let settle = async {
                for asked in &mut asked {
                    let unanswered = asked.answer.is_none();
                    asked.settle(survivor).await;
                    let replayed = asked.answer.as_ref().unwrap().header("idempotency-replayed") == "true";
                    done_before += usize::from(unanswered && replayed);
                }
            };
            future::join(settle, victim.restart()).await;
            kills += 1;
            all.extend(asked);
        }
    }
    println!("{kills} kills, {} keys, {cut_off} cut off, {done_before} of those done already", all.len());
    assert!(
        kills == 3 * rounds && done_before >= rounds * IN_HAND,
        "{kills} kills, {done_before} done already"
    );
    for asked in &mut all {
        for replica in &replicas {
            asked.settle(replica).await;
        }
    }
    assert_one_effect_each(&database, &all).await;
}

/// One tenant, one operation, one stored answer and one entry in the audit log for each key, and not one more.
async fn assert_one_effect_each(database: &PgPool, all: &[Asked]) {
    for table in
        ["tenants", "tenant_limits", "operations", "idempotency_keys", "request_signatures", "audit_logs"]
    {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let rows: i64 = sqlx::query_scalar(count).fetch_one(database).await.unwrap();
        assert_eq!(rows, all.len() as i64, "{table}");
    }
    let made = "select t.subdomain, t.id, o.id from tenants t join operations o on o.tenant_id = t.id";
    let made: Vec<(String, TenantId, OperationId)> = sqlx::query_as(made).fetch_all(database).await.unwrap();
    let made: BTreeSet<_> = made.into_iter().map(|(k, t, o)| (k, t.to_string(), o.to_string())).collect();
    let told = all.iter().map(|asked| {
        let answer = asked.answer.as_ref().unwrap().json();
        let id = |name: &str| answer[name].as_str().unwrap().to_owned();
        (asked.key.clone(), id("tenant_id"), id("operation_id"))
    });
    assert_eq!(made, told.collect(), "everybody was told of what was made for them");
}
