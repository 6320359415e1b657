//! The gateway's process.

use std::process::ExitCode;

use common::service;
#[cfg(feature = "jemalloc")]
use tikv_jemallocator::Jemalloc;

/// Each connection has two buffers of which hyper mostly touches the beginning. This allocator lays them on pages of their own, so
/// that the rest of them takes no memory; and a request, which allocates a lot, takes a sixth less of the processor.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    service::run("gateway", gateway::start).await
}
