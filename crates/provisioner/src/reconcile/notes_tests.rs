use common::id::TenantId;
use engine::{Event, News, Object};

use super::*;
use crate::reconcile::plan::tests::{container, whole};

/// The exit code of a process that was killed.
const KILLED: i64 = 137;

const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// A tenant's main: its row, what is seen of it, and what was heard.
struct Scene {
    rows: Rows,
    inventory: Inventory,
    heard: Ends,
    now: OffsetDateTime,
}

impl Scene {
    /// It was seen before, running and well.
    fn seen() -> Self {
        let (rows, sight) = whole(TenantId::generate());
        let mut scene = Self { rows, inventory: sight.inventory, heard: Ends::default(), now: START };
        scene.seen_now().started_at = Some(START);
        scene.look();
        scene
    }

    fn seen_now(&mut self) -> &mut Observed {
        &mut self.inventory.containers[0]
    }

    fn noted(&mut self) -> &mut Noted {
        &mut self.rows.tenants.values_mut().next().unwrap().wanted[0].noted
    }

    /// The note of this look, if one was needed; written by then.
    fn look(&mut self) -> Option<Note> {
        let note = notes(&self.rows, &self.inventory, &self.heard, self.now).pop()?;
        *self.noted() = Noted { seen_at: Some(self.now), ..note.noted.clone() };
        Some(note)
    }

    fn hear(&mut self, news: News) {
        let (object, name) = (Object::Container, "main".into());
        self.heard.hear(&Event { tenant: None, object, name, at: self.now, news });
    }

    /// It ends and is started again by the engine, so long after whatever was before.
    fn ends(&mut self, after: Duration, exit_code: i64) {
        self.now += after;
        self.hear(News::Ended { exit_code: Some(exit_code) });
        let now = self.now;
        self.seen_now().started_at = Some(now);
        self.seen_now().restarts += 1;
    }
}

#[test]
fn what_is_as_it_was_is_not_noted_again() {
    let mut scene = Scene::seen();
    for _ in 0..3 {
        scene.now += Duration::HOUR;
        assert_eq!(scene.look(), None);
    }
}

#[test]
fn every_state_is_noted_also_that_it_is_not_there_or_not_known() {
    let mut scene = Scene::seen();
    let mut words = |change: &dyn Fn(&mut Inventory)| {
        change(&mut scene.inventory);
        let noted = scene.look().unwrap().noted;
        (noted.state, noted.health)
    };
    let pair = |state: &str, health: &str| (state.to_owned(), health.to_owned());
    assert_eq!(words(&|i| i.containers[0].health = Health::Unhealthy), pair("running", "unhealthy"));
    assert_eq!(words(&|i| i.unknown.extend([i.containers.remove(0).name])), pair("unknown", "unknown"));
    assert_eq!(words(&|i| i.unknown.clear()), pair("absent", "none"));
    assert_eq!(
        words(&|i| i.containers.push(container(None, "main", State::Paused))),
        pair("paused", "healthy")
    );
}

#[test]
fn a_beginning_anew_is_counted_with_why_and_told() {
    let mut scene = Scene::seen();
    scene.ends(Duration::MINUTE, 1);
    let note = scene.look().unwrap();
    assert_eq!((note.restarts, note.noted.restarts, note.noted.last_exit_code), (1, 1, Some(1)));
    assert_eq!((note.noted.last_restart_at, note.noted.oom_killed), (Some(scene.now), false));
    assert!(note.tell);
    // Nobody heard this one: it is counted all the same, and nothing is made up.
    scene.heard = Ends::default();
    scene.seen_now().restarts += 1;
    let note = scene.look().unwrap();
    assert_eq!((note.restarts, note.noted.restarts, note.noted.last_exit_code), (1, 2, None));
}

#[test]
fn a_crash_loop_is_told_now_and_then_and_counted_always() {
    let mut scene = Scene::seen();
    let mut told = 0;
    for end in 1..=60 {
        scene.ends(Duration::seconds(10), 1);
        let note = scene.look().unwrap();
        assert_eq!(note.noted.restarts, end);
        told += i32::from(note.tell);
    }
    assert_eq!(told, 2, "ten minutes");
}

#[test]
fn a_kill_for_want_of_memory_is_told_from_others_and_counted_once() {
    let mut scene = Scene::seen();
    scene.now += Duration::MINUTE;
    scene.hear(News::OutOfMemory);
    scene.ends(Duration::SECOND, KILLED);
    let note = scene.look().unwrap();
    assert!(note.noted.oom_killed);
    assert_eq!((note.oom_kills, note.noted.oom_kills), (1, 1));
    // Another replica heard the same, and so did this one, once more.
    assert_eq!(scene.look(), None);
    scene.ends(Duration::HOUR, KILLED);
    let note = scene.look().unwrap();
    assert!(!note.noted.oom_killed, "somebody else killed it");
    assert_eq!((note.oom_kills, note.noted.oom_kills, note.noted.restarts), (0, 1, 2));
}

#[test]
fn one_that_stays_down_shows_what_it_ended_with_for_as_long_as_it_is() {
    let mut scene = Scene::seen();
    let seen = scene.seen_now();
    (seen.state, seen.health) = (State::Exited, Health::None);
    (seen.exit_code, seen.oom_killed) = (Some(KILLED), true);
    let note = scene.look().unwrap();
    assert_eq!((note.noted.last_exit_code, note.noted.oom_killed, note.restarts), (Some(KILLED), true, 0));
    scene.now += Duration::HOUR;
    assert_eq!(scene.look(), None);
}

#[test]
fn the_engines_count_begins_anew_with_a_start_on_purpose_and_ours_goes_on() {
    let mut scene = Scene::seen();
    scene.seen_now().restarts = 5;
    assert_eq!(scene.look().unwrap().noted.restarts, 5);
    scene.seen_now().restarts = 0;
    assert_eq!(scene.look().unwrap().restarts, 0);
    scene.seen_now().restarts = 2;
    assert_eq!(scene.look().unwrap().noted.restarts, 7);
}

#[test]
fn what_a_release_before_did_not_count_is_no_news() {
    let mut scene = Scene::seen();
    scene.noted().engine_restarts = None;
    scene.seen_now().restarts = 57;
    let note = scene.look().unwrap();
    assert_eq!((note.restarts, note.noted.restarts, note.tell), (0, 0, false));
}
