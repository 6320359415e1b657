use common::id::OperationId;

use super::*;

fn holder(fence: i64) -> Holder {
    let (operation, tenant) =
        (OperationId::from_uuid(uuid::Uuid::nil()), TenantId::from_uuid(uuid::Uuid::nil()));
    Holder { worker: format!("worker-{fence}"), operation, tenant, fence }
}

fn make(fence: i64) -> Call {
    let verb = Verb::Make { kind: Kind::Queue, name: "q".into(), mark: String::new(), limits: None };
    Call { by: holder(fence), verb }
}

#[test]
fn what_is_made_again_is_there_twice_and_counted() {
    let world = World::default();
    world.call(&make(1)).unwrap();
    assert!(world.doubled().is_empty());
    world.call(&make(1)).unwrap();
    assert_eq!((world.doubled().len(), world.objects().values().next().map(Vec::len)), (1, Some(2)));
}

#[test]
fn an_old_fence_may_look_and_not_touch() {
    let world = World::default();
    let look = |fence| Call { by: holder(fence), verb: Verb::Look };
    world.call(&make(1)).unwrap();
    world.call(&look(2)).unwrap();
    assert_eq!(world.call(&make(1)), Err(Refusal::Stale));
    assert_eq!(world.call(&look(1)).map(|seen| seen.len()), Ok(1));
    assert_eq!((world.refused().len(), world.effects().len()), (1, 1));
}

#[test]
fn dropping_what_is_gone_changes_nothing() {
    let world = World::default();
    world.call(&make(1)).unwrap();
    let id = world.objects().values().next().unwrap()[0].id;
    for _ in 0..2 {
        world.call(&Call { by: holder(1), verb: Verb::Drop { id } }).unwrap();
    }
    assert!(world.objects().is_empty());
}

fn container(world: &World, name: &str) -> u64 {
    let verb = Verb::Make { kind: Kind::Container, name: name.into(), mark: String::new(), limits: None };
    world.call(&Call { by: holder(1), verb }).unwrap();
    seen(world).into_iter().find(|object| object.name == name).unwrap().id
}

fn seen(world: &World) -> Vec<Object> {
    world.call(&Call { by: holder(1), verb: Verb::Look }).unwrap()
}

fn does(world: &World, verb: Verb) -> Result<Vec<Object>, Refusal> {
    world.call(&Call { by: holder(1), verb })
}

#[test]
fn a_container_begins_anew_later_and_twice_for_one_operation_is_counted() {
    let world = World::default();
    let id = container(&world, "acme-main");
    let before = seen(&world)[0].began;
    does(&world, Verb::Restart { id }).unwrap();
    assert!(seen(&world)[0].began > before);
    assert!(world.doubled().is_empty());
    does(&world, Verb::Restart { id }).unwrap();
    assert_eq!(world.doubled().len(), 1);
}

#[test]
fn only_what_is_there_is_resized_or_restarted() {
    let world = World::default();
    let (id, limits) = (container(&world, "acme-main"), Limits { cpu_millis: 500, memory_mb: 512 });
    does(&world, Verb::Resize { id, limits }).unwrap();
    assert_eq!(seen(&world)[0].limits, Some(limits));
    does(&world, Verb::Drop { id }).unwrap();
    assert_eq!(does(&world, Verb::Resize { id, limits }), Err(Refusal::Absent));
    assert_eq!(does(&world, Verb::Restart { id }), Err(Refusal::Absent));
}

#[test]
fn executions_that_a_main_leaves_need_a_worker_to_end() {
    let world = World::default();
    // How many it leaves hangs on its number.
    let mains: Vec<_> = (0..4).map(|_| container(&world, "acme-main")).collect();
    let worker = container(&world, "acme-worker-1");
    for id in mains {
        does(&world, Verb::Drop { id }).unwrap();
    }
    let pending = does(&world, Verb::Pending).unwrap().len();
    assert!(pending > 0);
    does(&world, Verb::Drop { id: worker }).unwrap();
    assert_eq!(world.cut_off().len(), 1);
    assert_eq!(does(&world, Verb::Pending).unwrap().len(), pending, "nobody is there to end them");
}
