//! A store that speaks S3.

mod answer;
mod download;
mod upload;

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        retry::RetryConfig, timeout::TimeoutConfig,
    },
    types::{Delete, ObjectIdentifier},
};
use secrecy::ExposeSecret as _;

use crate::{Key, Listed, ObjectError, Objects, StoreLogin, StoreSettings, Stored, Stream, Unfinished};

use answer::failed;

/// A store that needs longer to let us in is as good as away.
const CONNECT: Duration = Duration::from_secs(5);
/// One request, with a part of 8 MiB on its way: a store that takes less than 140 KB a second is as good as away.
const ATTEMPT: Duration = Duration::from_secs(60);
/// Until the first byte of an answer.
const ANSWER: Duration = Duration::from_secs(30);
/// How often a request is made before it has failed, with growing pauses between.
const ATTEMPTS: u32 = 4;
/// What S3 takes in one request to remove.
const REMOVED_AT_ONCE: usize = 1000;

/// The real thing. Cheap to clone; clones share the login.
#[derive(Clone)]
pub struct S3 {
    settings: Arc<StoreSettings>,
    client: Arc<ArcSwap<Client>>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("bucket", &self.settings.bucket).finish_non_exhaustive()
    }
}

impl S3 {
    /// Nothing is connected yet: the store may come up later.
    pub fn new(settings: StoreSettings) -> Self {
        let client = Arc::new(ArcSwap::from_pointee(client(&settings, &settings.login)));
        Self { settings: Arc::new(settings), client }
    }

    /// Goes on with another login to the same bucket.
    pub fn put_login(&self, login: &StoreLogin) {
        self.client.store(Arc::new(client(&self.settings, login)));
    }

    fn bucket(&self) -> &str {
        &self.settings.bucket
    }

    fn client(&self) -> Arc<Client> {
        self.client.load_full()
    }
}

fn client(settings: &StoreSettings, login: &StoreLogin) -> Client {
    let (id, key) = (login.access_key_id.expose_secret(), login.secret_access_key.expose_secret());
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(Credentials::new(id, key, None, None, "rp9"))
        .force_path_style(settings.path_style)
        // Newer checksums are refused by many stores that speak S3; ours are in the manifest.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT)
                .read_timeout(ANSWER)
                .operation_attempt_timeout(ATTEMPT)
                .build(),
        );
    if let Some(endpoint) = &settings.endpoint {
        config = config.endpoint_url(endpoint.as_str());
    }
    Client::from_conf(config.build())
}

#[async_trait]
impl Objects for S3 {
    fn address(&self, key: &Key) -> String {
        format!("s3://{}/{key}", self.bucket())
    }

    async fn ensure_bucket(&self) -> Result<(), ObjectError> {
        let (client, bucket) = (self.client(), self.bucket());
        let found = client.head_bucket().bucket(bucket).send().await.map_err(failed);
        match found {
            Ok(_) => return Ok(()),
            Err(error) if !answer::is_missing(&error) => return Err(error),
            Err(_) => {}
        }
        match client.create_bucket().bucket(bucket).send().await.map_err(failed) {
            // Another replica was faster.
            Ok(_) => Ok(()),
            Err(error) if answer::is_ours_already(&error) => Ok(()),
            Err(ObjectError::Login(_) | ObjectError::Answered { .. }) => {
                Err(ObjectError::NoBucket(bucket.to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    async fn put(&self, key: &Key, source: Stream) -> Result<Stored, ObjectError> {
        upload::put(&self.client(), self.bucket(), key, source).await
    }

    async fn get(&self, key: &Key) -> Result<Stream, ObjectError> {
        download::get(self.client(), self.bucket().to_owned(), key.clone()).await
    }

    async fn list(&self, below: &Key) -> Result<Vec<Listed>, ObjectError> {
        let (client, mut listed) = (self.client(), Vec::new());
        let asked = client.list_objects_v2().bucket(self.bucket()).prefix(below.prefix());
        let mut pages = asked.into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page.map_err(failed)?.contents() {
                let bytes = object.size().unwrap_or_default().unsigned_abs();
                listed.push(Listed { key: answer::key(object.key())?, bytes });
            }
        }
        listed.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(listed)
    }

    async fn remove(&self, keys: &[Key]) -> Result<(), ObjectError> {
        for some in keys.chunks(REMOVED_AT_ONCE) {
            let named = some.iter().map(|key| ObjectIdentifier::builder().key(key.as_str()).build());
            let named: Vec<_> = named.collect::<Result<_, _>>().map_err(answer::unspoken)?;
            let delete = Delete::builder().set_objects(Some(named)).quiet(true).build();
            let delete = delete.map_err(answer::unspoken)?;
            let asked = self.client().delete_objects().bucket(self.bucket()).delete(delete);
            let answered = asked.send().await.map_err(failed)?;
            if let Some(error) = answered.errors().iter().find(|error| error.code() != Some("NoSuchKey")) {
                let code = error.code().unwrap_or("an error without a code").to_owned();
                return Err(ObjectError::Answered { status: 200, code });
            }
        }
        Ok(())
    }

    async fn unfinished(&self, below: &Key) -> Result<Vec<Unfinished>, ObjectError> {
        let (client, mut found) = (self.client(), Vec::new());
        let asked = client.list_multipart_uploads().bucket(self.bucket()).prefix(below.prefix());
        let mut page = asked.clone().send().await.map_err(failed)?;
        loop {
            for upload in page.uploads() {
                found.push(answer::unfinished(upload)?);
            }
            // Without both, some stores begin from the front again.
            let (key, id) = (page.next_key_marker.take(), page.next_upload_id_marker.take());
            if page.is_truncated != Some(true) || key.is_none() {
                return Ok(found);
            }
            let next = asked.clone().set_key_marker(key).set_upload_id_marker(id);
            page = next.send().await.map_err(failed)?;
        }
    }

    async fn abandon(&self, upload: &Unfinished) -> Result<(), ObjectError> {
        upload::abandon(&self.client(), self.bucket(), &upload.key, &upload.id).await
    }
}
