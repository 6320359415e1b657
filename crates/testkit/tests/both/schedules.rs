//! Two records of schedules and one sequence of questions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::schedules::{
    Claimed, Clock, Misses, Outcome, Record, Rule, Schedule, ScheduleError, ScheduleStore, Subject,
};
use serde_json::json;
use sqlx::PgPool;
use testkit::memory::schedules::{MemorySchedules, Pause};
use time::{OffsetDateTime, macros::datetime};

/// Leases and pauses move in such steps, so that the moments questions take in Postgres make no difference.
const STEP: Duration = Duration::from_secs(10);
const LEASE: Duration = Duration::from_secs(25);
const PAUSE: Duration = Duration::from_secs(15);

/// Three hours before clocks change in Berlin.
const BEGINNING: OffsetDateTime = datetime!(2026-03-28 22:00 UTC);

/// What the two services declare under each name: one of these two. No two schedules are ever due at the same moment: which comes
/// first would be anybody's guess.
const SCHEDULES: [(&str, &str, [&str; 2]); 4] = [
    ("a1", "alpha", ["*/10 * * * *", "*/30 * * * *"]),
    ("a2", "alpha", ["3-59/10 * * * *", "13 */2 * * *"]),
    ("b1", "beta", ["5-59/10 * * * *", "25 4 * * *"]),
    ("b2", "beta", ["7 * * * *", "57 * * * *"]),
];

/// The same for those of a subject.
const OF_SUBJECTS: [(&str, &str, [&str; 2]); 2] =
    [("a3", "alpha", ["1-59/10 * * * *", "29 */3 * * *"]), ("b3", "beta", ["8-58/10 * * * *", "49 * * * *"])];

pub struct BothSchedules {
    pool: PgPool,
    postgres: ScheduleStore,
    memory: MemorySchedules,
    clock_ms: Arc<AtomicU64>,
    dice: fastrand::Rng,
    claimed: Vec<Claimed>,
}

type Asked = (String, String, String);

impl BothSchedules {
    pub async fn new(pool: &PgPool, seed: u64) -> Self {
        sqlx::query("truncate schedules cascade").execute(pool).await.unwrap();
        let clock_ms = Arc::new(AtomicU64::new(0));
        let clock = clock_ms.clone();
        let now = Arc::new(move || BEGINNING + Duration::from_millis(clock.load(Ordering::SeqCst)));
        let postgres = ScheduleStore::new(pool.clone()).with_lease(LEASE);
        Self {
            pool: pool.clone(),
            postgres: postgres.with_clock(Clock::Given(now.clone())),
            memory: MemorySchedules::new(now, LEASE),
            clock_ms,
            dice: fastrand::Rng::with_seed(seed),
            claimed: vec![],
        }
    }

    /// Asks both one random question: what it was, and the two answers.
    pub async fn ask(&mut self) -> Asked {
        match self.dice.u32(..100) {
            0..7 => self.declare().await,
            7..10 => self.of_a_subject().await,
            10..25 => self.fire().await,
            25..50 => self.claim().await,
            50..65 => self.pass_time().await,
            65..73 => self.steer().await,
            _ => self.act().await,
        }
    }

    async fn declare(&mut self) -> Asked {
        let service = ["alpha", "beta"][self.dice.usize(..2)];
        let mut declared = Vec::new();
        for (name, job, crons) in SCHEDULES {
            if job == service && self.dice.u32(..4) > 0 {
                declared.push(with_rule(self.draw(name, job, crons)));
            }
        }
        let answers =
            [self.memory.declare(service, &declared).await, self.postgres.declare(service, &declared).await];
        let [memory, postgres] = answers.map(words);
        (format!("{service} declares {declared:?}"), memory, postgres)
    }

    fn draw(&mut self, name: &str, job: &str, crons: [&str; 2]) -> Schedule {
        let cron = crons[usize::from(self.dice.u32(..4) == 0)];
        let misses = if self.dice.bool() { Misses::CatchUp } else { Misses::Skip };
        let zone = ["Europe/Berlin", "UTC"][usize::from(self.dice.u32(..8) == 0)];
        let schedule = Schedule::new(name, job, cron, misses).on_clocks_of(zone);
        schedule.with_jitter([0, 30][self.dice.usize(..2)])
    }

    /// What a service makes, changes and removes while it runs.
    async fn of_a_subject(&mut self) -> Asked {
        let (name, service, crons) = OF_SUBJECTS[self.dice.usize(..OF_SUBJECTS.len())];
        let subject = Subject::Cluster("eu-1".into());
        let schedule = self.draw(name, service, crons).of(subject);
        if self.dice.u32(..4) == 0 {
            let name = &schedule.name;
            let answers =
                [self.memory.remove(service, name).await, self.postgres.remove(service, name).await];
            let [memory, postgres] = answers.map(words);
            return (format!("{service} removes {name}"), memory, postgres);
        }
        let payload = if self.dice.bool() { json!(null) } else { json!({ "keep": 7 }) };
        let (schedule, rule) = with_rule(schedule.with_payload(payload));
        let answers = [
            Record::ensure(&self.memory, service, &schedule, &rule).await,
            Record::ensure(&self.postgres, service, &schedule, &rule).await,
        ];
        let [memory, postgres] = answers.map(words);
        (format!("{service} wants {schedule:?}"), memory, postgres)
    }

    fn jobs(&mut self) -> Vec<&'static str> {
        ["alpha", "beta"].into_iter().filter(|_| self.dice.u32(..4) > 0).collect()
    }

    async fn fire(&mut self) -> Asked {
        let jobs = self.jobs();
        let [memory, postgres] =
            [self.memory.fire_one(&jobs).await, self.postgres.fire_one(&jobs).await].map(words);
        (format!("fire for {jobs:?}"), memory, postgres)
    }

    async fn claim(&mut self) -> Asked {
        let jobs = self.jobs();
        let memory = self.memory.claim(&jobs).await.unwrap();
        let postgres = self.postgres.claim(&jobs).await.unwrap();
        self.claimed.extend(memory.clone());
        // How late it is says nothing here: leases go by Postgres' own clock.
        let words = |claimed: Option<Claimed>| {
            claimed.map(|Claimed { firing, job, fence, .. }| format!("{firing:?} {job} {fence}"))
        };
        (format!("claim for {jobs:?}"), format!("{:?}", words(memory)), format!("{:?}", words(postgres)))
    }

    async fn pass_time(&mut self) -> Asked {
        let time = STEP * if self.dice.u32(..4) == 0 { self.dice.u32(6..600) } else { self.dice.u32(1..8) };
        self.clock_ms.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
        let pass = "update schedule_firings set lease_until = lease_until - make_interval(secs => $1),
                           not_before = not_before - make_interval(secs => $1)";
        sqlx::query(pass).bind(time.as_secs_f64()).execute(&self.pool).await.unwrap();
        (format!("{time:?} pass"), String::new(), String::new())
    }

    /// What people do: the gateway's verbs, and hands in the table.
    async fn steer(&mut self) -> Asked {
        let name = SCHEDULES[self.dice.usize(..SCHEDULES.len())].0;
        let (what, memory, change) = match self.dice.u32(..5) {
            0 | 1 => {
                let pause = Pause { by: "ada".into(), why: "because".into() };
                let pause_row =
                    "update schedules set paused_at = now(), paused_by = 'ada', paused_reason = 'because'
                                  where name = $1 and paused_at is null";
                ("pause", self.memory.pause(name, Some(pause)), pause_row)
            }
            2 | 3 => {
                let resume = "update schedules set paused_at = null, paused_by = null, paused_reason = null
                               where name = $1 and paused_at is not null";
                ("resume", self.memory.pause(name, None), resume)
            }
            _ => {
                let edit = "update schedules set cron = '0 0 30 2 *' where name = $1";
                ("edit", self.memory.edit(name, "0 0 30 2 *"), edit)
            }
        };
        let changed = sqlx::query(change).bind(name).execute(&self.pool).await.unwrap().rows_affected() == 1;
        (format!("{what} {name}"), memory.to_string(), changed.to_string())
    }

    /// What the holder of a lease asks, be it the newest or an old one.
    async fn act(&mut self) -> Asked {
        let newest = self.claimed.len().saturating_sub(self.dice.usize(1..4));
        let Some(claimed) = self.claimed.get(newest).cloned() else { return Default::default() };
        let outcome = match self.dice.u32(..10) {
            0..4 => None,
            4..6 => Some(Outcome::Done),
            6 => Some(Outcome::Failed(json!({ "kind": "conflict" }))),
            7 => Some(Outcome::Released),
            _ => Some(Outcome::Again { pause: PAUSE, error: json!({ "kind": "timeout" }) }),
        };
        let answers = match &outcome {
            None => [self.memory.renew(&claimed).await, self.postgres.renew(&claimed).await],
            Some(outcome) => {
                [self.memory.finish(&claimed, outcome).await, self.postgres.finish(&claimed, outcome).await]
            }
        };
        let [memory, postgres] = answers.map(words);
        (format!("{outcome:?} of {claimed:?}"), memory, postgres)
    }

    /// Both tables of both records as they are.
    pub async fn rows(&self) -> (Vec<String>, Vec<String>) {
        let (now, rows) = (self.memory.now(), self.memory.rows().clone());
        let mut memory = Vec::new();
        for schedule in rows.schedules.values() {
            let (row, pause) = (&schedule.row, schedule.pause.as_ref());
            let (by, why) = (pause.map(|pause| &pause.by), pause.map(|pause| &pause.why));
            memory.push(format!("{row:?} {} {by:?} {why:?}", schedule.fires_at));
        }
        for ((schedule, due_at), row) in &rows.firings {
            let (due, held) = (row.not_before <= now, row.lease_until.map(|until| until > now));
            let (state, over) = (row.state.as_str(), row.finished_at.is_some());
            let (fires_at, attempts, fence, error) = (row.fires_at, row.attempts, row.fence, &row.error);
            memory.push(format!(
                "{schedule} {due_at} {fires_at} {state} {attempts} {due} {held:?} {fence} {error:?} {over}"
            ));
        }
        (memory, self.postgres_rows().await)
    }

    async fn postgres_rows(&self) -> Vec<String> {
        #[derive(sqlx::FromRow)]
        struct Whole {
            #[sqlx(flatten)]
            row: common::schedules::Row,
            fires_at: OffsetDateTime,
            paused_by: Option<String>,
            paused_reason: Option<String>,
        }
        type Firing = (
            String,
            OffsetDateTime,
            OffsetDateTime,
            String,
            i32,
            bool,
            Option<bool>,
            i64,
            Option<serde_json::Value>,
            bool,
        );
        let schedules = "select *, retired_at is not null as retired from schedules order by name";
        let schedules: Vec<Whole> = sqlx::query_as(schedules).fetch_all(&self.pool).await.unwrap();
        let firings =
            "select schedule, due_at, fires_at, state, attempts, not_before <= now(), lease_until > now(),
                              fence, error, finished_at is not null
                         from schedule_firings order by schedule, due_at";
        let firings: Vec<Firing> = sqlx::query_as(firings).fetch_all(&self.pool).await.unwrap();
        let schedules = schedules.into_iter().map(|Whole { row, fires_at, paused_by, paused_reason }| {
            format!("{row:?} {fires_at} {paused_by:?} {paused_reason:?}")
        });
        let firings = firings.into_iter().map(
            |(schedule, due_at, fires_at, state, attempts, due, held, fence, error, over)| {
                format!("{schedule} {due_at} {fires_at} {state} {attempts} {due} {held:?} {fence} {error:?} {over}")
            },
        );
        schedules.chain(firings).collect()
    }
}

fn with_rule(schedule: Schedule) -> (Schedule, Rule) {
    let rule = schedule.rule().unwrap();
    (schedule, rule)
}

fn words<T: std::fmt::Debug>(answer: Result<T, ScheduleError>) -> String {
    format!("{answer:?}")
}
