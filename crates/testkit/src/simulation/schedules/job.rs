//! A job that does what is missing, part by part, under the key of its firing.

use async_trait::async_trait;
use common::{
    error::Kind,
    schedules::{Firing, Job, JobError},
};

use super::{
    super::link::Weather,
    outside::{Failed, PARTS, Reach, Trouble},
};

pub struct Act {
    pub name: &'static str,
    pub reach: Reach,
}

/// How an attempt came back, in the oracle's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    Done,
    /// Worth trying again.
    Passing,
    Final,
}

#[async_trait]
impl Job for Act {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn run(&self, firing: &Firing) -> Result<(), JobError> {
        self.reach.sim.oracle().begins(self.name, firing);
        let result = self.work(firing).await;
        let (ran, result) = match result {
            Ok(()) => (Ran::Done, Ok(())),
            Err(Stopped::Failed(error)) if error.0 == Kind::Conflict => (Ran::Final, Err(error.into())),
            Err(Stopped::Failed(error)) => (Ran::Passing, Err(error.into())),
            Err(Stopped::Found) => (Ran::Final, Err(JobError::found(Kind::Upstream, "It is so."))),
        };
        self.reach.sim.oracle().came_back(ran);
        result
    }
}

enum Stopped {
    Failed(Failed),
    Found,
}

impl From<Failed> for Stopped {
    fn from(error: Failed) -> Self {
        Self::Failed(error)
    }
}

impl Act {
    async fn work(&self, firing: &Firing) -> Result<(), Stopped> {
        let (reach, key) = (&self.reach, (firing.schedule.clone(), firing.due_at));
        let trouble = reach.sim.outside().trouble(&key, &mut reach.sim.faults());
        for part in 0..PARTS {
            reach.think().await;
            if !reach.look(&key, part).await? {
                reach.act(&key, part).await?;
            }
            match trouble {
                None => {}
                Some(Trouble::Fails(kind)) => return Err(Failed(kind).into()),
                Some(Trouble::Finds) => return Err(Stopped::Found),
                Some(Trouble::Poison) => {
                    reach.sim.note(format_args!("{}: ends of {key:?}", reach.process.name));
                    reach.process.kill();
                    reach.process.gate().await;
                }
            }
        }
        Ok(())
    }
}
