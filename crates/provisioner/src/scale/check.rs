//! Whether a tenant may be so large, and whether it can.

use common::{
    error::Kind,
    operations::{Context, StepError},
};
use engine::Limits;
use wire::{kinds::TenantScale, sizing};

use super::Sizes;
use crate::{
    World,
    begin::may_begin_on_containers,
    home::Home,
    store::{
        homes,
        sizes::{self, Size},
    },
};

const LEAST: Size = Size {
    cpu_millis: sizing::LEAST_CPU_MILLIS,
    memory_mb: sizing::LEAST_MEMORY_MB,
    workers: sizing::LEAST_WORKERS,
};

pub async fn check(context: &Context<'_, World, TenantScale>, state: &mut Sizes) -> Result<(), StepError> {
    may_begin_on_containers(context).await?;
    let (record, tenant) = (context.database(), context.tenant());
    let former = sizes::get(record, tenant).await?;
    let wanted = wanted(former, context.request());
    allowed(former, wanted, sizes::ceiling(record, tenant).await?)
        .map_err(|detail| StepError::failed(Kind::Invalid, detail))?;
    let home = homes::find(record, tenant).await?;
    if wanted.workers != former.workers
        && let Some(Home::Dedicated(own)) = &home
        && own.second.is_some()
    {
        // The second one's go with its share of the calls, and both together have to find room.
        let detail = "The tenant has two sides: the number of its workers changes when it has one again.";
        return Err(StepError::failed(Kind::Conflict, detail));
    }
    let has = context.observe().containers.capacity().await?;
    let limits = Limits {
        cpu_millis: wanted.cpu_millis.unsigned_abs(),
        memory_mb: wanted.memory_mb.unsigned_abs(),
        pids: 0,
    };
    if !has.holds(limits) {
        let detail = format!(
            "Each container would get {} thousandths of a core and {} MB; the cluster's engine has {} and {}.",
            wanted.cpu_millis, wanted.memory_mb, has.cpu_millis, has.memory_mb
        );
        return Err(StepError::failed(Kind::Conflict, detail));
    }
    *state = Sizes { former: Some(former), wanted: Some(wanted) };
    Ok(())
}

fn wanted(former: Size, asked: &TenantScale) -> Size {
    let or = |asked: Option<u32>, former: i32| {
        asked.map_or(former, |asked| i32::try_from(asked).unwrap_or(i32::MAX))
    };
    Size {
        cpu_millis: or(asked.cpu_millis, former.cpu_millis),
        memory_mb: or(asked.memory_mb, former.memory_mb),
        workers: or(asked.workers, former.workers),
    }
}

/// What it has already it may keep, whatever became of its plan.
fn allowed(former: Size, wanted: Size, most: Size) -> Result<(), String> {
    let figures = [
        ("cpu_millis", former.cpu_millis, wanted.cpu_millis, LEAST.cpu_millis, most.cpu_millis),
        ("memory_mb", former.memory_mb, wanted.memory_mb, LEAST.memory_mb, most.memory_mb),
        ("workers", former.workers, wanted.workers, LEAST.workers, most.workers),
    ];
    for (name, former, wanted, least, most) in figures {
        if wanted != former && !(least..=most).contains(&wanted) {
            return Err(format!("The plan allows a {name} from {least} to {most}; {wanted} was asked for."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRO: Size = Size { cpu_millis: 2000, memory_mb: 2048, workers: 2 };
    const MOST: Size = Size { cpu_millis: 4000, memory_mb: 4096, workers: 4 };

    fn asked(cpu_millis: Option<u32>, memory_mb: Option<u32>, workers: Option<u32>) -> Result<Size, String> {
        let wanted = wanted(PRO, &TenantScale { cpu_millis, memory_mb, workers });
        allowed(PRO, wanted, MOST).map(|()| wanted)
    }

    #[test]
    fn what_is_not_asked_for_stays() {
        assert_eq!(asked(None, None, None), Ok(PRO));
        assert_eq!(asked(None, Some(4096), None), Ok(Size { memory_mb: 4096, ..PRO }));
    }

    #[test]
    fn the_ceiling_is_allowed_and_no_more_and_the_refusal_names_it() {
        assert!(asked(Some(4000), Some(4096), Some(4)).is_ok());
        assert!(asked(Some(4001), None, None).unwrap_err().contains("cpu_millis from 250 to 4000"));
        assert!(asked(None, Some(u32::MAX), None).unwrap_err().contains("memory_mb"));
        assert!(asked(None, None, Some(0)).unwrap_err().contains("workers from 1 to 4"));
    }

    #[test]
    fn who_has_more_than_the_plan_keeps_it() {
        let large = Size { workers: 9, ..PRO };
        assert!(allowed(large, large, MOST).is_ok());
        assert!(allowed(large, Size { workers: 8, ..large }, MOST).is_err());
    }
}
