//! The same request many times at once.

use e2e::{Answer, Api, Command};

fn found(answer: &Answer) -> usize {
    answer.body["data"].as_array().unwrap_or_else(|| panic!("{answer:?}")).len()
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn sixty_four_equal_requests_make_one_tenant_and_get_one_answer() {
    let (api, command) = (Api::of_environment(), Command::create_sharing("starter"));
    let calls = (0..64).map(|_| api.command(&command));
    let answers: Vec<_> = futures::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers[0].status, 201, "{:?}", answers[0]);
    let other = answers.iter().find(|answer| answer.body != answers[0].body || answer.status != 201);
    assert_eq!(other, None);
    let tenant = answers[0].body["tenant_id"].as_str().unwrap();
    api.succeeds(answers[0].body["operation_id"].as_str().unwrap()).await;
    let subdomain = api.tenant(tenant).await["subdomain"].as_str().unwrap().to_owned();
    assert_eq!(found(&api.get(&format!("/tenants?q={subdomain}")).await.unwrap()), 1);
    assert_eq!(found(&api.get(&format!("/operations?tenant={tenant}")).await.unwrap()), 1);
    api.delete_tenant(tenant).await;
}
