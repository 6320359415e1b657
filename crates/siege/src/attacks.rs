//! Those who are in the way, each in their own manner and at a steady pace: what is measured is the gateway, not how fast this
//! program can be.

mod bytes;

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use common::{id::TenantId, service::Tasks};
use testkit::portal::{Caller, Client};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use self::bytes::{Said, exchange, head, never_done};

const SLOW: u32 = 1_000;
const LARGE: usize = 10 << 20;
const LEVELS: usize = 1_000;
/// How many at a time, except the slow.
const AT_A_TIME: u32 = 16;

/// A manner of being in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Nobody at all.
    Nobody,
    /// Connections whose headers never end, a byte every tenth of a second.
    SlowHeaders,
    /// 10 MB, with their length before them.
    Announced,
    /// 10 MB, without.
    Unannounced,
    /// JSON of a thousand levels, with a right signature.
    DeepJson,
    /// A hundred headers.
    ManyHeaders,
    /// Ten thousand.
    FarTooManyHeaders,
    /// One caller, a hundred times as often as allowed.
    TooOften,
}

impl Attack {
    /// Every one, in the order in which they are tried.
    pub const ALL: [Self; 7] = [
        Self::SlowHeaders,
        Self::Announced,
        Self::Unannounced,
        Self::DeepJson,
        Self::ManyHeaders,
        Self::FarTooManyHeaders,
        Self::TooOften,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::SlowHeaders => "1,000 connections whose headers never end",
            Self::Announced => "50/s bodies of 10 MB, announced",
            Self::Unannounced => "50/s bodies of 10 MB, in chunks",
            Self::DeepJson => "100/s bodies of 1,000 levels",
            Self::ManyHeaders => "100/s requests with 100 headers",
            Self::FarTooManyHeaders => "50/s requests with 10,000 headers",
            Self::TooOften => "1,000/s requests of one owner, allowed 10/s",
        }
    }

    /// A second, all of them together.
    const fn rate(self) -> u32 {
        match self {
            Self::Nobody | Self::SlowHeaders => 0,
            Self::Announced | Self::Unannounced | Self::FarTooManyHeaders => 50,
            Self::DeepJson | Self::ManyHeaders => 100,
            Self::TooOften => 1_000,
        }
    }
}

/// What an attack has to know.
pub struct Target<'a> {
    pub tasks: &'a Tasks,
    pub port: u16,
    pub tenant: TenantId,
}

/// What attackers were told, and how often.
pub type Told = BTreeMap<String, u64>;

/// Attacks for so long.
pub async fn attack(attack: Attack, target: &Target<'_>, length: Duration) -> anyhow::Result<Told> {
    let told = Mutex::new(Told::new());
    let note = |said: Said| {
        let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *told.entry(said.to_string()).or_default() += 1;
    };
    let until = Instant::now() + length;
    match attack {
        Attack::Nobody => {}
        Attack::SlowHeaders => {
            let slow = (0..SLOW).map(async |_| {
                while Instant::now() < until {
                    note(never_done(target.port, until).await);
                }
            });
            futures::future::join_all(slow).await;
        }
        Attack::Announced
        | Attack::Unannounced
        | Attack::DeepJson
        | Attack::ManyHeaders
        | Attack::FarTooManyHeaders
        | Attack::TooOften => {
            let attackers = (0..AT_A_TIME).map(|number| one(attack, target, until, number, &note));
            futures::future::try_join_all(attackers).await?;
        }
    }
    Ok(told.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// One attacker's share.
async fn one(
    attack: Attack,
    target: &Target<'_>,
    until: Instant,
    number: u32,
    note: &impl Fn(Said),
) -> anyhow::Result<()> {
    let caller =
        if attack == Attack::TooOften { Caller::owner("customer", target.tenant)? } else { Caller::new()? };
    let pause = Duration::from_secs(1) * AT_A_TIME / attack.rate();
    let mut turns = tokio::time::interval_at(Instant::now() + pause * number / AT_A_TIME, pause);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kept = Client::connect(target.tasks, target.port).await?;
    while turns.tick().await < until {
        note(match attack {
            Attack::Announced => {
                let head = head(&caller, &format!("content-length: {LARGE}\r\n"))?;
                exchange(target.port, &head, LARGE, false).await
            }
            Attack::Unannounced => {
                exchange(target.port, &head(&caller, "transfer-encoding: chunked\r\n")?, LARGE, true).await
            }
            Attack::ManyHeaders => exchange(target.port, &head(&caller, &headers(100))?, 0, false).await,
            Attack::FarTooManyHeaders => {
                exchange(target.port, &head(&caller, &headers(10_000))?, 0, false).await
            }
            Attack::DeepJson => {
                let body = "[".repeat(LEVELS) + &"]".repeat(LEVELS);
                let request = caller.command("POST".try_into()?, "/tenants", body, Some(Uuid::now_v7()))?;
                Said::Status(kept.send(request).await?.0.as_u16())
            }
            Attack::TooOften => Said::Status(kept.send(caller.show(target.tenant)?).await?.0.as_u16()),
            Attack::Nobody | Attack::SlowHeaders => return Ok(()),
        });
    }
    Ok(())
}

fn headers(count: usize) -> String {
    (0..count).map(|n| format!("x-{n}: y\r\n")).collect()
}
