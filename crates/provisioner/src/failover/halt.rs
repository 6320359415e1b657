//! Whatever of its own n8n still runs comes to an end: two that fire the same triggers would be worse than none.

use common::operations::{ContextOf, StepError};
use edge::StandIn;

use super::{FailedOver, FailoverTenant};
use crate::{
    create::{lead, publish},
    delete::remove_all,
    step::step,
    store::failovers,
};

type In<'a> = ContextOf<'a, FailoverTenant>;

step!(/** Calls to webhooks are held, where that is on, and everybody else is told to come back. */ pub(super) Hold of FailoverTenant, "hold", run hold, undo let_go);
// Nobody waits here for what may not come up any more: once it is `active` again, the reconciler brings it back.
step!(/** Nothing of it runs. */ pub(super) Stop of FailoverTenant, "stop", run stop);

async fn hold(context: &In<'_>, _: &mut FailedOver) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    failovers::held(&mut *transaction, context.operation()).await?;
    transaction.commit().await?;
    publish(context, Some(StandIn::Waiting)).await
}

/// To its own n8n, whether or not anybody answers there: that is why it was asked for.
async fn let_go(context: &In<'_>, _: &FailedOver) -> Result<(), StepError> {
    lead(context, None).await
}

async fn stop(context: &In<'_>, _: &mut FailedOver) -> Result<(), StepError> {
    remove_all(context).await
}
