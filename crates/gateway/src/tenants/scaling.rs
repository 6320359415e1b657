//! How large a tenant is to be.

use serde_json::Value;
use wire::{kinds::TenantScale, sizing};

use super::words;
use crate::{
    http::fields::{Fault, Fields},
    problem::{Code, Problem},
    store::{plans::Plan, room::Around, tenants::Tenant},
};

/// What is asked for, and why.
#[derive(Debug)]
pub struct Scaling {
    pub request: TenantScale,
    pub reason: Option<String>,
}

/// What a figure may be.
#[derive(Clone, Copy)]
struct Range {
    now: i32,
    least: i32,
    most: i32,
}

impl Scaling {
    /// Reads a body, or tells everything that is wrong with it.
    pub fn parse(body: &[u8], tenant: &Tenant, plan: &Plan) -> Result<Self, Problem> {
        let mut fields = Fields::of_body(body)?;
        let most = plan.ceiling();
        let cpu = Range { now: tenant.cpu_millis, least: sizing::LEAST_CPU_MILLIS, most: most.cpu_millis };
        let memory = Range { now: tenant.memory_mb, least: sizing::LEAST_MEMORY_MB, most: most.memory_mb };
        let workers = Range { now: tenant.workers, least: sizing::LEAST_WORKERS, most: most.workers };
        let cpu_millis = fields.value("cpu", |value| millis(&value, cpu));
        let memory_mb = fields.value("memory_mb", |value| whole(&value, memory));
        let workers = fields.value("workers", |value| whole(&value, workers));
        let reason = fields.optional("reason", words::reason);
        fields.finish()?;
        let request = TenantScale {
            cpu_millis: cpu_millis.flatten(),
            memory_mb: memory_mb.flatten(),
            workers: workers.flatten(),
        };
        Ok(Self { request, reason: reason.flatten() })
    }
}

fn millis(value: &Value, range: Range) -> Result<u32, Fault> {
    let cores = value.as_f64().ok_or_else(|| Fault::new("not_a_number", "must be a number of cores"))?;
    let millis = (cores * 1000.0).round();
    if (cores * 1000.0 - millis).abs() > 1e-6 {
        return Err(Fault::new("too_fine", "must be in thousandths of a core at the finest"));
    }
    let told = |millis: i32| f64::from(millis) / 1000.0;
    within(millis, range).ok_or_else(|| out_of_range(told(range.least), told(range.most)))
}

fn whole(value: &Value, range: Range) -> Result<u32, Fault> {
    // `2.0` is a whole number too.
    let number = value.as_f64().filter(|number| number.fract() == 0.0);
    let number = number.ok_or_else(|| Fault::new("not_a_number", "must be a whole number"))?;
    within(number, range).ok_or_else(|| out_of_range(range.least.into(), range.most.into()))
}

/// What it has already is allowed, whatever became of the plan.
fn within(number: f64, range: Range) -> Option<u32> {
    let allowed = (f64::from(range.least)..=f64::from(range.most)).contains(&number);
    (allowed || number == f64::from(range.now)).then_some(number as u32)
}

fn out_of_range(least: f64, most: f64) -> Fault {
    Fault::new("out_of_range", format!("must be from {least} to {most}: the plan allows no more"))
}

/// Whether the tenant has all that already.
pub fn is_so(tenant: &Tenant, request: &TenantScale) -> bool {
    let same =
        |wanted: Option<u32>, has: i32| wanted.is_none_or(|wanted| i64::from(wanted) == i64::from(has));
    same(request.cpu_millis, tenant.cpu_millis)
        && same(request.memory_mb, tenant.memory_mb)
        && same(request.workers, tenant.workers)
}

/// What its cluster lacks for it, if anything.
pub fn obstacle(tenant: &Tenant, request: &TenantScale, around: &Around) -> Option<Problem> {
    let room = &around.room;
    let large = |wanted: Option<u32>, has: Option<i32>| {
        wanted.zip(has).is_some_and(|(wanted, has)| i64::from(wanted) > i64::from(has))
    };
    if large(request.cpu_millis, room.cpu_millis) || large(request.memory_mb, room.memory_mb) {
        let cores = |millis: i32| f64::from(millis) / 1000.0;
        let detail = format!(
            "A container of the tenant's cluster can have {} cores and {} MB of memory at most.",
            cores(room.cpu_millis.unwrap_or_default()),
            room.memory_mb.unwrap_or_default(),
        );
        return Some(Problem::new(Code::NoRoom).detail(detail));
    }
    let more = i64::from(request.workers.unwrap_or_default()) - i64::from(tenant.workers);
    let concurrency = sizing::concurrency_of_worker(
        tenant.concurrent_executions.unsigned_abs(),
        around.base_workers.unsigned_abs(),
    );
    let wants = more.max(0) * i64::from(sizing::connections_of_worker(concurrency));
    // Whoever wants no more may go on where there is too little.
    let left = room.connections.filter(|left| wants > 0 && *left < wants)?;
    let detail = format!(
        "{more} more workers take {wants} connections to the tenants' database server, and its cluster has {} left.",
        left.max(0)
    );
    Some(Problem::new(Code::NoRoom).detail(detail))
}
