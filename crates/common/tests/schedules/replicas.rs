//! Three replicas over every change of clocks in four zones, with gaps, wrong clocks and deaths.

use common::schedules::{GRACE, Misses, Runner, Schedule};
use futures::future::join_all;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::support::{Behaviour, Hands, World, die_running, fired, replica, run_all, time_passes};

/// Both changes of 2026 in each zone.
const CHANGES: [(&str, OffsetDateTime); 8] = [
    ("Europe/Berlin", datetime!(2026-03-29 1:00 UTC)),
    ("Europe/Berlin", datetime!(2026-10-25 1:00 UTC)),
    ("America/New_York", datetime!(2026-03-08 7:00 UTC)),
    ("America/New_York", datetime!(2026-11-01 6:00 UTC)),
    ("Australia/Lord_Howe", datetime!(2026-04-04 15:00 UTC)),
    ("Australia/Lord_Howe", datetime!(2026-10-03 15:30 UTC)),
    ("America/Santiago", datetime!(2026-04-05 3:00 UTC)),
    ("America/Santiago", datetime!(2026-09-06 4:00 UTC)),
];
/// Seconds from one look to the next; two rounds are an hour, so every full hour is looked at.
const STEPS: [i64; 4] = [300, 600, 20, 880];
const GAP: Duration = Duration::hours(26);
const REPLICAS: usize = 3;

/// The replicas of one window of time around one change.
struct Window {
    world: World,
    /// One for each replica.
    hands: Vec<Hands>,
    replicas: Vec<Runner>,
    now: OffsetDateTime,
    /// Every time by which anybody looked, in order.
    looks: Vec<OffsetDateTime>,
    deaths: u32,
}

impl Window {
    async fn open(pool: &PgPool, schedules: &[Schedule], now: OffsetDateTime) -> Self {
        let world = World::default();
        let hands: Vec<_> = (0..REPLICAS).map(|_| Hands::at(now)).collect();
        let replicas: Vec<_> = hands.iter().map(|hands| replica(pool, hands, &world, schedules)).collect();
        for declared in join_all(replicas.iter().map(Runner::declare)).await {
            declared.unwrap();
        }
        Self { world, hands, replicas, now, looks: Vec::new(), deaths: 0 }
    }

    /// All replicas look at once, then one of them with its clock wrong, then they run what fired.
    async fn look(&mut self, number: usize) {
        self.hands.iter().for_each(|hands| hands.set(self.now));
        self.looks.push(self.now);
        for fired in join_all(self.replicas.iter().map(Runner::fire_due)).await {
            fired.unwrap();
        }
        let wrong = match number % 13 {
            4 => Some((number % REPLICAS, self.now + Duration::HOUR)),
            9 => Some((number % REPLICAS, self.now - Duration::HOUR)),
            _ => None,
        };
        if let Some((replica, wrong)) = wrong {
            self.hands[replica].set(wrong);
            self.looks.push(wrong);
            self.replicas[replica].fire_due().await.unwrap();
        }
        join_all(self.replicas.iter().map(run_all)).await;
    }

    async fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for number in 0.. {
            self.now += Duration::seconds(STEPS[number % STEPS.len()]);
            if self.now > until {
                self.now = until;
                return;
            }
            self.look(number).await;
        }
    }

    /// One replica dies with a firing in hand; its lease ends, and the others go on.
    async fn die(&mut self, pool: &PgPool, behaviour: Behaviour) {
        // A quarter has come by now, whatever its jitter, that no clock an hour ahead has seen yet.
        self.now += Duration::minutes(77);
        self.looks.push(self.now);
        self.hands.iter().for_each(|hands| hands.set(self.now));
        self.replicas[1].fire_due().await.unwrap();
        die_running(&self.replicas[1], &self.world, behaviour).await;
        self.deaths += u32::from(behaviour == Behaviour::HangAfter);
        for ran in join_all(self.replicas.iter().map(run_all)).await {
            // Others may run what is of another schedule, but not what the dead one holds.
            drop(ran);
        }
        time_passes(pool).await;
        join_all(self.replicas.iter().map(run_all)).await;
    }
}

/// Every quarter of an hour caught up, every hour skipped, and once a day, at a time that a change takes or gives.
fn schedules(number: usize, zone: &'static str) -> [Schedule; 3] {
    let schedule = |what: &str, cron, misses, jitter_seconds| {
        let schedule = Schedule::new(format!("{what}-{number}"), format!("note-{number}"), cron, misses);
        schedule.on_clocks_of(zone).with_jitter(jitter_seconds)
    };
    [
        schedule("quarters", "*/15 * * * *", Misses::CatchUp, 120),
        schedule("hours", "0 * * * *", Misses::Skip, 0),
        schedule(
            "daily",
            if zone.ends_with("Santiago") { "30 23 * * *" } else { "15 2 * * *" },
            Misses::CatchUp,
            0,
        ),
    ]
}

/// Every such step on UTC's clock: quarters fall on them in every zone, and hours wherever the offset is of full hours.
fn steps(after: OffsetDateTime, before: OffsetDateTime, step: Duration) -> Vec<OffsetDateTime> {
    let first = after.unix_timestamp() / step.whole_seconds() + 1;
    let moments = (first..).map(|n| OffsetDateTime::from_unix_timestamp(n * step.whole_seconds()).unwrap());
    moments.take_while(|moment| *moment < before).collect()
}

async fn next_due(pool: &PgPool, schedule: &str) -> OffsetDateTime {
    let next = sqlx::query_scalar("select next_due from schedules where name = $1");
    next.bind(schedule).fetch_one(pool).await.unwrap()
}

/// What a schedule that skips fires of these moments, for somebody who looked at these times.
fn on_time(moments: &[OffsetDateTime], looks: &[OffsetDateTime]) -> Vec<OffsetDateTime> {
    let first_look = |moment: &OffsetDateTime| looks.iter().find(|look| *look >= moment).copied();
    moments.iter().filter(|m| first_look(m).is_some_and(|look| look <= **m + GRACE)).copied().collect()
}

async fn check(pool: &PgPool, window: &Window, schedules: &[Schedule; 3], begin: OffsetDateTime) -> usize {
    let [quarters, hours, daily] = schedules;
    let all = fired(pool, &quarters.name).await;
    assert_eq!(
        all,
        steps(begin, next_due(pool, &quarters.name).await, Duration::minutes(15)),
        "{quarters:?}"
    );
    let mut total = all.len();

    let all = fired(pool, &hours.name).await;
    // In Lord Howe full hours are half hours on UTC's clock for half the year.
    if !hours.zone.ends_with("Lord_Howe") {
        let moments = steps(begin, next_due(pool, &hours.name).await, Duration::HOUR);
        assert_eq!(all, on_time(&moments, &window.looks), "{hours:?}");
    }
    // A clock that is an hour ahead has missed what it skips.
    assert!(all.len() > 10, "{hours:?} fired {} times", all.len());
    total += all.len();

    let all = fired(pool, &daily.name).await;
    assert!(all.len() >= 2, "{daily:?}: {all:?}");
    for pair in all.windows(2) {
        assert!((22..=26).contains(&(pair[1] - pair[0]).whole_hours()), "{daily:?}: {pair:?}");
    }
    total + all.len()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn every_firing_is_once_over_every_change_of_clocks(pool: PgPool) {
    let mut total = 0;
    for (number, (zone, change)) in CHANGES.into_iter().enumerate() {
        let schedules = schedules(number, zone);
        let over_the_change = number % 2 == 1;
        let begin = change - Duration::hours(if over_the_change { 30 } else { 18 });
        let mut window = Window::open(&pool, &schedules, begin).await;
        window.pass(Duration::hours(if over_the_change { 24 } else { 36 })).await;
        let death = if over_the_change { Behaviour::HangAfter } else { Behaviour::HangBefore };
        window.die(&pool, death).await;
        // Back on the full half hours.
        window.now += GAP + Duration::minutes(13);
        window.pass(Duration::hours(18)).await;

        let fired = check(&pool, &window, &schedules, begin).await;
        let open = "select count(*) from schedule_firings where state <> 'done'";
        assert_eq!(sqlx::query_scalar::<_, i64>(open).fetch_one(&pool).await.unwrap(), 0, "{zone}");
        let effects = window.world.effects.lock().unwrap();
        assert_eq!(effects.len(), fired, "an effect for each firing, and for nothing else");
        let repeated = effects.values().filter(|count| **count > 1).count() as u32;
        assert_eq!(repeated, window.deaths, "only what died with its effect done was done again");
        total += fired;
    }
    assert!(total >= 2_000, "{total} firings");
    println!("{total} firings, each once");
}
