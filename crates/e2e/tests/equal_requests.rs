//! The same request many times at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use e2e::{Api, Command, labelled};

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn sixty_four_equal_requests_make_one_tenant_and_get_one_answer() {
    let (api, command) = (Api::of_environment(), Command::create("starter"));
    let calls = (0..64).map(|_| api.command(&command));
    let answers: Vec<_> = futures::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers[0].status, 201, "{:?}", answers[0]);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body && answer.status == 201));
    let tenant = answers[0].body["tenant_id"].as_str().unwrap();
    api.succeeds(answers[0].body["operation_id"].as_str().unwrap()).await;
    assert_eq!(labelled("container", tenant).len(), 2);
    api.delete_tenant(tenant).await;
}
