//! One path of a real OpenBao, read by AppRole.

use common::{
    config::{Env, Secrets},
    secrets::{Backend, BackendConfig, BackendError},
};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::bao::{Bao, SECRET_ID};

fn open(settings: Vec<(String, String)>) -> Box<dyn Backend> {
    let config: BackendConfig = Env::of(settings).load().unwrap();
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    config.open("child").unwrap()
}

/// The settings with one of them changed.
fn with(bao: &Bao, name: &str, value: &str) -> Vec<(String, String)> {
    let others = bao.settings().into_iter().filter(|(other, _)| other != name);
    others.chain([(name.to_owned(), value.to_owned())]).filter(|(_, value)| !value.is_empty()).collect()
}

fn text(secrets: &Secrets, name: &str) -> String {
    secrets.get(name).unwrap().expose_secret().to_owned()
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_service_reads_its_own_path() {
    let bao = Bao::start(("1h", "1h")).await;
    // By its own name, if nothing else was said.
    let mut backend = open(with(&bao, "VAULT_KV_PATH", ""));
    assert_eq!(text(&backend.read().await.unwrap(), "KEY"), "hunter2-first");
    let secrets = backend.read().await.unwrap();
    assert_eq!((text(&secrets, "KEY").as_str(), bao.logins().await.len()), ("hunter2-first", 1));
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn what_is_wrong_is_told_without_a_secret() {
    let bao = Bao::start(("1h", "1h")).await;
    bao.put("rp9/numbers", json!({ "PORT": 80 })).await;
    let cases = [
        ("VAULT_SECRET_ID", "hunter2-wrong", "refused to log in (400)"),
        ("VAULT_ROLE_ID", "nobody", "refused to log in (400)"),
        ("VAULT_KV_PATH", "rp9/nothing", "no such place (read the secrets: 404)"),
        ("VAULT_KV_PATH", "elsewhere/child", "refused to read the secrets (403)"),
        ("VAULT_KV_MOUNT", "other", "refused to read the secrets (403)"),
        ("VAULT_KV_PATH", "rp9/numbers", "PORT in the secrets' backend is not a text"),
    ];
    for (name, value, expected) in cases {
        let error = open(with(&bao, name, value)).read().await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected) && !text.contains("hunter2"), "{name}={value}: {text}");
    }
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn only_the_authority_that_was_named_is_trusted() {
    let bao = Bao::start_with_tls().await;
    let authority = bao.authority().display().to_string();
    let secrets = open(with(&bao, "VAULT_CACERT", &authority)).read().await.unwrap();
    assert_eq!(text(&secrets, "KEY"), "hunter2-first");
    let error = open(bao.settings()).read().await.unwrap_err();
    assert!(matches!(error, BackendError::Away(_)), "{error:?}");
    let error = Env::of(with(&bao, "VAULT_CACERT", "/nowhere")).load::<BackendConfig>().unwrap_err();
    assert!(error.to_string().contains("VAULT_CACERT"), "{error}");
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_wrapped_secret_id_is_unwrapped_once() {
    let bao = Bao::start(("1h", "1h")).await;
    let token = bao.wrapped_secret_id().await;
    let settings = || {
        let settings = with(&bao, "VAULT_SECRET_ID", &token).into_iter();
        settings.chain([("VAULT_SECRET_ID_WRAPPED".to_owned(), "on".to_owned())]).collect()
    };
    let mut backend = open(settings());
    backend.read().await.unwrap();
    // Logs in anew with what it unwrapped before.
    bao.revoke_logins().await;
    backend.read().await.unwrap();
    let error = open(settings()).read().await.unwrap_err();
    assert!(error.to_string().contains("refused to unwrap the secret id (400)"), "{error}");
}

#[tokio::test]
#[ignore = "needs OpenBao: deploy/checks/tools"]
async fn a_secret_id_in_a_file_may_be_another_at_the_next_login() {
    let bao = Bao::start(("1h", "1h")).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings = with(&bao, "VAULT_SECRET_ID", "").into_iter();
    let path = file.path().display().to_string();
    let mut backend = open(settings.chain([("VAULT_SECRET_ID_FILE".to_owned(), path)]).collect());
    std::fs::write(file.path(), "hunter2-not-yet\n").unwrap();
    assert!(matches!(backend.read().await, Err(BackendError::Refused { .. })));
    std::fs::write(file.path(), format!("{SECRET_ID}\n")).unwrap();
    backend.read().await.unwrap();
    std::fs::remove_file(file.path()).unwrap();
    backend.read().await.unwrap();
}
