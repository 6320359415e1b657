//! The ledger: what changed in the world, and who did it.

use std::fmt;

/// One change of the world, and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub actor: String,
    pub verb: Verb,
    /// The object's name; for attaching and detaching, `network/role`.
    pub target: String,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} {}", self.actor, self.verb, self.target)
    }
}

/// What an effect does. Finer than the verbs of the port: between two of these a caller can crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    NetworkCreate,
    NetworkAttach,
    NetworkDetach,
    NetworkRemove,
    VolumeCreate,
    VolumeRemove,
    ContainerCreate,
    SecretsWrite,
    ContainerStart,
    ContainerUnpause,
    ContainerStop,
    ContainerRemove,
    ContainerResize,
    ContainerRestart,
    ContainerExec,
    RecordNote,
}

impl Verb {
    /// All of them, for tests that go through every place where a caller can crash.
    pub const ALL: &'static [Self] = &[
        Self::NetworkCreate,
        Self::NetworkAttach,
        Self::NetworkDetach,
        Self::NetworkRemove,
        Self::VolumeCreate,
        Self::VolumeRemove,
        Self::ContainerCreate,
        Self::SecretsWrite,
        Self::ContainerStart,
        Self::ContainerUnpause,
        Self::ContainerStop,
        Self::ContainerRemove,
        Self::ContainerResize,
        Self::ContainerRestart,
        Self::ContainerExec,
        Self::RecordNote,
    ];
}
