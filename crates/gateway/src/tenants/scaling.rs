//! How large a tenant is to be.

use serde_json::{Value, json};
use wire::kinds::TenantScale;

use super::words::Reason;
use crate::{
    http::{
        fields::{Fault, Field},
        request::request,
    },
    problem::{Code, Problem},
    store::{plans::Plan, room::Room, tenants::Tenant},
};

/// The least a container gets; the provisioner holds the same.
const LEAST_CPU_MILLIS: i32 = 250;
const LEAST_MEMORY_MB: i32 = 512;
const LEAST_WORKERS: i32 = 1;

request! {
    /// What is to change. What is not named stays.
    pub struct Scale: Request<Scalable<'_>> {
        /// Cores of each container, in thousandths at the finest.
        #[example = 1.5]
        cpu: Option<CpuMillis>,
        /// Of each container.
        #[example = 2048]
        memory_mb: Option<MemoryMb>,
        #[example = 3]
        workers: Option<Workers>,
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "Monday mornings are slow."]
        reason: Option<Reason>,
    }
}

/// Whose size is to change, and within what.
#[derive(Debug)]
pub struct Scalable<'a> {
    pub tenant: &'a Tenant,
    pub plan: &'a Plan,
}

/// In thousandths of a core.
#[derive(Debug, Clone, Copy)]
pub struct CpuMillis(u32);

#[derive(Debug, Clone, Copy)]
pub struct MemoryMb(u32);

#[derive(Debug, Clone, Copy)]
pub struct Workers(u32);

/// What a figure may be.
#[derive(Clone, Copy)]
struct Range {
    now: i32,
    least: i32,
    most: i32,
}

impl Scale {
    /// What the operation is asked.
    pub fn request(&self) -> TenantScale {
        TenantScale {
            cpu_millis: self.cpu.map(|CpuMillis(millis)| millis),
            memory_mb: self.memory_mb.map(|MemoryMb(megabytes)| megabytes),
            workers: self.workers.map(|Workers(count)| count),
        }
    }
}

impl Scalable<'_> {
    fn range(&self, now: i32, least: i32, of_plan: i32) -> Range {
        Range { now, least, most: of_plan.saturating_mul(self.plan.ceiling_percent) / 100 }
    }
}

impl Field<Scalable<'_>> for CpuMillis {
    fn read(value: Value, its: &Scalable<'_>) -> Result<Self, Fault> {
        let range = its.range(its.tenant.cpu_millis, LEAST_CPU_MILLIS, its.plan.cpu_millis);
        let cores = value.as_f64().ok_or_else(|| Fault::new("not_a_number", "must be a number of cores"))?;
        let millis = (cores * 1000.0).round();
        if (cores * 1000.0 - millis).abs() > 1e-6 {
            return Err(Fault::new("too_fine", "must be in thousandths of a core at the finest"));
        }
        let fault = || out_of_range(cores_of(range.least), cores_of(range.most));
        within(millis, range).map(Self).ok_or_else(fault)
    }

    fn schema() -> Value {
        json!({ "type": "number", "format": "double", "minimum": cores_of(LEAST_CPU_MILLIS) })
    }
}

impl Field<Scalable<'_>> for MemoryMb {
    fn read(value: Value, its: &Scalable<'_>) -> Result<Self, Fault> {
        whole(&value, its.range(its.tenant.memory_mb, LEAST_MEMORY_MB, its.plan.memory_mb)).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": LEAST_MEMORY_MB })
    }
}

impl Field<Scalable<'_>> for Workers {
    fn read(value: Value, its: &Scalable<'_>) -> Result<Self, Fault> {
        whole(&value, its.range(its.tenant.workers, LEAST_WORKERS, its.plan.workers)).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": LEAST_WORKERS })
    }
}

fn cores_of(millis: i32) -> f64 {
    f64::from(millis) / 1000.0
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
pub fn obstacle(tenant: &Tenant, plan: &Plan, request: &TenantScale, room: &Room) -> Option<Problem> {
    let large = |wanted: Option<u32>, has: Option<i32>| {
        wanted.zip(has).is_some_and(|(wanted, has)| i64::from(wanted) > i64::from(has))
    };
    if large(request.cpu_millis, room.cpu_millis) || large(request.memory_mb, room.memory_mb) {
        let detail = format!(
            "A container of the tenant's cluster can have {} cores and {} MB of memory at most.",
            cores_of(room.cpu_millis.unwrap_or_default()),
            room.memory_mb.unwrap_or_default(),
        );
        return Some(Problem::new(Code::NoRoom).detail(detail));
    }
    let more = i64::from(request.workers.unwrap_or_default()) - i64::from(tenant.workers);
    let wants = more.max(0) * i64::from(connections_of_a_worker(tenant.concurrent_executions, plan.workers));
    let left = room.connections.filter(|left| *left < wants)?;
    let detail = format!(
        "{more} more workers take {wants} connections to the tenants' database server, and its cluster has {} left.",
        left.max(0)
    );
    Some(Problem::new(Code::NoRoom).detail(detail))
}

/// As `n8n::launch` has it: what one worker's pool may open. Executions are shared out over the plan's workers, however many there are by now.
fn connections_of_a_worker(concurrent_executions: i32, workers_of_plan: i32) -> i32 {
    let (whole, workers) = (concurrent_executions.max(0), workers_of_plan.max(1));
    let concurrency = ((whole + workers - 1) / workers).max(5);
    2 + (concurrency + 4) / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_wants_what_its_share_of_the_plans_executions_wants() {
        let wants = [(2, 1, 3), (10, 2, 3), (50, 4, 5), (50, 1, 12)];
        for (executions, workers, connections) in wants {
            assert_eq!(
                connections_of_a_worker(executions, workers),
                connections,
                "{executions} over {workers}"
            );
        }
    }
}
