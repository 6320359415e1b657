//! Whose turn it is to be looked at. Whatever there are of them, nobody is left out: who waited longest is next.

use std::collections::{HashMap, HashSet, VecDeque};

use edge::{Mark, health::Side};

/// What is well is looked at in every fourth round, a quarter of it in each.
const WELL_EVERY: u64 = 4;

/// So many questions at once: each is a connection of Traefik's. A side that hangs holds one for two seconds, so a thousand of
/// them, as when their database hangs, are seen within eight.
pub const AT_ONCE: usize = 256;

/// The looks of one relay.
#[derive(Debug)]
pub struct ProbeQueue {
    round: u64,
    /// The round in which each side was last seen; of one that never was, a round so long ago that it is due.
    seen: HashMap<Side, u64>,
    under_way: HashSet<Side>,
    waiting: VecDeque<(Side, Mark)>,
}

impl ProbeQueue {
    /// Nobody has been looked at yet.
    pub fn new() -> Self {
        let (seen, under_way, waiting) = Default::default();
        Self { round: WELL_EVERY, seen, under_way, waiting }
    }

    /// The next round begins. What is in doubt is due, and of what is well the quarter that was not seen for longest.
    pub fn begin(&mut self, sides: Vec<(Side, Mark, bool)>) {
        self.round += 1;
        let mut before = std::mem::take(&mut self.seen);
        let wells = sides.iter().filter(|(_, _, doubtful)| !doubtful).count().div_ceil(WELL_EVERY as usize);
        let mut due = Vec::new();
        for (side, mark, doubtful) in sides {
            let seen = before.remove(&side).unwrap_or(self.round - WELL_EVERY);
            self.seen.insert(side.clone(), seen);
            let age = self.round - seen;
            if !self.under_way.contains(&side) && (doubtful || age >= WELL_EVERY) {
                due.push((urgency(age, doubtful), doubtful, (side, mark)));
            }
        }
        due.sort_by_key(|(urgency, ..)| std::cmp::Reverse(*urgency));
        let mut well = 0;
        due.retain(|(_, doubtful, _)| {
            well += usize::from(!doubtful);
            *doubtful || well <= wells
        });
        // Who had no turn in the last round is older in this one.
        self.waiting = due.into_iter().map(|(_, _, next)| next).collect();
    }

    /// Who is to be looked at now, if there is room for another look.
    pub fn next(&mut self) -> Option<(Side, Mark)> {
        let (side, mark) = self.waiting.pop_front_if(|_| self.under_way.len() < AT_ONCE)?;
        self.under_way.insert(side.clone());
        Some((side, mark))
    }

    /// A side was looked at.
    pub fn ended(&mut self, side: Side) {
        self.under_way.remove(&side);
        self.seen.insert(side, self.round);
    }
}

/// A doubt that waits for a round is as urgent as something well that waits for four: so many doubts do not use up all places.
fn urgency(age: u64, doubtful: bool) -> u64 {
    if doubtful { age * WELL_EVERY } else { age }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use common::{
        id::TenantId,
        tenant::{Color, Purpose},
    };
    use edge::{Route, Target};

    use super::*;

    fn sides(numbers: Range<usize>, doubtful: bool) -> Vec<(Side, Mark, bool)> {
        let side = |number| {
            let url = "http://10.0.0.2:5678".parse().unwrap();
            let route = Route {
                host: format!("t{number}.localhost").parse().unwrap(),
                tenant: TenantId::generate(),
                purpose: Purpose::Customer,
                targets: vec![Target { color: Color::Blue, url, weight: 1, webhook_weight: None }],
                workspace: None,
                formerly: None,
                stand_in: None,
                generation: 1,
            };
            (Side::of(&route, Color::Blue), route.mark().unwrap(), doubtful)
        };
        numbers.map(side).collect()
    }

    /// Who is looked at in one round if each look ends at once.
    fn round(queue: &mut ProbeQueue, sides: &[(Side, Mark, bool)]) -> Vec<Side> {
        queue.begin(sides.to_vec());
        let mut seen = Vec::new();
        while let Some((side, _)) = queue.next() {
            queue.ended(side.clone());
            seen.push(side);
        }
        seen
    }

    /// So many looks begin, and none of them ends.
    fn begin(queue: &mut ProbeQueue, amount: usize) -> Vec<Side> {
        std::iter::from_fn(|| queue.next()).take(amount).map(|(side, _)| side).collect()
    }

    #[test]
    fn however_many_are_well_each_is_looked_at_in_every_fourth_round() {
        for amount in [1, 3, 64, 200, 1_000, 5_000] {
            let (mut queue, sides) = (ProbeQueue::new(), sides(0..amount, false));
            for _ in 0..3 {
                let rounds: Vec<_> = (0..WELL_EVERY).map(|_| round(&mut queue, &sides)).collect();
                let seen: HashSet<_> = rounds.iter().flatten().collect();
                assert_eq!(seen.len(), amount, "all of them");
                assert_eq!(rounds.iter().map(Vec::len).sum::<usize>(), amount, "once");
                assert!(rounds.iter().all(|round| round.len() <= amount.div_ceil(4)), "not all in one go");
            }
        }
    }

    #[test]
    fn each_doubt_is_looked_at_in_every_round() {
        let (mut queue, sides) =
            (ProbeQueue::new(), [sides(0..300, true), sides(300..1_000, false)].concat());
        for _ in 0..8 {
            let seen: HashSet<_> = round(&mut queue, &sides).into_iter().collect();
            let doubts = sides.iter().filter(|(side, _, doubtful)| *doubtful && seen.contains(side));
            assert_eq!(doubts.count(), 300);
        }
    }

    #[test]
    fn where_not_all_can_be_looked_at_the_longest_unseen_are_next() {
        let (mut queue, sides) =
            (ProbeQueue::new(), [sides(0..800, true), sides(800..1_000, false)].concat());
        let mut unseen: HashSet<_> = sides.iter().map(|(side, ..)| side.clone()).collect();
        // Each look takes the whole round: a quarter of them in each.
        for _ in 0..16 {
            queue.begin(sides.clone());
            for side in begin(&mut queue, 250) {
                unseen.remove(&side);
                queue.ended(side);
            }
        }
        assert_eq!(unseen.len(), 0);
    }

    #[test]
    fn there_are_only_so_many_looks_at_once_and_none_twice() {
        let (mut queue, sides) = (ProbeQueue::new(), sides(0..300, true));
        queue.begin(sides.clone());
        let first = begin(&mut queue, usize::MAX);
        assert_eq!(first.len(), AT_ONCE);
        queue.ended(first[0].clone());
        assert_eq!(begin(&mut queue, usize::MAX).len(), 1, "room is used at once");
        queue.begin(sides);
        assert_eq!(begin(&mut queue, usize::MAX).len(), 0);
        first.iter().skip(1).cloned().for_each(|side| queue.ended(side));
        let second: HashSet<_> = begin(&mut queue, usize::MAX).into_iter().collect();
        assert_eq!(second.len(), 300 - AT_ONCE, "those who had no turn, and the one that is due again");
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let (mut queue, sides) = (ProbeQueue::new(), sides(0..10, true));
        round(&mut queue, &sides);
        assert_eq!(queue.seen.len(), 10);
        round(&mut queue, &sides[..3]);
        assert_eq!(queue.seen.len(), 3);
    }
}
