//! Its own n8n runs, with everything active that was.

use std::time::Duration;

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
};
use engine::Exec;
use n8n::{
    copies::Webhook,
    databases::Name,
    probe::{Listening, listening, parts},
};

use super::{PromoteTenant, Promoted, freeze};
use crate::{
    create::{READY, Renewal, bring_up},
    delete::remove_all,
    inside,
    step::step,
    store::{instances::Place, rests},
    wait,
};

/// n8n makes what is active listen within seconds of being ready, some at a time.
const LISTENING: Duration = Duration::from_secs(90);

/// For all that are asked for at a time.
const ASKED_WITHIN: Duration = Duration::from_secs(60);

/// The places of all of them, and whatever Node has to say.
const BYTES: usize = 64 << 10;

type In<'a> = ContextOf<'a, PromoteTenant>;

step!(/** Main and workers run on the last copy, and say that they are ready. */ pub(super) Start of PromoteTenant, "start", run start, undo stop);
step!(/** It listens on as many webhooks as before, and answers for each of them. */ pub(super) Listen of PromoteTenant, "listen", run listen);

async fn start(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    bring_up(context, Renewal::All, READY.min(freeze::left(context, state)?)).await
}

async fn stop(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    remove_all(context).await
}

async fn listen(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let Some(rest) = rests::find(context.database(), context.tenant()).await? else { return Ok(()) };
    let (name, wanted) = (Name::of(context.tenant()), rest.workflows.len() as u64);
    let limit = LISTENING.min(freeze::left(context, state)?);
    let listens = wait::until(context.stopping(), limit, || async {
        let found = context.observe().moves.webhooks(&name).await?;
        if (found.len() as u64) < rest.webhooks {
            return Err(missing(found.len(), rest.webhooks));
        }
        for some in parts(&found) {
            answers(context, some).await?;
        }
        Ok(())
    });
    match listens.await {
        // It would not become better by being asked again, and callers wait.
        Err(StepError::Failed { kind: Kind::Timeout, detail, cause, hint }) => {
            return Err(StepError::Failed { kind: Kind::Conflict, detail, cause, hint });
        }
        listens => listens?,
    }
    let active = context.observe().databases.final_state(&name).await?.active_workflows;
    if active == wanted {
        return Ok(());
    }
    let detail = format!("{active} workflows are active in the tenant's own n8n, and {wanted} were before.");
    Err(StepError::failed(Kind::Conflict, detail))
}

fn missing(found: usize, wanted: u64) -> StepError {
    StepError::failed(Kind::Timeout, format!("The tenant's own n8n listens on {found} of {wanted} webhooks."))
}

/// It is asked for each of these, and runs nothing for it.
async fn answers(context: &In<'_>, webhooks: &[Webhook]) -> Result<(), StepError> {
    let exec = Exec { argv: listening(webhooks), within: ASKED_WITHIN, bytes: BYTES };
    let said = inside::run(context, |instance| instance.place == Place::Main, &exec).await?;
    heard(&said.stdout, webhooks)
}

fn heard(stdout: &[u8], webhooks: &[Webhook]) -> Result<(), StepError> {
    let not_now = |detail: String| Err(StepError::failed(Kind::Timeout, detail));
    let Some(listening) = Listening::read(stdout, webhooks.len()) else {
        return not_now("It could not be seen what the tenant's own n8n answers for.".to_owned());
    };
    let silent = listening.silent(webhooks);
    let Some(Webhook { method, path }) = silent.first() else { return Ok(()) };
    let detail = format!("The tenant's own n8n does not answer for {} of its webhooks.", silent.len());
    // Whoever knows a path may call it: it is for those who run the platform.
    let cause = format!("{detail} {method} {path} is one of them.");
    Err(StepError::Failed { kind: Kind::Timeout, detail, cause, hint: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_not_answered_for_is_named_to_those_who_run_the_platform() {
        let webhooks = ["orders", "mails"].map(|path| Webhook { method: "POST".into(), path: path.into() });
        heard(br#"{"asked":2,"silent":[]}"#, &webhooks).unwrap();
        for (said, words) in [
            (&br#"{"asked":2,"silent":[1]}"#[..], ["1 of its webhooks.", "POST mails is one"]),
            (br#"{"asked":2,"silent":[1,0]}"#, ["2 of its webhooks.", "POST mails is one"]),
            (b"Segmentation fault", ["could not be seen", "could not be seen"]),
        ] {
            let StepError::Failed { kind: Kind::Timeout, detail, cause, .. } =
                heard(said, &webhooks).unwrap_err()
            else {
                panic!("{words:?}");
            };
            assert!(detail.contains(words[0]) && !detail.contains("mails"), "{detail}");
            assert!(cause.contains(words[1]), "{cause}");
        }
    }
}
