//! Services that start before their secrets are there.

use serde_json::json;

use crate::{bao::Bao, child::Service};

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_service_waits_for_a_backend_that_is_away() {
    let mut bao = Bao::stopped(("1h", "1h"), false);
    let mut service = Service::start(&bao.settings());
    crate::eventually("it says why", async || {
        service.ready().await
            == (503, "waiting for start, secrets (the secrets' backend does not answer)".into())
    })
    .await;
    assert!(service.is_running() && service.log().contains("there are no secrets yet"), "{}", service.log());
    bao.run().await;
    service.goes_by("hunter2-first").await;
    crate::eventually("it is ready", async || service.ready().await.0 == 200).await;
    // However often it has asked.
    assert_eq!(service.log().matches("Connection refused").count(), 1, "{}", service.log());
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_service_waits_until_it_is_let_in() {
    let bao = Bao::start(("1h", "1h")).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hunter2-wrong").unwrap();
    let settings = bao.settings().into_iter().filter(|(name, _)| name != "VAULT_SECRET_ID");
    let path = file.path().display().to_string();
    let settings: Vec<_> = settings.chain([("VAULT_SECRET_ID_FILE".to_owned(), path)]).collect();
    let service = Service::start(&settings);
    crate::eventually("it says why", async || service.ready().await.1.contains("refused to log in")).await;
    std::fs::write(file.path(), crate::bao::SECRET_ID).unwrap();
    service.goes_by("hunter2-first").await;
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_secret_that_the_backend_does_not_have_ends_the_start() {
    let bao = Bao::start(("1h", "1h")).await;
    bao.put("rp9/child", json!({ "OTHER": "hunter2" })).await;
    let mut service = Service::start(&bao.settings());
    assert!(service.ended_badly().await);
    assert!(service.log().contains("the backend has no KEY"), "{}", service.log());
}
