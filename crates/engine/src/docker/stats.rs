//! What containers use, from their cgroups.

use common::cluster::ClusterId;
use std::time::Duration;

use bollard::models::{
    ContainerMemoryStats, ContainerStatsResponse, ContainerSummary, ContainerSummaryStateEnum,
};
use bollard::query_parameters::StatsOptions;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Docker;
use super::call::{if_found, malformed};
use super::inventory::AT_ONCE;
use crate::error::ContainerError;
use crate::ownership::Ownership;
use crate::selection::Selection;
use crate::usage::Usage;

/// What the kernel names the files it keeps in memory without need: of version 2 of cgroups, and of version 1. Files that are only in memory
/// are not among them.
const PAGE_CACHE: [[&str; 2]; 2] =
    [["active_file", "inactive_file"], ["total_active_file", "total_inactive_file"]];

impl Docker {
    pub(super) async fn usage(
        &self,
        cluster: &ClusterId,
        selection: Selection,
    ) -> Result<Vec<Usage>, ContainerError> {
        let listed = self.list_containers(selection.labels(cluster)).await?;
        let running =
            listed.into_iter().filter(|listed| listed.state == Some(ContainerSummaryStateEnum::RUNNING));
        let measured = stream::iter(running).map(|listed| self.measure_one(listed));
        let measured: Vec<_> = measured.buffer_unordered(AT_ONCE).try_collect().await?;
        let mut measured: Vec<_> = measured.into_iter().flatten().collect();
        measured.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(measured)
    }

    /// `None` for one that is not ours, has ended meanwhile, or hangs so that the engine does not answer for it.
    async fn measure_one(&self, listed: ContainerSummary) -> Result<Option<Usage>, ContainerError> {
        let owner = listed.labels.as_ref().and_then(Ownership::read);
        let name = listed.names.and_then(|names| names.into_iter().next());
        let (Some(id), Some(owner), Some(name)) = (listed.id, owner, name) else { return Ok(None) };
        // One shot: the engine would otherwise wait a second to compute a rate of its own.
        let options = StatsOptions { stream: false, one_shot: true };
        let mut told = self.api.stats(&id, Some(options));
        let told = async { told.next().await.transpose() };
        let told = self.call_within(self.options.look_timeout, "measure a container", told).await;
        let told = match if_found(told) {
            Ok(told) => told.flatten(),
            Err(ContainerError::Timeout { .. } | ContainerError::Engine { .. }) => None,
            Err(error) => return Err(error),
        };
        told.map(|told| read(name.trim_start_matches('/'), owner, &told)).transpose().map(Option::flatten)
    }
}

/// `None` for one that ended before it was measured: its cgroup is gone, and every figure with it.
fn read(
    name: &str,
    owner: Ownership,
    told: &ContainerStatsResponse,
) -> Result<Option<Usage>, ContainerError> {
    let cpu = told.cpu_stats.as_ref().and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage);
    let Some((cpu, memory)) = cpu.zip(told.memory_stats.as_ref().and_then(memory)) else { return Ok(None) };
    let at = told.read.as_deref().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
    let at = at.ok_or_else(|| malformed("measure a container", "the time"))?;
    Ok(Some(Usage { name: name.to_owned(), owner, at, cpu: Duration::from_nanos(cpu), memory }))
}

fn memory(told: &ContainerMemoryStats) -> Option<u64> {
    let counted = told.stats.as_ref();
    let of = |name: &str| counted.and_then(|counted| counted.get(name)).copied();
    let cache = PAGE_CACHE.iter().find_map(|[active, inactive]| Some(of(active)? + of(inactive)?));
    Some(told.usage?.saturating_sub(cache.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(usage: u64, counted: &[(&str, u64)]) -> ContainerMemoryStats {
        let stats = counted.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect();
        ContainerMemoryStats { usage: Some(usage), stats: Some(stats), ..Default::default() }
    }

    #[test]
    fn page_cache_is_not_use_and_files_in_memory_are() {
        let second = told(100, &[("active_file", 30), ("inactive_file", 20), ("file", 60), ("shmem", 10)]);
        assert_eq!(memory(&second), Some(50));
        // Version 1 names its own part alone without `total_`: the container's children are in the other.
        let first =
            told(100, &[("total_active_file", 30), ("total_inactive_file", 20), ("inactive_file", 1)]);
        assert_eq!(memory(&first), Some(50));
        assert_eq!(memory(&told(100, &[])), Some(100));
        assert_eq!(memory(&told(10, &[("active_file", 30), ("inactive_file", 0)])), Some(0));
        assert_eq!(memory(&ContainerMemoryStats::default()), None);
    }
}
