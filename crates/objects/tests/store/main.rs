//! The contract of a store, kept by the fake, by the store of the test servers, and by one over a folder.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends here"
)]

mod contract;
mod other;
mod refusals;
mod support;

use objects::{Objects as _, fake::FakeObjects};

use crate::support::{s3, test_store};

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    contract::holds(&FakeObjects::default()).await;
}

#[tokio::test]
#[ignore = "needs an S3 store"]
async fn the_real_one_keeps_the_contract() {
    let store = s3(test_store());
    contract::holds(&store).await;
    contract::leaves_nothing_of_what_failed(&store).await;
}

#[tokio::test]
#[ignore = "needs an S3 store"]
async fn one_over_a_folder_keeps_the_contract() {
    let other = other::start().await;
    let store = s3(other.settings());
    contract::holds(&store).await;
    contract::leaves_nothing_of_what_failed(&store).await;
}

#[tokio::test]
#[ignore = "needs an S3 store"]
async fn another_login_is_used_from_the_next_request_on() {
    let settings = test_store();
    let wrong = objects::StoreLogin { secret_access_key: "wrong".into(), ..settings.login.clone() };
    let right = settings.login.clone();
    let store = s3(objects::StoreSettings { login: wrong, ..settings });
    let refused = store.ensure_bucket().await.unwrap_err();
    assert!(matches!(refused, objects::ObjectError::Login(_)), "{refused:?}");
    store.put_login(&right);
    store.ensure_bucket().await.unwrap();
}
