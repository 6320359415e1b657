//! Kinds of operations for tests: what the frame can do and no product kind needs yet.

use std::time::Duration;

use common::{
    cluster::ClusterId,
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
};
use serde::{Deserialize, Serialize};

const fn kind(name: &'static str, service: &'static str) -> OperationKind {
    OperationKind {
        name,
        service,
        lane: Lane::Life,
        alone: false,
        single: false,
        from: &[],
        passes: None,
        ends: None,
        deadline: Duration::from_secs(30 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: &[],
        read: |given| Ok(given.clone()),
    }
}

/// Done to a tenant, and has a [`Piece`] done as a part of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {}

impl Request for Whole {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        from: &[common::tenant::TenantStatus::Active],
        read: read_as::<Self>,
        ..kind("test.whole", "provisioner")
    };
}

/// Done to a tenant by another service, and in the lane of copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {}

impl Request for Piece {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        lane: Lane::Copies,
        deadline: Duration::from_secs(20 * 60),
        read: read_as::<Self>,
        ..kind("test.piece", "backup")
    };
}

/// Done to a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterCheck {}

impl Request for ClusterCheck {
    type Subject = ClusterId;
    const KIND: &'static OperationKind =
        &OperationKind { single: true, read: read_as::<Self>, ..kind("test.cluster_check", "provisioner") };
}
