//! Why something cannot be done to an n8n that the platform does not run, or in it.

use common::id::TenantId;

use crate::{
    app::App,
    problem::{Answered, Code, Problem},
    store::external::{self, Obstacle},
};

/// Says so, if the tenant is such an n8n, or lives in one in which a person has to make it possible first.
pub async fn in_the_way(app: &App, tenant: TenantId) -> Answered<Option<Problem>> {
    let Some(found) = external::of_tenant(&app.statements, tenant).await? else { return Ok(None) };
    if found.itself {
        return Ok(Some(itself()));
    }
    let lasting: Vec<_> = found.obstacles.0.into_iter().filter(|obstacle| !obstacle.passes).collect();
    if lasting.is_empty() {
        return Ok(None);
    }
    let detail = format!("The tenant lives in an n8n that the platform does not run. {}", told(&lasting));
    Ok(Some(Problem::new(Code::ExternalN8n).detail(detail)))
}

fn itself() -> Problem {
    let detail = "The platform does not run this n8n: it is restarted, scaled and removed where it runs. `POST /shared-instances/{id}/drain` lets no more \
                  tenants in; once its settings (SHARED_N8N_…) are taken away and nobody lives in it, `DELETE /shared-instances/{id}` forgets it.";
    Problem::new(Code::ExternalN8n).detail(detail)
}

/// All of it, as sentences.
pub fn told(obstacles: &[Obstacle]) -> String {
    obstacles.iter().map(|obstacle| obstacle.detail.as_str()).collect::<Vec<_>>().join(" ")
}
