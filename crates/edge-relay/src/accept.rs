//! A person says that what the relay refuses is right, and sees what becomes of it.

use std::time::Duration;

use anyhow::bail;
use edge::guard::Refusal;
use tokio::time::{Instant, sleep};

use crate::memory::Memory;

/// The gateway is asked four times a second; of two that tell different things the refused one may have to be waited for.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Lets the relay that has this memory follow what it refuses, and waits until it does. Nobody's word is left lying about for later.
pub async fn accept(memory: &Memory) -> anyhow::Result<Refusal> {
    let Some(refusal) = memory.refused()? else { bail!("nothing is refused") };
    memory.accept(refusal)?;
    let until = Instant::now() + TAKEN_WITHIN;
    while memory.accepted()?.is_some() {
        if Instant::now() >= until && memory.take_word()? {
            bail!(
                "refused: {refusal}. The gateway did not tell it again within {TAKEN_WITHIN:?}, so nothing was accepted"
            );
        }
        sleep(LOOK_EVERY).await;
    }
    match memory.refused()? {
        None => Ok(refusal),
        Some(other) => bail!("not accepted, because something else is refused by now: {other}"),
    }
}
