//! Calls that go on while something is done.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::watch, task::JoinHandle, time};

/// Calls, none of which waits for another.
pub struct Calls<T> {
    end: watch::Sender<bool>,
    calling: JoinHandle<Vec<T>>,
}

impl<T: Send + 'static> Calls<T> {
    /// Begins one so often, the first of them now; each is told its number.
    #[expect(clippy::disallowed_methods, reason = "calls go on while the engine's command line blocks")]
    pub fn every<F>(pause: Duration, mut call: impl FnMut(u32) -> F + Send + 'static) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (end, mut over) = watch::channel(false);
        let calling = tokio::task::spawn(async move {
            let (mut calls, mut answers, mut tick) =
                (FuturesUnordered::new(), Vec::new(), time::interval(pause));
            let mut numbers = 0..;
            loop {
                tokio::select! {
                    _ = tick.tick() => calls.extend(numbers.next().map(&mut call)),
                    Some(answer) = calls.next() => answers.push(answer),
                    _ = over.changed() => break,
                }
            }
            answers.extend(calls.collect::<Vec<_>>().await);
            answers
        });
        Self { end, calling }
    }

    /// Begins no more, and waits for those that were begun: what became of each.
    pub async fn end(self) -> Vec<T> {
        self.end.send(true).unwrap();
        self.calling.await.unwrap()
    }
}

/// How often there is each.
pub fn tally<T: Ord>(answers: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    answers.into_iter().fold(BTreeMap::new(), |mut counted, answer| {
        *counted.entry(answer).or_default() += 1;
        counted
    })
}
