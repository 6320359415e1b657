//! One storm, from beginning to verdict.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use common::{audit, config::Env, service::Tasks};
use sqlx::{PgPool, migrate::Migrator, postgres::PgPoolOptions};
use testkit::portal::Caller;
use tokio_util::sync::CancellationToken;

use crate::{
    choice::Verbs,
    config::Config,
    faults::{Broken, Storm},
    fleet::Fleet,
    ledger::Ledger,
    load::{self, Portal},
    proxy::Proxy,
    record::{self, Record},
    report::{self, Figures},
    verdict::{Seen, Verdict},
    world::{self, World},
};

/// After the storm, until everything accepted has ended: a lease, some pauses between attempts, and the rest of the queue.
const SETTLES_WITHIN: Duration = Duration::from_secs(600);
/// After the storm, until every service says that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Keys that are used once more when everything is over.
const REPLAYS: usize = 300;

/// Runs one storm and prints what came of it. `false`: something was lost, done twice, or otherwise wrong.
pub async fn run() -> anyhow::Result<bool> {
    let config: Config = Env::of_process().load()?;
    eprintln!("seed {}: {} s at {} operations/s", config.seed, config.length.as_secs(), config.rate);
    std::fs::create_dir_all(&config.logs)?;
    let mut random = fastrand::Rng::with_seed(config.seed);
    let pool = record(&config).await?;
    let (tasks, world) = (Tasks::default(), Arc::new(World::default()));
    world::serve(&tasks, world.clone(), config.world(), random.fork()).await?;
    let mut proxies = Vec::new();
    for port in config.proxies() {
        proxies.push(Proxy::listen(&tasks, port, config.postgres).await?);
    }
    let fleet = Fleet::start(&config).await?;
    let broken = Mutex::new(Broken::default());
    let storm = Storm { config, fleet, proxies, world, broken };
    let portal = Arc::new(Portal {
        caller: Caller::new()?,
        gateways: storm.config.gateways(),
        tasks: tasks.clone(),
        ledger: Arc::new(Ledger::new(storm.config.verbs == Verbs::Apart)?),
    });
    let (unanswered, took) = rage(&storm, &portal, &mut random).await?;
    let unready = storm.fleet.unready(READY_WITHIN).await;
    let settled = Instant::now();
    let open = record::settle(&pool, SETTLES_WITHIN).await?;
    eprintln!("settled after {:.1} s, {open} open", settled.elapsed().as_secs_f64());
    let mut problems = compare(&storm, &portal, &pool, unanswered).await?;
    problems.push(("services that do not become ready", unready));
    let figures = figures(&storm, &portal, &pool, took).await?;
    println!("{}", report::write(&storm.config, &figures, &problems)?);
    // Ends the services before anything they depend on.
    drop(storm);
    Ok(report::sound(&problems))
}

/// Load and faults side by side. Returns how many callers were never answered, and how long it took.
async fn rage(
    storm: &Storm,
    portal: &Arc<Portal>,
    random: &mut fastrand::Rng,
) -> anyhow::Result<(usize, Duration)> {
    let (calm, begun) = (CancellationToken::new(), Instant::now());
    let (for_load, for_faults) = (random.fork(), random.fork());
    let load = async {
        let ended = calm.clone();
        let until = async {
            tokio::time::sleep(storm.config.length).await;
            ended.cancel();
            anyhow::Ok(())
        };
        let (unanswered, ()) = tokio::try_join!(
            load::run(portal, (storm.config.rate, storm.config.length, storm.config.mix()), for_load),
            until
        )?;
        Ok(unanswered)
    };
    let (unanswered, ()) = tokio::try_join!(load, storm.rage(for_faults, &calm))?;
    Ok((unanswered, begun.elapsed()))
}

async fn record(config: &Config) -> anyhow::Result<PgPool> {
    let url = config.record_at(config.postgres);
    let pool = PgPoolOptions::new().max_connections(4).connect(&url).await.context("the storm's Postgres")?;
    match &config.former {
        Some(former) => Migrator::new(former.join("migrations")).await?.run(&pool).await?,
        None => common::database::migrate(&pool).await?,
    }
    let empty: bool =
        sqlx::query_scalar("select not exists (select from operations)").fetch_one(&pool).await?;
    anyhow::ensure!(empty, "the record is not empty: a storm needs one of its own");
    Ok(pool)
}

/// Everything that must not be, by name.
async fn compare(
    storm: &Storm,
    portal: &Arc<Portal>,
    pool: &PgPool,
    unanswered: usize,
) -> anyhow::Result<Vec<(&'static str, Vec<String>)>> {
    replay(portal).await;
    let seen = Seen {
        objects: storm.world.objects(),
        effects: storm.world.effects(),
        doubled: storm.world.doubled(),
        cut_off: storm.world.cut_off(),
    };
    let verdict = Verdict::of(&portal.ledger.told(), &Record::read(pool).await?, &seen);
    let mut problems: Vec<_> = verdict.parts().map(|(name, ids)| (name, ids.to_vec())).into();
    let audit = audit::verify(pool).await?;
    let broken_chain = audit.faults.iter().map(|fault| format!("{fault:?}"));
    problems.push(("faults in the audit chain", broken_chain.collect()));
    let unanswered = (unanswered > 0).then(|| format!("{unanswered} callers"));
    problems.push(("never answered", unanswered.into_iter().collect()));
    let ended = storm.fleet.ended_by_themselves();
    problems.push((
        "services that ended by themselves",
        (ended > 0).then(|| ended.to_string()).into_iter().collect(),
    ));
    Ok(problems)
}

/// Some keys are used again after everything: the answer must still be the first one.
async fn replay(portal: &Arc<Portal>) {
    let accepted = portal.ledger.told().accepted;
    let every = (accepted.len() / REPLAYS).max(1);
    for accepted in accepted.iter().step_by(every) {
        let answer = portal.until_answered(accepted.key, accepted.asked, 0).await;
        if answer != accepted.answer {
            portal.ledger.contradicted(accepted.key, &accepted.answer, &answer);
        }
    }
}

async fn figures(
    storm: &Storm,
    portal: &Arc<Portal>,
    pool: &PgPool,
    took: Duration,
) -> anyhow::Result<Figures> {
    let broken = storm.broken.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Figures {
        told: portal.ledger.told(),
        answered_ms: [0.5, 0.95, 1.0].map(|quantile| portal.ledger.took_ms(quantile)),
        broken,
        commit_cuts: storm.proxies.iter().map(|proxy| proxy.cut_after_commit()).collect(),
        takeovers_ms: record::takeovers(pool).await?,
        effects: storm.world.effects().len(),
        refused: storm.world.refused().len(),
        took,
    })
}
