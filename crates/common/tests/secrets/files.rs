//! Secrets in files: no backend, and read again all the same.

use crate::{child::Service, eventually};

#[tokio::test]
async fn a_changed_file_is_in_use_without_a_restart() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hunter2-first\n").unwrap();
    let path = file.path().display().to_string();
    let service = Service::start(&[("KEY_FILE".to_owned(), path.clone())]);
    service.goes_by("hunter2-first").await;
    std::fs::write(file.path(), "hunter2-second\n").unwrap();
    service.goes_by("hunter2-second").await;
    // Half written, or gone for a moment.
    std::fs::write(file.path(), "").unwrap();
    eventually("it is told", async || service.rereading().await.0).await;
    assert_eq!((service.key().await.unwrap().as_str(), service.ready().await.0), ("hunter2-second", 200));
    std::fs::write(file.path(), "hunter2-third\n").unwrap();
    service.goes_by("hunter2-third").await;
}
