//! What a store's refusals mean.

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    primitives::DateTime,
    types::MultipartUpload,
};
use time::OffsetDateTime;

use crate::{Key, ObjectError, Unfinished};

/// What stores say when there is no room; those with disks of their own have words of their own.
const FULL: [&str; 6] = [
    "InsufficientStorage",
    "QuotaExceeded",
    "StorageFull",
    "XMinioStorageFull",
    "EntityTooLarge",
    "TotalSizeExceeded",
];

/// Sorts a failed request.
pub fn failed<E>(error: SdkError<E, HttpResponse>) -> ObjectError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let SdkError::TimeoutError(_) = &error {
        return ObjectError::TooSlow(Box::new(error));
    }
    let Some(status) = error.raw_response().map(|response| response.status().as_u16()) else {
        return ObjectError::Unavailable(Box::new(error));
    };
    let code = error.code().unwrap_or("an error without a code").to_owned();
    match status {
        507 => ObjectError::Full(code),
        _ if FULL.contains(&code.as_str()) => ObjectError::Full(code),
        401 | 403 => ObjectError::Login(code),
        // Its own trouble, or too much at once; also an answer that broke off in its middle.
        200 | 429 | 500.. => ObjectError::Unavailable(Box::new(error)),
        status => ObjectError::Answered { status, code },
    }
}

/// Whether it says that something is not there.
pub fn is_missing(error: &ObjectError) -> bool {
    matches!(error, ObjectError::Answered { status: 404, .. })
}

/// Whether it says that the bucket is there, and ours.
pub fn is_ours_already(error: &ObjectError) -> bool {
    let codes = ["BucketAlreadyOwnedByYou", "BucketAlreadyExists"];
    matches!(error, ObjectError::Answered { status: 409, code } if codes.contains(&code.as_str()))
}

/// The key that a list has.
pub fn key(listed: Option<&str>) -> Result<Key, ObjectError> {
    let text = listed.unwrap_or_default();
    text.parse().map_err(|_| ObjectError::Foreign(text.to_owned()))
}

/// An upload, as a list has it.
pub fn unfinished(listed: &MultipartUpload) -> Result<Unfinished, ObjectError> {
    let seconds = listed.initiated().map_or(0, DateTime::secs);
    Ok(Unfinished {
        key: key(listed.key())?,
        begun_at: OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        id: listed.upload_id().unwrap_or_default().to_owned(),
    })
}

/// What the SDK refuses to say.
pub fn unspoken(error: aws_sdk_s3::error::BuildError) -> ObjectError {
    ObjectError::Answered { status: 0, code: error.to_string() }
}
