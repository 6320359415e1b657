//! How much is asked at once.

/// Clients of the closed loops.
pub const CLIENTS: [usize; 2] = [FEW, 64];
/// Enough to keep two cores busy.
pub const FEW: usize = 16;
/// Reads and new tenants together.
pub const MIXED_PER_SECOND: u32 = 200;
/// The open loops: how many a second, and whether the sagas have effects. Hashing one password takes some 50 ms of a
/// core, so two hundred real creations a second are beyond a small machine whatever we do.
pub const BEGINNINGS: [(u32, bool); 3] = [(20, false), (200, false), (20, true)];
/// Calls that are held, of how many tenants.
pub const HELD_PER_SECOND: u32 = 500;
pub const HELD_TENANTS: usize = 100;
/// Tenants that a replica of the collector looks at, few and many.
pub const WATCHED: [u32; 2] = [1_000, 10_000];
