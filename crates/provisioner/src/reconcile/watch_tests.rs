use super::*;
use crate::reconcile::plan::tests::container;

const SECOND: Duration = Duration::from_secs(1);

/// A container and the time, looked at second by second.
struct Scene {
    watch: Watch,
    seen: Observed,
    now: Instant,
}

impl Scene {
    /// What containers need has been there for long enough.
    fn steady() -> Self {
        let seen = container(None, "main", State::Running);
        let mut scene = Self { watch: Watch::default(), seen, now: Instant::now() };
        scene.pass(RECOVERY, true);
        scene
    }

    /// Looks every second for so long.
    fn pass(&mut self, time: Duration, steady: bool) -> Option<Complaint> {
        let end = self.now + time;
        loop {
            let inventory = Inventory { containers: vec![self.seen.clone()], ..Inventory::default() };
            self.watch.look(&inventory, steady, self.now);
            if self.now >= end {
                return self.watch.complaint("main", self.now);
            }
            self.now += SECOND;
        }
    }

    fn ends(&mut self) {
        self.seen.restarts += 1;
    }
}

#[test]
fn one_that_does_not_answer_for_a_while_is_complained_of() {
    let mut scene = Scene::steady();
    scene.seen.health = Health::Unhealthy;
    assert_eq!(scene.pass(UNHEALTHY_FOR - SECOND, true), None);
    assert_eq!(scene.watch.due_in(scene.now), Some(SECOND), "no look is waited for longer than needed");
    assert_eq!(scene.pass(SECOND * 2, true), Some(Complaint::Unhealthy));
    assert_eq!(scene.watch.due_in(scene.now), None, "it is somebody's by now");
    // It was started anew, and has not said how it is.
    scene.seen.health = Health::Starting;
    assert_eq!(scene.pass(UNHEALTHY_FOR * 2, true), None);
}

#[test]
fn health_in_between_begins_anew() {
    let mut scene = Scene::steady();
    for _ in 0..3 {
        scene.seen.health = Health::Unhealthy;
        assert_eq!(scene.pass(UNHEALTHY_FOR - SECOND, true), None);
        scene.seen.health = Health::Healthy;
        assert_eq!(scene.pass(SECOND, true), None);
    }
}

#[test]
fn a_crash_loop_is_one_that_never_was_well_in_between_or_goes_on() {
    let mut scene = Scene::steady();
    scene.seen.health = Health::Starting;
    scene.ends();
    assert_eq!(scene.pass(SECOND * 20, true), None, "one end is none");
    scene.ends();
    assert_eq!(scene.pass(SECOND, true), Some(Complaint::CrashLooping), "never well in between");

    // One that takes its time.
    let mut scene = Scene::steady();
    scene.seen.health = Health::Starting;
    scene.pass(SECOND * 65, true);
    scene.ends();
    assert_eq!(scene.pass(UNWELL_FOR - SECOND * 66, true), None);
    assert_eq!(scene.pass(SECOND * 2, true), Some(Complaint::CrashLooping));

    let mut scene = Scene::steady();
    for end in 1..=LOOP {
        scene.ends();
        let complaint = scene.pass(SECOND * 40, true);
        assert_eq!(complaint.is_some(), end >= LOOP, "well in between, {end}");
    }
    assert_eq!(scene.pass(LOOP_WINDOW, true), None, "it is over");
}

#[test]
fn several_ends_between_two_looks_are_seen_by_their_count() {
    let mut scene = Scene::steady();
    scene.seen.restarts += 7;
    assert_eq!(scene.pass(SECOND, true), Some(Complaint::CrashLooping));
}

#[test]
fn a_start_on_purpose_is_a_new_life() {
    let mut scene = Scene::steady();
    scene.seen.restarts = 9;
    assert!(scene.pass(SECOND, true).is_some());
    (scene.seen.restarts, scene.seen.health) = (0, Health::Starting);
    assert_eq!(scene.pass(SECOND, true), None);
    scene.seen.restarts = 2;
    assert_eq!(scene.pass(SECOND, true), Some(Complaint::CrashLooping), "and that counts by itself");
}

#[test]
fn nothing_is_its_fault_while_what_it_needs_is_away_nor_soon_after() {
    let mut scene = Scene::steady();
    scene.seen.health = Health::Unhealthy;
    scene.seen.restarts = 5;
    assert_eq!(scene.pass(RECOVERY * 3, false), None);
    scene.seen.restarts = 6;
    assert_eq!(scene.pass(RECOVERY - SECOND, true), None);
    assert_eq!(scene.pass(SECOND, true), Some(Complaint::Unhealthy));
}

#[test]
fn ends_while_what_it_needs_was_away_do_not_count() {
    let mut scene = Scene::steady();
    scene.seen.restarts = 5;
    scene.pass(SECOND, false);
    assert_eq!(scene.pass(RECOVERY, true), None);
    scene.ends();
    assert_eq!(scene.pass(SECOND, true), None, "the first of its own");
}

#[test]
fn one_that_the_engine_is_silent_about_is_complained_of_when_that_has_lasted() {
    let (mut watch, start) = (Watch::default(), Instant::now());
    let silent = Inventory { unknown: ["main".to_owned()].into(), ..Inventory::default() };
    watch.look(&silent, false, start);
    watch.look(&silent, false, start + SILENT_FOR - SECOND);
    assert_eq!(watch.complaint("main", start + SILENT_FOR - SECOND), None);
    assert_eq!(watch.complaint("main", start + SILENT_FOR), Some(Complaint::Silent));
    watch.lose_sight();
    watch.look(&silent, true, start + SILENT_FOR);
    assert_eq!(watch.complaint("main", start + SILENT_FOR), None, "the engine was away: it begins anew");
}

#[test]
fn what_was_before_the_first_look_is_not_counted() {
    let mut scene = Scene::steady();
    scene.watch = Watch::default();
    scene.seen.restarts = 57;
    assert_eq!(scene.pass(RECOVERY * 2, true), None);
}

#[test]
fn being_well_is_counted_from_its_last_end() {
    let mut scene = Scene::steady();
    assert_eq!(scene.watch.well_for("main", scene.now), Some(RECOVERY));
    scene.ends();
    scene.pass(SECOND * 5, true);
    assert_eq!(scene.watch.well_for("main", scene.now), Some(SECOND * 5));
    scene.seen.started_at = Some(time::OffsetDateTime::UNIX_EPOCH);
    scene.pass(SECOND * 3, true);
    assert_eq!(scene.watch.well_for("main", scene.now), Some(SECOND * 3), "replaced while nobody looked");
    let silent = Inventory { unknown: ["main".to_owned()].into(), ..Inventory::default() };
    scene.watch.look(&silent, true, scene.now);
    assert_eq!(scene.watch.well_for("main", scene.now), None, "nobody knows");
    scene.seen.health = Health::Starting;
    scene.pass(SECOND, true);
    assert_eq!(scene.watch.well_for("main", scene.now), None);
}
