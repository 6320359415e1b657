//! Looks again and again, and draws what was seen, until somebody leaves.

use std::{io, pin::pin, time::Duration};

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{Top, board::Board, screen::Screen};
use crate::{api::Api, exit::Exit, failure::Failure, output::Output};

/// What is shown gets older in front of whoever watches.
const AGES_EVERY: Duration = Duration::from_secs(1);

/// Shows it. A look that fails is told, and followed by the next.
pub async fn show(top: &Top, api: &Api, output: &Output, first: Vec<Value>) -> Result<Exit, Failure> {
    let terminal = || Failure::local("the terminal");
    let mut board = Board::new(top.sort, top.interval, first, Instant::now());
    let (mut ends, mut keys) = (Ends::new().map_err(terminal())?, EventStream::new());
    let screen = Screen::open().map_err(terminal())?;
    let mut ages = interval(AGES_EVERY);
    ages.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next = Instant::now() + top.interval;
    loop {
        let look = async move {
            sleep_until(next).await;
            top.look(api).await
        };
        let mut look = pin!(look);
        let looked = loop {
            let lines = board.lines(output, Screen::height().map_err(terminal())?, Instant::now());
            screen.draw(&lines).map_err(terminal())?;
            tokio::select! {
                looked = &mut look => break looked,
                _ = ages.tick() => {}
                event = keys.next() => {
                    let event = event.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
                    if let Some(exit) = leaves(&event.map_err(terminal())?) {
                        return Ok(exit);
                    }
                }
                () = ends.come() => return Ok(Exit::Interrupted),
            }
        };
        let pause = looked.as_ref().err().and_then(|(_, pause)| *pause).unwrap_or_default();
        next = Instant::now() + top.interval.max(pause);
        board.note(looked.map_err(|(trouble, _)| trouble), Instant::now());
    }
}

/// Whether somebody leaves, and how that ends.
fn leaves(event: &Event) -> Option<Exit> {
    let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else { return None };
    if *code == KeyCode::Char('c') && modifiers.contains(KeyModifiers::CONTROL) {
        return Some(Exit::Interrupted);
    }
    matches!(code, KeyCode::Char('q' | 'Q')).then_some(Exit::Done)
}

/// What ends a program from outside: the terminal is to be as it was then, too.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Ends {
    fn new() -> io::Result<Self> {
        let [terminate, interrupt, hang_up] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        Ok(Self { terminate: terminate?, interrupt: interrupt?, hang_up: hang_up? })
    }

    async fn come(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_q_and_control_c_leave() {
        let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        assert_eq!(leaves(&key(KeyCode::Char('q'), none)), Some(Exit::Done));
        assert_eq!(leaves(&key(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Exit::Interrupted));
        for other in [key(KeyCode::Char('c'), none), key(KeyCode::Enter, none), Event::Resize(80, 24)] {
            assert_eq!(leaves(&other), None);
        }
    }
}
