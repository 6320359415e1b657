//! Programs in containers.

use std::time::Duration;

use common::error::Kind;
use common::id::TenantId;

use super::stage::{refused, shell, until};
use super::{ContractSetup, Stage};
use crate::containers::Containers;
use crate::exec::{Exec, Executed};
use crate::fake::{Verb, When};
use crate::spec::ContainerRef;

/// Enough for a program that ends at once, on a busy machine too.
const WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn all(engine: &dyn Containers, setup: &ContractSetup) {
    its_end_and_what_it_wrote_are_told(&Stage::with_network(engine, setup).await).await;
    one_that_takes_too_long_is_not_waited_for(&Stage::with_network(engine, setup).await).await;
    only_its_owner_runs_something_and_only_while_it_runs(&Stage::with_network(engine, setup).await).await;
    for when in [When::Before, When::After] {
        one_that_was_not_heard_may_be_run_again(&Stage::with_network(engine, setup).await, when).await;
    }
}

fn script(script: &str) -> Exec {
    Exec { argv: shell(script), within: WITHIN, bytes: 1024 }
}

async fn its_end_and_what_it_wrote_are_told(stage: &Stage<'_>) {
    let main = stage.main().reference();
    let before = stage.engine.ensure_running(&stage.main()).await.unwrap();
    let run = async |exec: &Exec| stage.engine.exec(&main, exec).await.unwrap();
    let told = run(&script("echo out; echo err >&2; exit 3")).await;
    let whole = Executed { exit_code: 3, stdout: b"out\n".into(), stderr: b"err\n".into(), truncated: false };
    assert_eq!(told, whole);
    assert_eq!(run(&script("exit 0")).await, Executed::default());
    let cut = run(&Exec { bytes: 5, ..script("echo more than fits; exit 0") }).await;
    assert_eq!((cut.stdout.as_slice(), cut.truncated, cut.exit_code), (b"more ".as_slice(), true, 0));
    let nothing = Exec { argv: Vec::new(), ..script("") };
    refused(stage.engine.exec(&main, &nothing).await, Kind::Invalid);
    assert_eq!(stage.container(&main.name).await.started_at, before.started_at);
    stage.strike().await;
}

async fn one_that_takes_too_long_is_not_waited_for(stage: &Stage<'_>) {
    let main = stage.main().reference();
    stage.engine.ensure_running(&stage.main()).await.unwrap();
    let endless = Exec { within: Duration::from_millis(500), ..script("sleep 3600") };
    refused(stage.engine.exec(&main, &endless).await, Kind::Timeout);
    // The container goes on, and so do its others.
    assert_eq!(stage.engine.exec(&main, &script("exit 7")).await.unwrap().exit_code, 7);
    stage.strike().await;
}

async fn only_its_owner_runs_something_and_only_while_it_runs(stage: &Stage<'_>) {
    let (main, exec) = (stage.main().reference(), script("exit 0"));
    refused(stage.engine.exec(&main, &exec).await, Kind::NotFound);
    stage.engine.ensure_running(&stage.main()).await.unwrap();
    let strangers = [
        ContainerRef { tenant: Some(TenantId::generate()), ..main.clone() },
        ContainerRef { cluster: "elsewhere".parse().unwrap(), ..main.clone() },
        ContainerRef { generation: Some(0), ..main.clone() },
    ];
    for stranger in strangers {
        refused(stage.engine.exec(&stranger, &exec).await, Kind::Conflict);
    }
    stage.setup.outside.die(&main.name).await;
    until("nothing runs there", || async { stage.engine.exec(&main, &exec).await.is_err() }).await;
    refused(stage.engine.exec(&main, &exec).await, Kind::Unavailable);
    stage.strike().await;
}

async fn one_that_was_not_heard_may_be_run_again(stage: &Stage<'_>, when: When) {
    let main = stage.main().reference();
    stage.engine.ensure_running(&stage.main()).await.unwrap();
    stage.setup.outside.inject(Verb::ContainerExec, when).await;
    let failed = stage.engine.exec(&main, &script("exit 0")).await;
    assert!(failed.is_err(), "the fault {when:?} did not come through");
    assert_eq!(stage.engine.exec(&main, &script("exit 0")).await.unwrap().exit_code, 0);
    stage.strike().await;
}
