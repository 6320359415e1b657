use engine::{Health, State};
use n8n::members::Flaw;

use super::*;
use crate::reconcile::{
    plan::tests::{container, part, whole},
    rows::Trouble,
};

const SECOND: Duration = Duration::from_secs(1);

/// A tenant that was healed, and what is seen of it.
struct Scene {
    tenant: TenantId,
    rows: Rows,
    sight: Sight,
    watch: Watch,
    now: Instant,
}

impl Scene {
    fn healed(age: Duration) -> Self {
        let tenant = TenantId::generate();
        let (mut rows, sight) = whole(tenant);
        let trouble = Trouble { age, heals: 1, healable: true, shown: false };
        rows.tenants.values_mut().for_each(|expected| expected.trouble = Some(trouble));
        let mut scene = Self { tenant, rows, sight, watch: Watch::default(), now: Instant::now() };
        scene.wait(Duration::ZERO);
        scene
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.watch.look(&self.sight.inventory, true, self.now);
    }

    fn expected(&mut self) -> &mut Expected {
        self.rows.tenants.get_mut(&self.tenant).unwrap()
    }

    fn shown(&mut self) {
        self.expected().trouble.as_mut().unwrap().shown = true;
    }

    fn unhealthy(&mut self) {
        self.sight.inventory.containers[0].health = Health::Unhealthy;
        self.wait(Duration::ZERO);
    }

    fn turn(&self, drifts: &[Drift]) -> Option<TroubleChange> {
        let drifted = vec![(self.tenant, drifts.to_vec())];
        let turns = turns(&self.rows, &self.sight, &drifted, &self.watch, self.now);
        turns.into_iter().next().map(|(_, turn)| turn)
    }
}

#[test]
fn one_that_healing_does_not_help_in_time_is_shown_with_its_reasons() {
    let mut early = Scene::healed(SHOW_AFTER - SECOND);
    early.unhealthy();
    assert_eq!(early.turn(&[]), None);
    let mut late = Scene::healed(SHOW_AFTER);
    late.unhealthy();
    assert_eq!(late.turn(&[]), Some(TroubleChange::Show(vec!["main is not ready".into()])));
    // Also while an operation is at it.
    late.expected().busy = true;
    assert!(matches!(late.turn(&[]), Some(TroubleChange::Show(_))));
    let drifts = [Drift::ContainerUnhealthy("main".into()), Drift::LoginMissing];
    let reasons = ["main does not answer", "the login in Redis is missing"].map(str::to_owned);
    assert_eq!(late.turn(&drifts), Some(TroubleChange::Show(reasons.into())));
    late.sight.logins = None;
    assert_eq!(late.turn(&drifts), None, "Redis is away: that is what is wrong");
    late.sight = whole(late.tenant).1;
    late.shown();
    let now = [Drift::LoginMissing];
    let reasons = vec!["the login in Redis is missing".into()];
    assert_eq!(late.turn(&now), Some(TroubleChange::Show(reasons)), "what is wrong now");
    assert_eq!(late.turn(&[]), None, "an operation may be at what nobody looked for");
    late.expected().busy = false;
    assert_eq!(late.turn(&[]), Some(TroubleChange::Show(vec![])), "nothing any more");
    late.sight.inventory.unknown.insert("main".into());
    assert_eq!(late.turn(&[]), None, "nobody knows");
}

#[test]
fn one_that_is_well_again_is_not_shown_and_forgotten_when_that_has_lasted() {
    let mut scene = Scene::healed(SHOW_AFTER * 10);
    assert_eq!(scene.turn(&[]), None);
    scene.wait(CLEAR_AFTER - SECOND);
    assert_eq!(scene.turn(&[]), None);
    scene.wait(SECOND);
    assert_eq!(scene.turn(&[]), Some(TroubleChange::Clear));
    assert_eq!(
        scene.turn(&[Drift::NetworkMissing]),
        Some(TroubleChange::Show(vec!["the network is missing".into()]))
    );
    scene.expected().busy = true;
    assert_eq!(scene.turn(&[]), None, "an operation may be at what nobody looked for");
}

#[test]
fn one_that_was_renewed_has_time_for_that_and_its_former_settings_are_no_complaint() {
    let mut scene = Scene::healed(SHOW_RENEWED_AFTER - SECOND);
    scene.expected().trouble.as_mut().unwrap().heals = 0;
    scene.unhealthy();
    assert_eq!(scene.turn(&[]), None);
    scene.expected().trouble.as_mut().unwrap().age = SHOW_RENEWED_AFTER;
    assert!(matches!(scene.turn(&[]), Some(TroubleChange::Show(_))));

    let mut scene = Scene::healed(SHOW_AFTER * 10);
    let waits = [Drift::SettingsDiffer("main".into())];
    assert_eq!(scene.turn(&waits), None);
    scene.wait(CLEAR_AFTER);
    assert_eq!(scene.turn(&waits), Some(TroubleChange::Clear));
}

#[test]
fn a_crash_loop_is_not_taken_for_health_while_it_runs() {
    let mut scene = Scene::healed(SHOW_AFTER);
    scene.shown();
    for _ in 0..5 {
        scene.wait(CLEAR_AFTER - SECOND);
        scene.sight.inventory.containers[0].restarts += 1;
        scene.wait(SECOND);
        assert_eq!(scene.turn(&[]), Some(TroubleChange::Show(vec![])), "well at this moment");
    }
}

#[test]
fn what_is_not_to_run_any_more_is_in_no_trouble() {
    let mut scene = Scene::healed(SHOW_AFTER);
    scene.unhealthy();
    scene.expected().active = false;
    assert_eq!(scene.turn(&[]), Some(TroubleChange::Clear));
}

#[test]
fn a_container_that_the_engine_is_silent_about_is_no_reason() {
    let mut scene = Scene::healed(SHOW_AFTER);
    scene.sight.inventory.containers[0] = container(None, "other", State::Running);
    scene.sight.inventory.unknown.insert("main".into());
    assert_eq!(scene.turn(&[]), None);
}

#[test]
fn pauses_grow_with_what_was_in_vain_up_to_an_hour() {
    let seconds = |in_vain| pause_after(in_vain).as_secs();
    let pauses: Vec<_> = (0..=10).map(seconds).collect();
    assert_eq!(pauses, [0, 15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    assert_eq!(seconds(u32::MAX), 3600);
}

/// How many of a tenant's heals were in vain when it is healed once more, after so many others that ended like this.
fn in_vain_after(heals: u32, succeeded: bool, urgency: Urgency) -> u32 {
    (0..=heals).fold(0, |in_vain, heals| Healed { heals, in_vain, succeeded }.in_vain_by_now(urgency))
}

#[test]
fn bringing_back_what_is_missing_was_not_in_vain_until_it_happens_again_and_again() {
    let each: Vec<_> = (0..=8).map(|heals| in_vain_after(heals, true, Urgency::Restore)).collect();
    assert_eq!(each, [0, 0, 0, 0, 0, 0, 1, 2, 3]);
}

#[test]
fn what_failed_or_does_not_work_again_was_in_vain() {
    for (succeeded, urgency) in [
        (false, Urgency::Restore),
        (true, Urgency::Revive),
        (false, Urgency::Revive),
        (false, Urgency::Renew),
    ] {
        let each: Vec<_> = (0..=3).map(|heals| in_vain_after(heals, succeeded, urgency)).collect();
        assert_eq!(each, [0, 1, 2, 3], "{urgency:?}");
    }
}

#[test]
fn one_who_shares_an_n8n_is_cleared_when_its_part_was_seen_to_be_well_for_a_while() {
    let mut scene = Scene::healed(SHOW_AFTER);
    let tenant = scene.tenant;
    (scene.expected().wanted, scene.expected().part) = (vec![], Some(part()));
    let see = |scene: &mut Scene, flaws: Option<Vec<Flaw>>, time| {
        scene.sight.members.seen = flaws.into_iter().map(|flaws| (tenant, flaws)).collect();
        scene.wait(time);
        scene.watch.look_at_members(&scene.sight.members, scene.now);
    };
    see(&mut scene, Some(vec![Flaw::Stranger]), SECOND);
    let drifts = [Drift::Member(Flaw::Stranger)];
    assert_eq!(scene.turn(&drifts), Some(TroubleChange::Show(vec![Flaw::Stranger.to_string()])));
    see(&mut scene, Some(vec![]), SECOND);
    see(&mut scene, Some(vec![]), CLEAR_AFTER - SECOND);
    assert_eq!(scene.turn(&[]), None);
    // Nobody knows how it was meanwhile.
    see(&mut scene, None, SECOND);
    assert_eq!(scene.turn(&[]), None);
    see(&mut scene, Some(vec![]), SECOND);
    assert_eq!(scene.turn(&[]), None);
    see(&mut scene, Some(vec![]), CLEAR_AFTER);
    assert_eq!(scene.turn(&[]), Some(TroubleChange::Clear));
}
