//! `PATCH /tenants/{id}`

use std::time::Duration;

use axum::{extract::State, response::Response};
use common::{clock, role::Role, secrets::random_bytes};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::show::TenantDetails;
use crate::{
    app::App,
    auth::{Command, absent},
    commands,
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Pointer, Problem},
    store::{
        accept::Moot,
        steer::{Steering as _, UpdateTenant},
        tenants::{self, Claim, Detailed, Tenant},
    },
    tenants::{PLACING, Rules, TenantPatch, misplaced},
};

/// So many others may change a tenant between a look at it and the change that is made of that.
const LOOKS: usize = 10;

/// 128 bits.
const TOKEN_BYTES: usize = 16;

/// A tenant after it was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdatedTenant {
    data: TenantDetails,
    /// The fields that are not what they were; none, if the tenant was so already.
    #[schema(example = json!(["name"]))]
    changed: Vec<&'static str>,
}

/// Changes what is known of a tenant.
///
/// What is absent stays as it is; `null` takes away a region, a domain, compliance and metadata. Another `custom_domain` is a new claim (see
/// `data.custom_domain`), and from this answer on the former one is not served any more. An owner may change all but `region` and `compliance`
/// (403). What the cluster that it lives in does not fulfil is 409 with the reason, and so is every change of a tenant that failed or is being
/// removed. Of several who change different fields at once none undoes what another did.
#[utoipa::path(
    patch, path = "/tenants/{id}", tag = "tenants",
    request_body = TenantPatch,
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = UpdatedTenant),
    )
)]
pub async fn update(State(app): State<App>, command: Command<UpdateTenant, Tenant>) -> Answered<Response> {
    command.exchange().note_tenant(command.target().id);
    match change(&app, &command).await {
        Ok(answer) => Ok(answer),
        Err(problem) => command.repeat_or(&app.statements, problem).await,
    }
}

async fn change(app: &App, command: &Command<UpdateTenant, Tenant>) -> Answered<Response> {
    let offer = app.offers.now(&app.statements).await?;
    let rules = Rules { offer: &offer, domain: app.public.domain.as_str() };
    let patch = TenantPatch::of_tenant(command.target(), command.body(), &rules)?;
    for _ in 0..LOOKS {
        let mut seen = look(app, command).await?;
        let last = seen.tenant.updated_at;
        let changed = patch.apply(&mut seen.tenant);
        if changed.is_empty() {
            let moot = Moot { tenant: seen.tenant.id, operation: None, reason: None };
            let answer = answer(app, command, seen, changed)?;
            return commands::nothing_to_do(app, command, &moot, answer).await;
        }
        may(command.identity().role(), &changed)?;
        if let Some(problem) = misplaced(&seen.tenant, &changed, &offer) {
            return Err(problem);
        }
        seen.tenant.updated_at = moment_after(last);
        let claim = changed.contains(&"custom_domain").then(|| claim(&seen.tenant)).transpose()?;
        if let Some(claim) = &claim {
            seen.claim.clone_from(claim);
        }
        let update = UpdateTenant::new(seen.tenant.clone(), last, claim, &changed);
        let answer = answer(app, command, seen, changed)?;
        if let Some(answer) = commands::steer(app, command, &update, answer).await? {
            return Ok(answer);
        }
    }
    Err(UpdateTenant::refusal(&look(app, command).await?.tenant))
}

/// The tenant as it is now, if it can be changed.
async fn look(app: &App, command: &Command<UpdateTenant, Tenant>) -> Answered<Detailed> {
    let reader = app.reader(command.identity().scope());
    let found: Detailed = tenants::find(&reader, command.target().id).await?.ok_or_else(absent)?;
    if UpdateTenant::is_possible(&found.tenant) {
        Ok(found)
    } else {
        Err(UpdateTenant::refusal(&found.tenant))
    }
}

fn answer(
    app: &App,
    command: &Command<UpdateTenant, Tenant>,
    tenant: Detailed,
    changed: Vec<&'static str>,
) -> Answered<Answer> {
    Answer::done(&UpdatedTenant { data: TenantDetails::of(tenant, command.identity().role(), app), changed })
}

/// Where a tenant may live is the affair of those who run the platform.
fn may(role: Role, changed: &[&'static str]) -> Answered<()> {
    let staffs = changed.iter().filter(|field| role == Role::Owner && PLACING.contains(field));
    let refused = Problem::new(Code::Forbidden)
        .detail("Where a tenant may live is changed by those who run the platform.");
    let refused = staffs.fold(refused, |problem, field| problem.at(Pointer::to(field)));
    if refused.errors().is_empty() { Ok(()) } else { Err(refused) }
}

/// What it claims a domain of its own with from now on, if it is to have one. Nobody knows the token of a claim that was not made yet.
fn claim(tenant: &Tenant) -> Answered<Option<Claim>> {
    let token = hex::encode(&random_bytes()?[..TOKEN_BYTES]);
    Ok(tenant.custom_domain.clone().map(|domain| Claim::new(domain, token, tenant.updated_at)))
}

/// Later than the last change, also where this gateway's clock is behind: a change is told from the one before by its moment. The record keeps
/// microseconds.
fn moment_after(last: OffsetDateTime) -> OffsetDateTime {
    let now = clock::now();
    let now = now.replace_microsecond(now.microsecond()).unwrap_or(now);
    now.max(last + Duration::from_micros(1))
}
