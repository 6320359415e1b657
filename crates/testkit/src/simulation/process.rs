//! One process: it can stand still, be cut off, and die.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{operations::Wake, service::Tasks};
use tokio::time::Instant;

/// A process, as everything it calls sees it.
pub struct Process {
    pub name: String,
    pub tasks: Tasks,
    pub wake: Wake,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    dead: bool,
    paused_until: Option<Instant>,
    cut_off_until: Option<Instant>,
}

impl Process {
    pub fn new(name: String) -> Arc<Self> {
        Arc::new(Self { name, tasks: Tasks::default(), wake: Wake::default(), state: Mutex::default() })
    }

    /// It never gets any further than what it waits for now.
    pub fn kill(&self) {
        self.state.lock().unwrap().dead = true;
    }

    pub fn is_dead(&self) -> bool {
        self.state.lock().unwrap().dead
    }

    pub fn pause(&self, pause: Duration) {
        self.state.lock().unwrap().paused_until = Some(Instant::now() + pause);
    }

    pub fn cut_off(&self, time: Duration) {
        self.state.lock().unwrap().cut_off_until = Some(Instant::now() + time);
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
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        self.gate().await;
    }
}
