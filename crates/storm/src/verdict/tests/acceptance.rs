//! What may be accepted, and what may be refused.

use common::tenant::TenantStatus::{Active, Deleted, Suspended};
use time::Duration;

use super::*;
use crate::{
    asked::Wish,
    ledger::{Question, Said},
    record::Refusal,
};

/// After everything that was accepted has ended, and before anything else is.
const LATER: Duration = Duration::seconds(45);
/// While the last one that was accepted is under way.
const MEANWHILE: Duration = Duration::seconds(10);

#[test]
fn what_a_tenant_can_have_done_to_it_is_not_refused() {
    for (asked, deserved) in [
        (Asked::Restart as fn(_) -> _, [false, true]),
        (Asked::Suspend, [false, true]),
        (Asked::Resume, [true, false]),
    ] {
        let mut scene = Scene::new();
        scene.say(asked(scene.tenant), Said::Impossible, LATER);
        assert_eq!(scene.found().is_empty(), deserved[0]);
        let mut scene = Scene::new();
        scene.accept(Asked::Suspend(scene.tenant), "succeeded");
        scene.is(Suspended, Plan::Starter.size());
        scene.say(asked(scene.tenant), Said::Impossible, LATER);
        assert_eq!(scene.found().is_empty(), deserved[1]);
    }
}

#[test]
fn while_a_tenant_is_being_made_or_removed_everything_may_be_refused() {
    let mut scene = Scene::new();
    scene.say(Asked::Restart(scene.tenant), Said::Impossible, MEANWHILE);
    assert_eq!(scene.found(), [""; 0]);
    scene.accept(Asked::Remove(scene.tenant), "succeeded");
    scene.is(Deleted, Plan::Starter.size());
    scene.say(Asked::Restart(scene.tenant), Said::Impossible, MEANWHILE);
    scene.say(Asked::Restart(scene.tenant), Said::Impossible, LATER);
    assert_eq!(scene.found(), [""; 0]);
}

#[test]
fn what_is_about_to_change_is_not_so_already() {
    let mut scene = Scene::new();
    scene.say(Asked::Resume(scene.tenant), Said::So, LATER);
    assert_eq!(scene.found(), [""; 0]);
    scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    scene.is(Suspended, Plan::Starter.size());
    scene.say(Asked::Suspend(scene.tenant), Said::So, MEANWHILE);
    assert_eq!(scene.found(), [""; 0]);
    scene.say(Asked::Resume(scene.tenant), Said::So, MEANWHILE);
    assert_eq!(scene.found(), ["wrong ends"], "it rests in the end, and somebody was told that it is awake");
}

#[test]
fn a_size_that_was_wished_for_before_is_not_so_already() {
    let mut scene = Scene::new();
    let scale = |workers| Asked::Scale(scene.tenant, Wish { workers: Some(workers), ..Wish::default() });
    let (one, two) = (scale(1), scale(2));
    scene.say(one, Said::So, LATER);
    assert_eq!(scene.found(), [""; 0]);
    scene.accept(two, "succeeded");
    scene.is(Active, crate::asked::Size { workers: 2, ..Plan::Starter.size() });
    scene.say(two, Said::So, MEANWHILE);
    assert_eq!(scene.found(), [""; 0]);
    scene.say(one, Said::So, MEANWHILE);
    assert_eq!(scene.found(), ["wrong ends"]);
}

#[test]
fn whoever_joins_an_operation_joins_one_that_does_it() {
    let mut scene = Scene::new();
    let suspend = scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    scene.is(Suspended, Plan::Starter.size());
    scene.say(Asked::Suspend(scene.tenant), Said::Joined(suspend), MEANWHILE);
    assert_eq!(scene.found(), [""; 0]);
    scene.say(Asked::Restart(scene.tenant), Said::Joined(suspend), MEANWHILE);
    assert_eq!(scene.found(), ["wrong ends"]);
    let mut scene = Scene::new();
    let suspend = scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    scene.accept_beside(Asked::Resume(scene.tenant), "succeeded", suspend);
    scene.say(Asked::Suspend(scene.tenant), Said::Joined(suspend), MEANWHILE);
    assert_eq!(scene.found(), ["wrong ends"], "it is awake in the end");
}

#[test]
fn what_is_accepted_could_be_done_to_the_tenant_as_it_will_be() {
    let mut scene = Scene::new();
    let suspend = scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    scene.accept_beside(Asked::Restart(scene.tenant), "rolled_back", suspend);
    scene.is(Suspended, Plan::Starter.size());
    assert_eq!(scene.found(), ["wrong ends"]);
    let mut scene = Scene::new();
    let suspend = scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    scene.accept_beside(Asked::Resume(scene.tenant), "succeeded", suspend);
    assert_eq!(scene.found(), [""; 0]);
}

#[test]
fn what_relied_on_something_that_was_called_off_goes_back_and_does_nothing() {
    let mut scene = Scene::new();
    let suspend = scene.accept(Asked::Suspend(scene.tenant), "rolled_back");
    let resume = scene.accept_beside(Asked::Resume(scene.tenant), "rolled_back", suspend);
    scene.cancel(suspend);
    assert_eq!(scene.found(), [""; 0]);
    scene.operation(resume).status = "succeeded".into();
    assert_eq!(scene.found(), ["wrong ends"]);
}

#[test]
fn a_cancellation_is_refused_only_when_it_is_too_late() {
    let mut scene = Scene::new();
    let suspend = scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    scene.is(Suspended, Plan::Starter.size());
    scene.say(Asked::Cancel(suspend), Said::Impossible, LATER);
    assert_eq!(scene.found(), [""; 0]);
    scene.say(Asked::Cancel(suspend), Said::Impossible, MEANWHILE);
    assert_eq!(scene.found(), ["wrong ends"]);
}

#[test]
fn a_signature_is_used_up_by_a_refusal_and_by_nothing_else() {
    let mut scene = Scene::new();
    let (tenant, at) = (scene.tenant, scene.now);
    let question = Question { key: uuid::Uuid::now_v7(), asked: Asked::Restart(tenant), sent: at };
    scene.told.signed_anew.push((question, at));
    assert_eq!(scene.found(), ["wrong ends"]);
    let refused = |action: &str, at| Refusal {
        action: action.to_owned(),
        tenant_id: Some(tenant),
        operation_id: None,
        at,
    };
    for (other, expected) in [
        (refused("tenant.resume", at), &["wrong ends"][..]),
        (refused("tenant.restart", at - Duration::minutes(1)), &["wrong ends"]),
        (refused("tenant.restart", at - Duration::seconds(2)), &[]),
    ] {
        scene.record.refusals = vec![other];
        assert_eq!(scene.found(), expected);
    }
}
