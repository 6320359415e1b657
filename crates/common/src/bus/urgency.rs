//! Several streams as one: the most urgent first, none of them starved.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::Stream;

/// Of so many messages that all lanes have waiting, one is taken from each lane but the first.
const ROUND: usize = 8;

/// Yields from the first stream that has something. Every few items the search begins at a later stream, so that
/// whatever waits there is never further away than one round for each stream. Ends when any of them ends.
pub struct ByUrgency<S> {
    lanes: Vec<S>,
    turn: usize,
}

impl<S> ByUrgency<S> {
    /// The streams, the most urgent first.
    pub fn new(lanes: Vec<S>) -> Self {
        Self { lanes, turn: 0 }
    }

    /// Each of them by itself.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut S> {
        self.lanes.iter_mut()
    }

    /// Where the search begins this time.
    fn first(&self) -> usize {
        let lanes = self.lanes.len().max(1);
        // The last turns of a round belong to the other lanes, one each.
        let left = ROUND.saturating_sub(1 + self.turn % ROUND);
        (lanes - 1).saturating_sub(left)
    }
}

impl<S: Stream + Unpin> Stream for ByUrgency<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let (first, count) = (self.first(), self.lanes.len());
        for offset in 0..count {
            let lane = &mut self.lanes[(first + offset) % count];
            if let Poll::Ready(item) = Pin::new(lane).poll_next(context) {
                self.turn = self.turn.wrapping_add(1);
                return Poll::Ready(item);
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt, stream};

    use super::*;

    fn taken(lanes: usize, count: usize) -> Vec<usize> {
        let streams: Vec<_> = (0..lanes).map(stream::repeat).collect();
        ByUrgency::new(streams).take(count).collect::<Vec<_>>().now_or_never().unwrap()
    }

    #[test]
    fn of_one_round_most_is_urgent_and_every_other_lane_gets_one() {
        assert_eq!(taken(3, 8), [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(taken(3, 80).iter().filter(|lane| **lane == 2).count(), 10);
        assert_eq!(taken(1, 8), [0; 8]);
    }

    #[test]
    fn what_is_alone_does_not_wait_for_its_turn() {
        let lanes = vec![stream::pending().boxed(), stream::pending().boxed(), stream::repeat(2).boxed()];
        assert_eq!(ByUrgency::new(lanes).take(3).collect::<Vec<_>>().now_or_never().unwrap(), [2, 2, 2]);
    }
}
