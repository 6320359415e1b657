//! Sagas and the reconciler on a real record, in a world of fakes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod blue_green;
mod callers;
mod causes;
mod clusters;
mod crowd;
mod domains;
mod drills;
mod every_step;
mod external;
mod failovers;
mod health;
mod idle;
mod lodgers;
mod logins;
mod logs;
mod master_keys;
mod members;
mod order;
mod promotions;
mod read_only;
mod rebuilds;
mod reconciler;
mod removal;
mod restores;
mod rollouts;
mod room;
mod routes;
mod sandboxes;
mod scene;
mod shared;
mod strangers;
mod subnets;
mod support;
mod upgrades;
mod usage;
mod versions;
