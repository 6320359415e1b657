//! The fake engine keeps the contract, and does what simulations rely on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::time::Duration;

use async_trait::async_trait;
use engine::contract::{self, ContractSetup, Outside, Part, Stage};
use engine::fake::{FakeWorld, Fault, Run, Verb, When};
use engine::{ClusterId, ContainerSpec, Containers, Executed, Health, Selection, State};
use ipnet::Ipv4Net;
use strum::VariantArray as _;

struct FakeOutside {
    world: FakeWorld,
    cluster: ClusterId,
}

#[async_trait]
impl Outside for FakeOutside {
    async fn add_shared(&self, role: &str) {
        self.world.add_shared(&self.cluster, role);
    }

    async fn remove_shared(&self, role: &str) {
        self.world.remove_shared(&self.cluster, role);
    }

    async fn add_foreign_container(&self, name: &str) {
        self.world.add_foreign_container(name);
    }

    async fn add_foreign_network(&self, name: &str, subnet: Ipv4Net) {
        self.world.add_foreign_network(name, subnet);
    }

    async fn exists(&self, name: &str) -> bool {
        self.world.exists(name)
    }

    async fn remove(&self, name: &str) {
        self.world.vanish(name);
    }

    async fn die(&self, name: &str) {
        self.world.die(name, 137);
    }

    async fn hang(&self, name: &str) {
        self.world.hang(name);
    }

    async fn forget_record(&self) {
        self.world.forget_record(&self.cluster);
    }

    async fn inject(&self, verb: Verb, when: When) {
        self.world.inject(Fault::new(verb, when));
    }
}

/// Just enough of a shell for the contract's scripts.
fn runs(spec: &ContainerSpec) -> Run {
    let script = spec.command.last().map(String::as_str).unwrap_or_default();
    match script.rsplit_once("exit ") {
        Some((_, code)) => Run::Exits { code: code.parse().unwrap(), logs: "last words\n".into() },
        None => Run::Hangs,
    }
}

/// The same for programs in containers: what is written, where, and the end.
fn execs(_: &ContainerSpec, argv: &[String]) -> Option<Executed> {
    let mut end = Executed::default();
    for command in argv.last().into_iter().flat_map(|script| script.split("; ")) {
        let words = command.strip_prefix("echo ").unwrap_or_default();
        match command.split_once(' ')? {
            ("echo", _) => match words.strip_suffix(" >&2") {
                Some(words) => end.stderr.extend(format!("{words}\n").bytes()),
                None => end.stdout.extend(format!("{words}\n").bytes()),
            },
            ("exit", code) => end.exit_code = code.parse().unwrap(),
            // Whatever else there is takes for ever.
            _ => return None,
        }
    }
    Some(end)
}

fn setup(world: &FakeWorld) -> ContractSetup {
    let cluster: ClusterId = "fake".parse().unwrap();
    world.set_runs(runs);
    world.set_execs(execs);
    world.set_image_missing("no-such-image:never", true);
    let outside = FakeOutside { world: world.clone(), cluster: cluster.clone() };
    ContractSetup::new(cluster, "image", "10.203.0.0/16".parse().unwrap(), Box::new(outside))
}

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    let world = FakeWorld::new();
    let setup = setup(&world);
    contract::containers(&world.engine("contract"), &setup, Part::VARIANTS).await;
    assert!(world.faults_spent());
}

#[tokio::test]
async fn the_ledger_tells_who_did_what_and_nothing_else() {
    let world = FakeWorld::new();
    let setup = setup(&world);
    setup.outside.add_shared("edge").await;
    setup.outside.add_shared("postgres").await;
    let (alice, bob) = (world.engine("alice"), world.engine("bob"));
    let stage = Stage::with_network(&alice, &setup).await;
    alice.ensure_running(&stage.main()).await.unwrap();
    world.clear_ledger();

    bob.ensure_network(&stage.network).await.unwrap();
    bob.ensure_running(&stage.main()).await.unwrap();
    bob.observe(&setup.cluster, Selection::ALL).await.unwrap();
    assert_eq!(world.ledger(), []);

    world.die(&stage.main().name, 1);
    bob.ensure_running(&stage.main()).await.unwrap();
    let ledger = world.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!((ledger[0].actor.as_str(), ledger[0].verb), ("bob", Verb::ContainerStart));
}

#[tokio::test]
async fn an_engine_that_is_cut_off_does_nothing() {
    let world = FakeWorld::new();
    let setup = setup(&world);
    let engine = world.engine("anyone");
    world.set_unreachable(true);
    let stage = Stage::new(&engine, &setup);
    assert!(engine.ping().await.is_err());
    assert!(engine.ensure_network(&stage.network).await.is_err());
    assert!(engine.observe(&setup.cluster, Selection::ALL).await.is_err());
    world.set_unreachable(false);
    assert!(engine.observe(&setup.cluster, Selection::ALL).await.unwrap().is_empty());
    assert_eq!(world.ledger(), []);
}

#[tokio::test]
async fn health_can_be_withheld_and_given_back() {
    let world = FakeWorld::new();
    let setup = setup(&world);
    setup.outside.add_shared("edge").await;
    setup.outside.add_shared("postgres").await;
    let engine = world.engine("anyone");
    let stage = Stage::with_network(&engine, &setup).await;
    let name = stage.main().name;
    world.set_health(&name, Health::Starting);
    let observed = engine.ensure_running(&stage.main()).await.unwrap();
    assert_eq!((observed.state, observed.health), (State::Running, Health::Starting));
    world.clear_health(&name);
    assert!(stage.container(&name).await.is_ready());
}

#[tokio::test]
async fn what_was_used_is_what_was_said_and_looks_are_remembered() {
    let world = FakeWorld::new();
    let setup = setup(&world);
    setup.outside.add_shared("edge").await;
    setup.outside.add_shared("postgres").await;
    let engine = world.engine("anyone");
    let stage = Stage::with_network(&engine, &setup).await;
    let (name, own) = (stage.main().name, Selection::of(stage.tenant));
    engine.ensure_running(&stage.main()).await.unwrap();
    let used = (Duration::from_millis(1500), 300 << 20);
    world.set_used(&name, used.0, used.1);
    let told = engine.stats(&setup.cluster, own).await.unwrap();
    assert_eq!((told[0].cpu, told[0].memory), used);
    // One that the engine does not answer for.
    world.set_silent(&name, true);
    assert_eq!(engine.stats(&setup.cluster, own).await.unwrap(), []);
    world.take_looks();
    engine.observe(&setup.cluster, own.containers()).await.unwrap();
    assert_eq!(world.take_looks(), [own.containers()]);
    world.set_unreachable(true);
    assert!(engine.stats(&setup.cluster, own).await.is_err());
}
