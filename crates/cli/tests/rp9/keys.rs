//! API keys: made, kept, asked and signed with.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::support::{Ended, Gateway, Rp9, Turn};

const MADE: &str = "POST /keys";

fn key() -> String {
    format!("rp9_{}_{}", "0a".repeat(16), "1b".repeat(32))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn made(key: Option<&str>) -> Turn {
    let data = serde_json::json!({ "id": "key_1", "name": "Laptop", "role": "operator", "expires_at": "2027-08-01T12:00:00Z" });
    Turn::json(201, serde_json::json!({ "data": data, "key": key }).to_string())
}

async fn login(gateway: &Gateway, file: &Path, name: &str, text: &str) -> Ended {
    Rp9::alone(&["login", name, "--url", &gateway.url()]).configured(file).reading(text).await
}

#[tokio::test]
async fn a_login_keeps_the_key_for_its_owner_alone_and_is_used() {
    let gateway = Gateway::open().await;
    gateway.says("GET /plans", [Turn::json(200, r#"{"data":[]}"#)]);
    gateway.says("POST /tenants/acme/restart", [Turn::json(200, r#"{"already":true}"#)]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rp9/config.toml");
    let ended = login(&gateway, &file, "prod", &format!("{}\n", key())).await.expect(0);
    assert!(ended.err.contains("with the key key_0a0a"), "{ended:?}");
    assert!(!ended.err.contains("1b1b") && ended.out.is_empty(), "{ended:?}");
    let kept = folder.path().join("rp9/keys/prod");
    assert_eq!((mode(&kept), mode(kept.parent().unwrap()), mode(&file)), (0o600, 0o700, 0o600));
    assert_eq!(fs::read_to_string(&kept).unwrap(), format!("{}\n", key()));
    assert!(!fs::read_to_string(&file).unwrap().contains("1b1b"), "the profile names its place");
    // The profile is the current one; changes are signed with the key, as the stand-in checks.
    Rp9::alone(&["tenants", "restart", "acme"]).configured(&file).run().await.expect(0);
    assert_eq!(gateway.seen().last().unwrap().authorization, format!("Bearer {}", key()));
    // Another one takes its place, whatever modes it had.
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).unwrap();
    let other = key().replace("1b", "2c");
    Rp9::alone(&["login", "prod"]).configured(&file).reading(&other).await.expect(0);
    assert_eq!((mode(&kept), fs::read_to_string(&kept).unwrap().trim()), (0o600, other.as_str()));
}

#[tokio::test]
async fn a_logout_forgets_the_key_and_keeps_the_profile() {
    let gateway = Gateway::open().await;
    gateway.says("GET /plans", [Turn::json(200, r#"{"data":[]}"#)]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rp9/config.toml");
    login(&gateway, &file, "prod", &key()).await.expect(0);
    let rp9 = async |words: &[&str]| Rp9::alone(words).configured(&file).run().await;
    rp9(&["logout", "other"]).await.expect(2);
    let ended = rp9(&["logout"]).await.expect(0);
    assert!(ended.err.contains("rp9 keys revoke") && !ended.err.contains("1b1b"), "{ended:?}");
    assert!(!folder.path().join("rp9/keys/prod").exists());
    assert!(rp9(&["plans"]).await.expect(2).err.contains("neither a key nor a token"));
    assert!(rp9(&["logout"]).await.expect(2).err.contains("no key"));
    // The one that is meant is forgotten, and no other.
    login(&gateway, &file, "named", &key()).await.expect(0);
    login(&gateway, &file, "current", &key()).await.expect(0);
    Rp9::alone(&["logout"]).configured(&file).variable("RP9_PROFILE", "named").run().await.expect(0);
    let kept = |name: &str| folder.path().join("rp9/keys").join(name).exists();
    assert_eq!((kept("named"), kept("current")), (false, true));
    // Its address is still known.
    Rp9::alone(&["login", "prod"]).configured(&file).reading(&key()).await.expect(0);
    // What somebody put elsewhere is theirs.
    let own = folder.path().join("own");
    fs::write(&own, key()).unwrap();
    rp9(&["profiles", "set", "prod", "--key-file", own.to_str().unwrap()]).await.expect(0);
    rp9(&["logout", "prod"]).await.expect(0);
    assert!(own.exists());
}

#[tokio::test]
async fn what_is_refused_or_no_key_is_not_kept_and_not_shown() {
    let gateway = Gateway::open().await;
    gateway.says("GET /plans", [Turn::problem(401, "token_invalid")]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    login(&gateway, &file, "prod", &key()).await.expect(3);
    for (name, text) in
        [("prod", "hunter2"), ("prod", ""), ("prod", "rp9_a rp9_b"), ("prod", "eyJ.hunter2.x")]
    {
        let ended = login(&gateway, &file, name, text).await.expect(2);
        assert!(!ended.err.contains("hunter2"), "{ended:?}");
    }
    assert!(!file.exists() && !folder.path().join("keys").exists());
    let nowhere = Rp9::alone(&["login", "prod"]).configured(&file).reading(&key()).await.expect(2);
    assert!(nowhere.err.contains("--url"), "{nowhere:?}");
}

#[tokio::test]
async fn a_profile_does_not_lead_elsewhere() {
    let gateway = Gateway::open().await;
    gateway.says("GET /plans", [Turn::problem(403, "forbidden")]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rp9/config.toml");
    for name in ["../x", "a/b", "..", ".hidden", ""] {
        login(&gateway, &file, name, &key()).await.expect(2);
    }
    assert!(!folder.path().join("rp9/x").exists() && !folder.path().join("x").exists());
    // A link that somebody put there is not followed.
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir_all(folder.path().join("rp9/keys")).unwrap();
    for name in [".prod.part", "prod"] {
        std::os::unix::fs::symlink(&elsewhere, folder.path().join("rp9/keys").join(name)).unwrap();
    }
    // A key that may not list plans is a key.
    login(&gateway, &file, "prod", &key()).await.expect(0);
    assert!(
        !elsewhere.exists()
            && fs::read_to_string(folder.path().join("rp9/keys/prod")).unwrap().contains("1b")
    );
}

#[tokio::test]
async fn a_key_is_made_with_what_is_said_and_shown_once() {
    let gateway = Gateway::open().await;
    let text = key();
    gateway.says("GET /tenants/acme", [Turn::json(200, r#"{"data":{"tenant":{"id":"ten_7"}}}"#)]);
    gateway.says(MADE, [made(Some(&text)), made(Some(&text)), made(None)]);
    let words = [
        "keys",
        "create",
        "Laptop",
        "--role",
        "owner",
        "--tenant",
        "acme",
        "--tenant",
        "ten_8",
        "--scope",
        "tenants:read",
    ];
    let shown = Rp9::at(&gateway, &words).run().await.expect(0);
    assert!(shown.out.contains(&text) && shown.err.contains("this once"), "{shown:?}");
    let body: serde_json::Value = serde_json::from_str(&gateway.seen_at(MADE)[0].body).unwrap();
    let expected = serde_json::json!({ "name": "Laptop", "role": "owner", "tenants": ["ten_7", "ten_8"], "scopes": ["tenants:read"] });
    assert_eq!(body, expected);
    let quiet = ["keys", "create", "Laptop", "--role", "operator", "--days", "30", "--quiet"];
    assert_eq!(Rp9::at(&gateway, &quiet).run().await.expect(0).out, format!("{text}\n"), "for `rp9 login`");
    assert!(gateway.seen_at(MADE)[1].body.contains("expires_at"));
    let again = Rp9::at(&gateway, &["keys", "create", "Laptop", "--role", "operator"]).run().await.expect(0);
    assert!(again.err.contains("revoke this one"), "{again:?}");
}

#[tokio::test]
async fn keys_are_listed_and_revoked() {
    let gateway = Gateway::open().await;
    let page =
        r#"{"data":[{"id":"key_1","name":"Portal","role":"service","state":"active"}],"next_cursor":null}"#;
    gateway.says("GET /keys", [Turn::json(200, page)]);
    gateway.says("DELETE /keys/key_1", [Turn::json(200, r#"{"key_id":"key_1","state":"revoked"}"#)]);
    let listed = Rp9::at(&gateway, &["keys", "list", "--state", "active"]).run().await.expect(0);
    assert!(listed.out.contains("Portal") && gateway.seen()[0].line.contains("state=active"), "{listed:?}");
    let revoked = Rp9::at(&gateway, &["keys", "revoke", "key_1"]).run().await.expect(0);
    assert_eq!(revoked.out, "key_1 is revoked\n");
}
