//! The API as programs that are not ours meet it, over a socket and by its description: Schemathesis, which makes up
//! requests, and the client in `deploy/netlify`, run by Node. `deploy/checks/tools` says where both are.

use std::{net::SocketAddr, process::Stdio};

use common::{
    bus::BusError,
    config::{Env, Section},
};
use sqlx::PgPool;
use tokio::process::Command;
use wire::{AskInitialLogin, AskLogs, InitialLogin, Logs, ResetLogin};

use crate::support::{Call, HMAC_SECRET, JWT_SECRET, Platform, garbled, keep, tenant, turn_to_answer};

/// Variables of the gateways that these programs talk to, where the usual ones would be in their way.
const SETTINGS: &[(&str, &str)] = &[];

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Where the programs are, and how much is asked of them.
struct Tools {
    schemathesis: String,
    client: String,
    /// Requests that are made up for each operation, beside those that its description calls for.
    examples: u32,
    seed: u32,
}

impl Section for Tools {
    fn read(env: &mut Env) -> Option<Self> {
        let (schemathesis, client) = (env.required("TEST_SCHEMATHESIS"), env.required("TEST_CLIENT"));
        let (examples, seed) = (env.or("API_FUZZ_EXAMPLES", 6), env.or("API_FUZZ_SEED", 1));
        Some(Self { schemathesis: schemathesis?, client: client?, examples: examples?, seed: seed? })
    }
}

/// A gateway with everything it needs, on a socket.
async fn served(database: PgPool, settings: &[(&str, &str)]) -> (Platform, SocketAddr) {
    let settings: Vec<_> = SETTINGS.iter().chain(settings).copied().collect();
    let platform = Platform::complete(database, &settings).await;
    let address = platform.listen(platform.tasks(), &[]).await;
    (platform, address)
}

/// Runs a program to its end, with the gateway's address and keys.
async fn run(mut program: Command, address: SocketAddr) {
    program
        .env("RP9_URL", format!("http://{address}"))
        .env("RP9_JWT_SECRET", JWT_SECRET)
        .env("RP9_HMAC_SECRET", HMAC_SECRET)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = program.output().await.unwrap();
    println!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{program:?} ended with {}", ended.status);
}

/// Something of every kind, so that there is something to find, and whoever answers for a provisioner.
async fn furnish(platform: &Platform) {
    for subdomain in ["acme", "bolt"] {
        let created = platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("admin").signed()).await;
        assert_eq!(created.status, 201, "{}", created.text());
    }
    keep(&platform.database, &garbled("rp9.test.outside")).await;
    answer_for_a_provisioner(platform).await;
}

async fn answer_for_a_provisioner(platform: &Platform) {
    let (bus, stopping) = (platform.bus.clone(), platform.tasks().stopping());
    platform.tasks().spawn("provisioner", async move {
        let told = || {
            let email = "ada@acme.example".to_owned();
            Ok::<_, BusError>(InitialLogin { email, password: "canary".to_owned().into(), stale: false })
        };
        let login = async |_: AskInitialLogin| told();
        let reset = async |_: ResetLogin| told();
        let logs = async |_: AskLogs| Ok::<_, BusError>(Logs { lines: Vec::new(), truncated: false });
        let group = "test-outside";
        let answers = tokio::join!(
            bus.answer(group, None, stopping.clone(), login),
            bus.answer(group, None, stopping.clone(), reset),
            bus.answer(group, None, stopping, logs),
        );
        assert!(matches!(answers, (Ok(()), Ok(()), Ok(()))));
    });
    // The question may be asked before the answering side has subscribed.
    let ask = async || platform.send(Call::get("/tenants/acme/initial-login").by_a("admin")).await.status;
    crate::support::eventually(async || ask().await == 200).await;
}

/// Made-up requests, right ones and wrong ones, by an admin whose requests are signed or need not be.
async fn survive_made_up_requests(database: PgPool, signed: bool) {
    let tools: Tools = Env::of_process().load().unwrap();
    let settings: &[_] = if signed { &[] } else { &[("SIGNED_ROLES", "service,owner")] };
    let _turn = turn_to_answer().await;
    let (platform, address) = served(database, settings).await;
    furnish(&platform).await;
    let mut program = Command::new(&tools.schemathesis);
    program
        .current_dir(ROOT)
        .args(["--config-file", "deploy/checks/api/schemathesis.toml", "run", "--no-color"])
        .args(["--seed", &tools.seed.to_string(), "--max-examples", &tools.examples.to_string()])
        .arg(format!("http://{address}/openapi.json"))
        .env("RP9_ROLE", "admin")
        .env("RP9_SIGNED", if signed { "yes" } else { "no" });
    run(program, address).await;
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers and tools: deploy/test"]
async fn made_up_requests_are_answered_as_described(database: PgPool) {
    survive_made_up_requests(database, true).await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers and tools: deploy/test"]
async fn made_up_requests_without_signatures_are_answered_as_described(database: PgPool) {
    survive_made_up_requests(database, false).await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers and tools: deploy/test"]
async fn the_client_for_node_creates_watches_and_removes_a_tenant(database: PgPool) {
    let tools: Tools = Env::of_process().load().unwrap();
    let (platform, address) = served(database, &[]).await;
    let mut program = Command::new("node");
    program.current_dir(&tools.client).args(["--test", "test/gateway.test.js"]);
    run(program, address).await;
    platform.stop().await;
}
