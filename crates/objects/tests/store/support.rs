//! Stores to try.

use std::{env, io::Cursor};

use objects::{Key, S3, StoreLogin, StoreSettings, Stream};

#[expect(clippy::disallowed_methods, reason = "tests are told where the servers are")]
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: eval \"$(deploy/servers env)\""))
}

/// The one among the test servers.
pub fn test_store() -> StoreSettings {
    StoreSettings {
        endpoint: Some(variable("TEST_S3_ENDPOINT").parse().unwrap()),
        region: "us-east-1".into(),
        bucket: "rp9-objects".into(),
        path_style: true,
        login: StoreLogin {
            access_key_id: variable("TEST_S3_ACCESS_KEY_ID").into(),
            secret_access_key: variable("TEST_S3_SECRET_ACCESS_KEY").into(),
        },
    }
}

pub fn s3(settings: StoreSettings) -> S3 {
    S3::new(settings)
}

/// A folder of this test alone.
pub fn folder() -> Key {
    format!("tests/{}", common::id::OperationId::generate()).parse().unwrap()
}

pub fn stream(bytes: impl Into<Vec<u8>>) -> Stream {
    Box::pin(Cursor::new(bytes.into()))
}
