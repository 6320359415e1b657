//! Looking at it, again and again: it is in the record as a shared n8n among others, with what is in the way of using it.

use std::{sync::Arc, time::Duration};

use common::{
    error::{Kind, chain},
    operations::StepError,
    service::{Interval, Round, Service},
    tenant::{Color, Purpose},
};
use edge::{Route, Target, routes::Ensured};
use metrics::{describe_gauge, gauge};
use n8n::{
    databases::Name,
    members::{Main, Unfit},
};
use sqlx::PgPool;

use super::{Admitted, Obstacle};
use crate::{
    World,
    config::ExternalSettings,
    store::{
        clusters,
        external::{self, Row},
        tenants,
    },
};

/// The record takes what nobody has looked at for a minute for something that nobody knows of, and a look at one that is hardly there takes half of
/// that.
const EVERY: Duration = Duration::from_secs(10);

const OBSTACLES: &str = "rp9_external_n8n_obstacles";

/// Looks at the n8n of somebody else's, if one is configured.
pub struct ExternalN8n {
    pool: PgPool,
    world: Arc<World>,
    /// What was said last.
    told: Vec<Obstacle>,
}

/// Why it could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unseen(String);

impl ExternalN8n {
    /// The one that is configured for this world.
    pub const fn new(pool: PgPool, world: Arc<World>) -> Self {
        Self { pool, world, told: Vec::new() }
    }

    /// Looks for as long as the service runs.
    pub fn spawn(self, service: &Service) {
        describe_gauge!(
            OBSTACLES,
            "What keeps tenants out of the n8n that the platform does not run itself."
        );
        let looks = Interval::new("external-n8n", EVERY);
        service.every(looks.failing("the n8n that the platform does not run could not be looked at"), self);
    }

    /// One look, noted in the record.
    pub async fn look(&mut self) -> Result<(), StepError> {
        let Some(settings) = self.world.external.settings() else { return Ok(()) };
        let site = &self.world.site;
        clusters::ensure(&self.pool, site).await?;
        let row = external::ensure(&self.pool, site.cluster.as_str(), &settings).await?;
        if row.leaves {
            return Ok(());
        }
        let found = self.examine(&settings, &row).await?;
        let obstacles = found.as_ref().err().cloned().unwrap_or_default();
        let recognised = found.ok();
        if recognised.is_some() {
            self.publish(&row, &settings).await?;
        }
        let known = recognised.as_ref().map(|(_, recognised)| recognised);
        external::note(&self.pool, &row, &settings, &obstacles, known).await?;
        self.world.external.admit(&settings, recognised.map(|(admitted, _)| admitted));
        self.tell(obstacles);
        Ok(())
    }

    /// What is in the way, or how it is worked in.
    async fn examine(
        &self,
        settings: &ExternalSettings,
        row: &Row,
    ) -> Result<Result<(Admitted, n8n::members::Recognised), Vec<Obstacle>>, StepError> {
        let (members, name) = (&self.world.members, Name::of(row.tenant));
        let address =
            settings.base_url.url().ok_or_else(|| broken("the address of the n8n makes no request"))?;
        let main = Main { instance: name, address, key: settings.api_key.clone() };
        let (Some(database), Some(jwt_secret)) = (&settings.database, settings.signs_with()) else {
            let answers = members.answers(&main).await;
            let unfit = answers.err().map(|unfit| self.obstacle(&unfit));
            return Ok(Err(Obstacle::missing(settings).into_iter().chain(unfit).collect()));
        };
        let led = self.world.databases.lead(&name, database);
        led.map_err(|_| broken("SHARED_N8N_DATABASE_URL is no address"))?;
        match members.recognise(&main, &jwt_secret).await {
            Err(unfit) => Ok(Err(vec![self.obstacle(&unfit)])),
            Ok(recognised) if row.is_another(recognised.owner) => Ok(Err(vec![Obstacle::another_n8n()])),
            Ok(recognised) => Ok(Ok((Admitted { main, jwt_secret }, recognised))),
        }
    }

    /// With its cause in the log, once.
    fn obstacle(&self, unfit: &Unfit) -> Obstacle {
        let obstacle = Obstacle::from(unfit);
        if !self.told.contains(&obstacle) {
            tracing::warn!(
                code = obstacle.code,
                error = chain(unfit),
                "the n8n that the platform does not run cannot be used"
            );
        }
        obstacle
    }

    fn tell(&mut self, obstacles: Vec<Obstacle>) {
        gauge!(OBSTACLES).set(obstacles.len() as f64);
        if obstacles == self.told {
            return;
        }
        let codes: Vec<_> = obstacles.iter().map(|obstacle| obstacle.code).collect();
        if codes.is_empty() {
            tracing::info!("nothing keeps tenants out of the n8n that the platform does not run");
        } else {
            tracing::warn!(
                codes = codes.join(" "),
                "tenants are kept out of the n8n that the platform does not run"
            );
        }
        self.told = obstacles;
    }

    /// Its host at the edge leads to it, and so do those of everybody who lives in it.
    async fn publish(&self, row: &Row, settings: &ExternalSettings) -> Result<(), StepError> {
        let host = self.world.site.public.host(&row.name);
        let mut route = Route {
            host: host.parse().map_err(|_| broken("the name of the n8n makes no route"))?,
            tenant: row.tenant,
            purpose: Purpose::Shared,
            targets: vec![Target {
                color: Color::Blue,
                url: (&settings.base_url).into(),
                weight: 1,
                webhook_weight: None,
            }],
            workspace: None,
            formerly: None,
            stand_in: None,
            generation: row.generation,
        };
        if let Ensured::Superseded { .. } = edge::routes::ensure(&self.pool, &route).await? {
            route.generation = tenants::next_generation(&self.pool, row.tenant).await?;
            // Another replica's is as good.
            let _ = edge::routes::ensure(&self.pool, &route).await?;
        }
        Ok(())
    }
}

fn broken(what: &'static str) -> StepError {
    StepError::failed(Kind::Internal, what)
}

impl Round for ExternalN8n {
    type Error = Unseen;

    async fn run(&mut self) -> Result<(), Unseen> {
        self.look().await.map_err(|error| match error {
            StepError::Failed { cause, .. } => Unseen(cause),
            // Nothing here is a step.
            StepError::LeaseLost | StepError::Stopped | StepError::Later(_) => Unseen(String::new()),
        })
    }
}
