//! One process: it can stand still, be cut off, and die.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{id::OperationId, operations::Wake, service::Tasks};
use tokio::time::Instant;

/// A process, as everything it calls sees it.
pub struct Process {
    pub name: String,
    pub tasks: Tasks,
    pub wake: Wake,
    state: Mutex<State>,
    /// The operations it is in the middle of a step of, and whether each may be what ends it.
    in_hand: Mutex<BTreeMap<OperationId, bool>>,
}

/// A step under way in a process.
pub struct InHand<'a>(&'a Process, OperationId);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.in_hand.lock().unwrap().remove(&self.1);
    }
}

#[derive(Default)]
struct State {
    dead: bool,
    paused_until: Option<Instant>,
    cut_off_until: Option<Instant>,
    /// Until when something outside of it held it up.
    held_up_until: Option<Instant>,
}

/// Whatever takes longer on its way holds a process up.
const SOON: Duration = Duration::from_millis(500);

impl Process {
    pub fn new(name: String) -> Arc<Self> {
        let (tasks, wake) = (Tasks::default(), Wake::default());
        Arc::new(Self { name, tasks, wake, state: Mutex::default(), in_hand: Mutex::default() })
    }

    /// Takes a step of this operation in hand, which may be what ends it. None: there is another of that sort in hand.
    pub fn take_in_hand(&self, id: OperationId, suspicious: bool) -> Option<InHand<'_>> {
        let mut in_hand = self.in_hand.lock().unwrap();
        let alone = !suspicious || !in_hand.iter().any(|(other, suspicious)| *other != id && *suspicious);
        in_hand.insert(id, suspicious);
        drop(in_hand);
        alone.then(|| InHand(self, id))
    }

    /// It never gets any further than what it waits for now.
    pub fn kill(&self) {
        self.state.lock().unwrap().dead = true;
    }

    pub fn is_dead(&self) -> bool {
        self.state.lock().unwrap().dead
    }

    pub fn pause(&self, pause: Duration) {
        self.hold_up(pause);
        self.state.lock().unwrap().paused_until = Some(Instant::now() + pause);
    }

    pub fn cut_off(&self, time: Duration) {
        self.hold_up(time);
        self.state.lock().unwrap().cut_off_until = Some(Instant::now() + time);
    }

    fn hold_up(&self, time: Duration) {
        let until = Some(Instant::now() + time);
        let mut state = self.state.lock().unwrap();
        state.held_up_until = state.held_up_until.max(until);
    }

    /// Whether anything outside of it has held it up since.
    pub fn was_held_up_since(&self, moment: Instant) -> bool {
        self.state.lock().unwrap().held_up_until.is_some_and(|until| until > moment)
    }

    pub fn is_cut_off(&self) -> bool {
        self.state.lock().unwrap().cut_off_until.is_some_and(|until| until > Instant::now())
    }

    /// It is cut off no more. What stands still goes on by itself.
    pub fn heal(&self) {
        self.state.lock().unwrap().cut_off_until = None;
    }

    /// Waits until this process may go on, which is never if it is dead.
    pub async fn gate(&self) {
        loop {
            let paused_until = {
                let state = self.state.lock().unwrap();
                if state.dead { None } else { Some(state.paused_until) }
            };
            match paused_until {
                None => std::future::pending().await,
                Some(Some(until)) if until > Instant::now() => tokio::time::sleep_until(until).await,
                Some(_) => return,
            }
        }
    }

    /// Time passes on the way to a server or back.
    pub async fn travel(&self, time: Duration) {
        if time > SOON {
            self.hold_up(time);
        }
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        self.gate().await;
    }
}
