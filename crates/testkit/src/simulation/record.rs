//! Operations, at the end of a link.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use common::{
    id::OperationId,
    operations::{Claim, Claimed, Entry, NewEntry, NewOperation, Part, Record, StoreError, Transition},
};
use serde_json::Value;

use super::{
    link::{Link, Weather as _},
    name, plan,
    sim::Sim,
};

impl Link<Sim> {
    fn tell(&self, id: OperationId, fence: i64, what: fmt::Arguments<'_>) {
        self.note(format_args!("{} fence {fence}: {what}", name(id)));
    }
}

#[async_trait]
impl Record for Link<Sim> {
    async fn claim(&self, claim: &Claim<'_>) -> Result<Option<Claimed>, StoreError> {
        let fate = self.go("a claim").await?;
        let answer = self.sim.record.claim(claim).await;
        if let Ok(Some(claimed)) = &answer {
            let Claimed { undoing, orphaned, .. } = claimed;
            let left = claimed.time_left();
            self.tell(
                claimed.id,
                claimed.fence,
                format_args!("claimed, undoing {undoing}, orphaned {orphaned}, {left:?} left"),
            );
            self.sim.oracle().claimed(claimed, self.sim.record.now(), claim.lease);
        }
        self.come_back("a claim", fate, answer).await
    }

    async fn renew(&self, id: OperationId, fence: i64, lease: Duration) -> Result<(), StoreError> {
        let fate = self.go("a renewal").await?;
        let answer = self.sim.record.renew(id, fence, lease).await;
        self.tell(id, fence, format_args!("renewed {}", answer.is_ok()));
        self.sim.oracle().renewed(id, fence, answer.is_ok(), self.sim.record.now(), lease);
        self.come_back("a renewal", fate, answer).await
    }

    async fn check(&self, id: OperationId, fence: i64) -> Result<(), StoreError> {
        let fate = self.go("a check").await?;
        let answer = self.sim.record.check(id, fence).await;
        self.tell(id, fence, format_args!("holds {}", answer.is_ok()));
        self.sim.oracle().checked(id, fence, answer.is_ok(), self.sim.record.now());
        self.come_back("a check", fate, answer).await
    }

    async fn write(
        &self,
        id: OperationId,
        fence: i64,
        entries: &[NewEntry<'_>],
        transition: &Transition,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        self.sim.oracle().tells(id, entries);
        let fate = self.go("a write").await?;
        let answer = self.sim.record.write(id, fence, entries, transition, lease).await;
        let rows: Vec<_> = entries.iter().map(|entry| (entry.ordinal, entry.event.as_str())).collect();
        self.tell(id, fence, format_args!("wrote {rows:?} {transition:?}: {:?}", answer.as_ref().ok()));
        let undoing = answer.as_ref().ok().copied();
        let stopping = self.process.tasks.stopping().is_cancelled();
        self.sim.oracle().wrote(
            id,
            fence,
            entries,
            transition,
            undoing,
            stopping,
            self.sim.record.now(),
            lease,
        );
        self.come_back("a write", fate, answer).await
    }

    async fn journal(&self, id: OperationId) -> Result<Vec<Entry>, StoreError> {
        let fate = self.go("a question for the journal").await?;
        let answer = self.sim.record.journal(id).await;
        self.come_back("a question for the journal", fate, answer).await
    }

    async fn ensure_part(&self, new: &NewOperation<'_>, fence: i64) -> Result<Part, StoreError> {
        let fate = self.go("a question for a part").await?;
        let (parent, now) = (new.parent.expect("a part has a parent"), self.sim.record.now());
        let answer = self.sim.record.ensure_part(new, fence).await;
        self.tell(parent, fence, format_args!("its part {}: {answer:?}", name(new.id)));
        if matches!(answer, Ok(Part::Accepted)) {
            self.sim.oracle().part_accepted(new, parent, fence, now);
            let mut faults = self.sim.faults();
            let broken = (faults.is_rough() && faults.dice().u32(..6) == 0)
                .then(|| plan::broken(faults.dice(), new.kind));
            drop(faults);
            broken.into_iter().for_each(|broken| self.sim.break_down(new.id, broken));
        }
        self.come_back("a question for a part", fate, answer).await
    }

    async fn cancel_parts(
        &self,
        parent: OperationId,
        fence: i64,
        unwinding: bool,
        why: &Value,
    ) -> Result<Vec<OperationId>, StoreError> {
        let fate = self.go("calling off parts").await?;
        let before = self.sim.called_off(parent);
        let answer = self.sim.record.cancel_parts(parent, fence, unwinding, why).await;
        self.sim.tell_called_off(parent, &before);
        self.tell(parent, fence, format_args!("called off its parts: {answer:?} are open"));
        self.come_back("calling off parts", fate, answer).await
    }
}
