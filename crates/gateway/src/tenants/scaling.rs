//! How large a tenant is to be.

use serde_json::{Value, json};
use wire::{kinds::TenantScale, sizing};

use super::words::Reason;
use crate::{
    http::{
        fields::{Fault, Field},
        request::request,
    },
    problem::{Code, FieldError, Pointer, Problem},
    store::{plans::Plan, room::Around, tenants::Tenant},
};

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

impl Field<Scalable<'_>> for CpuMillis {
    fn read(value: Value, its: &Scalable<'_>) -> Result<Self, Fault> {
        let (now, most) = (its.tenant.cpu_millis, its.plan.ceiling().cpu_millis);
        let range = Range { now, least: sizing::LEAST_CPU_MILLIS, most };
        let cores = value.as_f64().ok_or_else(|| Fault::new("not_a_number", "must be a number of cores"))?;
        let millis = (cores * 1000.0).round();
        if (cores * 1000.0 - millis).abs() > 1e-6 {
            return Err(Fault::new("too_fine", "must be in thousandths of a core at the finest"));
        }
        let fault = || out_of_range(cores_of(range.least), cores_of(range.most));
        within(millis, range).map(Self).ok_or_else(fault)
    }

    fn schema() -> Value {
        json!({ "type": "number", "format": "double", "minimum": cores_of(sizing::LEAST_CPU_MILLIS) })
    }
}

impl Field<Scalable<'_>> for MemoryMb {
    fn read(value: Value, its: &Scalable<'_>) -> Result<Self, Fault> {
        let (now, most) = (its.tenant.memory_mb, its.plan.ceiling().memory_mb);
        whole(&value, Range { now, least: sizing::LEAST_MEMORY_MB, most }).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": sizing::LEAST_MEMORY_MB })
    }
}

impl Field<Scalable<'_>> for Workers {
    fn read(value: Value, its: &Scalable<'_>) -> Result<Self, Fault> {
        let (now, most) = (its.tenant.workers, its.plan.ceiling().workers);
        whole(&value, Range { now, least: sizing::LEAST_WORKERS, most }).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": sizing::LEAST_WORKERS })
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

/// Whoever names no figure has forgotten one: that there is nothing to do would be taken for done.
pub fn nothing_asked_for() -> Problem {
    let detail = "must name at least one of `cpu`, `memory_mb` and `workers`";
    Problem::fields(vec![FieldError::new(Pointer::root(), "nothing_asked_for", detail)])
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
        let detail = format!(
            "A container of the tenant's cluster can have {} cores and {} MB of memory at most: ask for no more than that.",
            cores_of(room.cpu_millis.unwrap_or_default()),
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
        "{more} more workers take {wants} connections to the tenants' database server, and its cluster has {} left: ask for fewer.",
        left.max(0)
    );
    Some(Problem::new(Code::NoRoom).detail(detail))
}
