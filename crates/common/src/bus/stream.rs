//! What the server is told of a stream.

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use super::{Storage, StreamSpec};

/// The stream as it is to be, on so many servers.
pub(super) fn config(spec: &StreamSpec, replicas: usize) -> Config {
    // Work that is not taken must not make other work disappear: whoever publishes is told, and keeps it.
    let (retention, discard) = if spec.work_queue {
        (RetentionPolicy::WorkQueue, DiscardPolicy::New)
    } else {
        (RetentionPolicy::Limits, DiscardPolicy::Old)
    };
    Config {
        name: spec.name.to_owned(),
        subjects: spec.subjects.iter().map(|subject| (*subject).to_owned()).collect(),
        retention,
        discard,
        storage: match spec.storage {
            Storage::File => StorageType::File,
            Storage::Memory => StorageType::Memory,
        },
        max_age: spec.max_age,
        max_bytes: i64::try_from(spec.max_bytes).unwrap_or(i64::MAX),
        max_message_size: i32::try_from(spec.max_message_bytes).unwrap_or(i32::MAX),
        num_replicas: replicas,
        ..Default::default()
    }
}
