//! Large answers are compressed for those who take it; what holds a secret and what is told bit by bit is not.

use sqlx::PgPool;

use crate::support::{Call, Platform, tenant};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn large_answers_are_compressed_and_small_ones_streams_and_refusals_are_not(database: PgPool) {
    let platform = Platform::telling(database).await;
    for n in 0..5 {
        let create = Call::post("/tenants", &tenant(&format!("acme-{n}"))).by_a("admin").signed();
        assert_eq!(platform.send(create).await.status, 201);
    }
    let ask = |target: &str| Call::get(target).by_a("admin");
    for target in ["/openapi.json", "/docs/swagger-ui.css", "/tenants"] {
        let plain = platform.send(ask(target)).await;
        assert_eq!(plain.header("content-encoding"), "", "{target}");
        let packed = platform.send(ask(target).header("accept-encoding", "gzip, br")).await;
        assert_eq!((packed.status.as_u16(), packed.header("content-encoding")), (200, "gzip"), "{target}");
        assert!(packed.header("vary").contains("accept-encoding"), "{packed:?}");
        assert!(
            packed.body.len() * 2 < plain.body.len(),
            "{target}: {} of {}",
            packed.body.len(),
            plain.body.len()
        );
        assert_eq!(packed.header("content-type"), plain.header("content-type"));
    }
    for target in ["/healthz", "/docs/favicon-32x32.png", "/tenants?limit=0"] {
        let reply = platform.send(ask(target).header("accept-encoding", "gzip")).await;
        assert_eq!(reply.header("content-encoding"), "", "{target}");
    }
    let mut stream = platform.follow(ask("/events?since=0").header("accept-encoding", "gzip")).await;
    assert_eq!(stream.kinds(2).await, ["tenant.provisioning", "operation.accepted"], "as it happens");
    platform.stop().await;
}
