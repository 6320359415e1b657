//! Services whose backend, login or secrets change while they run.

use serde_json::{Value, json};

use crate::{bao::Bao, child::Service, eventually};

async fn running(bao: &Bao) -> Service {
    let service = Service::start(&bao.settings());
    service.goes_by("hunter2-first").await;
    service
}

fn accessors(logins: &[Value]) -> Vec<&Value> {
    logins.iter().map(|login| &login["accessor"]).collect()
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_login_is_renewed_before_its_end_and_replaced_when_it_may_live_no_longer() {
    // Renewed after two thirds: the rest is for a busy machine.
    let bao = Bao::start(("6s", "14s")).await;
    let service = running(&bao).await;
    let first = bao.logins().await;
    eventually("it is renewed", async || {
        bao.logins()
            .await
            .iter()
            .any(|login| accessors(&first).contains(&&login["accessor"]) && !login["last_renewal"].is_null())
    })
    .await;
    let (replaced, mut without) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let seen = std::cell::RefCell::new(first.clone());
    eventually("it is replaced twice", async || {
        let logins = bao.logins().await;
        without.set(without.get() + usize::from(logins.is_empty()));
        if logins.iter().any(|login| !accessors(&seen.borrow()).contains(&&login["accessor"])) {
            replaced.set(replaced.get() + 1);
            seen.borrow_mut().extend(logins);
        }
        replaced.get() == 2
    })
    .await;
    assert_eq!((*without.get_mut(), service.rereading().await), (0, (false, 0)), "{}", service.log());
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_changed_secret_is_in_use_without_a_restart() {
    let bao = Bao::start(("1h", "1h")).await;
    let service = running(&bao).await;
    bao.put("rp9/child", json!({ "KEY": "hunter2-second", "OTHER": "hunter2-other" })).await;
    service.goes_by("hunter2-second").await;
    eventually("both are told", async || {
        let log = service.log();
        log.contains(r#""secrets":"KEY""#)
            && log.contains("in use after a restart only")
            && log.contains(r#""secrets":"OTHER""#)
    })
    .await;
    // What does not fit is not used, and told.
    bao.put("rp9/child", json!({ "OTHER": "hunter2-other" })).await;
    eventually("it is told", async || service.rereading().await.0).await;
    assert!(service.log().contains("the backend has no KEY"), "{}", service.log());
    assert_eq!((service.key().await.unwrap().as_str(), service.ready().await.0), ("hunter2-second", 200));
    bao.put("rp9/child", json!({ "KEY": "hunter2-third" })).await;
    service.goes_by("hunter2-third").await;
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn after_a_revocation_there_is_another_login() {
    let bao = Bao::start(("1h", "1h")).await;
    let service = running(&bao).await;
    bao.revoke_logins().await;
    bao.put("rp9/child", json!({ "KEY": "hunter2-second" })).await;
    service.goes_by("hunter2-second").await;
    assert_eq!((bao.logins().await.len(), service.rereading().await), (1, (false, 0)));
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_sealed_backend_leaves_a_service_with_what_it_has() {
    let bao = Bao::start(("1h", "1h")).await;
    let service = running(&bao).await;
    bao.seal().await;
    eventually("it says so", async || service.rereading().await.0).await;
    assert_eq!((service.key().await.unwrap().as_str(), service.ready().await.0), ("hunter2-first", 200));
    assert!(service.log().contains("answered 503 when it was to read the secrets"), "{}", service.log());
    bao.unseal().await;
    bao.put("rp9/child", json!({ "KEY": "hunter2-second" })).await;
    service.goes_by("hunter2-second").await;
    assert!(!service.rereading().await.0);
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_backend_may_go_away_and_come_back_without_its_memory_of_us() {
    let mut bao = Bao::start(("3s", "8s")).await;
    let service = running(&bao).await;
    bao.kill().await;
    eventually("it says so", async || service.rereading().await.0).await;
    assert_eq!((service.key().await.unwrap().as_str(), service.ready().await.0), ("hunter2-first", 200));
    bao.run().await;
    bao.put("rp9/child", json!({ "KEY": "hunter2-second" })).await;
    service.goes_by("hunter2-second").await;
    assert!(service.log().contains("it works again"), "{}", service.log());
}
