//! Where and as whom.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::support::{Gateway, HMAC_SECRET, JWT_SECRET, Rp9, Turn};

fn secret(folder: &Path, name: &str, value: &str, mode: u32) -> String {
    let path = folder.join(name);
    fs::write(&path, value).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_profile_is_set_used_and_forgotten() {
    let gateway = Gateway::open().await;
    gateway.says("GET /plans", [Turn::json(200, r#"{"data":[]}"#)]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rp9/config.toml");
    let (jwt, hmac) =
        (secret(folder.path(), "jwt", JWT_SECRET, 0o600), secret(folder.path(), "hmac", HMAC_SECRET, 0o600));
    let url = gateway.url();
    let set =
        ["profiles", "set", "local", "--url", &url, "--jwt-secret-file", &jwt, "--hmac-secret-file", &hmac];
    Rp9::alone(&set).configured(&file).run().await.expect(0);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(&file).unwrap().contains(JWT_SECRET), "a profile names secrets' places");

    let asked = Rp9::alone(&["plans"]).configured(&file).run().await.expect(0);
    assert_eq!(asked.err, "No plans.\n", "nothing to warn of");
    assert!(gateway.seen()[0].authorization.starts_with("Bearer ey"));

    let other = ["profiles", "set", "other", "--url", "https://rp9.example", "--token-env", "RP9_OTHER"];
    Rp9::alone(&other).configured(&file).run().await.expect(0);
    let listed = Rp9::alone(&["profiles", "list"]).configured(&file).run().await.expect(0);
    let line = |name: &str| listed.out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("local").contains("yes") && !line("other").contains("yes"), "{listed:?}");
    assert!(line("other").contains("$RP9_OTHER"), "{listed:?}");
    Rp9::alone(&["profiles", "use", "other"]).configured(&file).run().await.expect(0);
    let without = Rp9::alone(&["plans"]).configured(&file).run().await.expect(2);
    assert!(without.err.contains("RP9_OTHER"), "{without:?}");
    Rp9::alone(&["plans", "--profile", "local"]).configured(&file).run().await.expect(0);
    Rp9::alone(&["profiles", "remove", "other"]).configured(&file).run().await.expect(0);
    let nowhere = Rp9::alone(&["plans"]).configured(&file).run().await.expect(2);
    assert!(nowhere.err.contains("rp9 profiles set NAME --url"), "{nowhere:?}");
}

#[tokio::test]
async fn what_is_set_later_leaves_the_rest_and_the_comments_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let written = "# mine\n[profiles.a]\nurl = \"https://a.example\" # there\nrole = \"admin\"\n";
    secret(folder.path(), "config.toml", written, 0o600);
    Rp9::alone(&["profiles", "set", "a", "--subject", "ada"]).configured(&file).run().await.expect(0);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("# mine") && text.contains("# there") && text.contains("subject = \"ada\""),
        "{text}"
    );
    assert!(text.contains("role = \"admin\""), "{text}");
}

#[tokio::test]
async fn a_file_that_others_write_is_refused_and_a_secret_that_others_read_is_warned_of() {
    let gateway = Gateway::open().await;
    gateway.says("GET /plans", [Turn::json(200, r#"{"data":[]}"#)]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let hmac = secret(folder.path(), "hmac", HMAC_SECRET, 0o644);
    let written = format!(
        "current = \"a\"\n[profiles.a]\nurl = \"{}\"\njwt_secret_env = \"MINE\"\nhmac_secret_file = \"{hmac}\"\n",
        gateway.url()
    );
    secret(folder.path(), "config.toml", &written, 0o600);
    let plans = || Rp9::alone(&["plans"]).configured(&file).variable("MINE", JWT_SECRET);
    let warned = plans().run().await.expect(0);
    assert!(warned.err.contains("chmod 600") && warned.err.contains("hmac"), "{warned:?}");
    secret(folder.path(), "config.toml", &written, 0o666);
    let refused = plans().run().await.expect(2);
    assert!(refused.err.contains("can be written by others"), "{refused:?}");
}

#[tokio::test]
async fn a_typing_mistake_in_the_file_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    secret(
        folder.path(),
        "config.toml",
        "[profiles.a]\nurl = \"https://a.example\"\nhmac_secret = \"oops\"\n",
        0o600,
    );
    let ended = Rp9::alone(&["profiles", "list"]).configured(&file).run().await.expect(2);
    assert!(ended.err.contains("hmac_secret") && ended.err.contains("config.toml"), "{ended:?}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (file, place) = (folder.path().join("config.toml"), folder.path().to_str().unwrap());
    for (flag, value) in [
        ("--url", "rp9.example"),
        ("--url", "ftp://rp9.example"),
        ("--url", "https://"),
        ("--token-env", "two words"),
        ("--token-env", ""),
        ("--jwt-secret-env", "7UP"),
        ("--hmac-secret-file", ""),
        ("--key-file", place),
        ("--subject", " "),
        ("--jwt-kid", ""),
        ("--role", "owner"),
    ] {
        let rest: &[&str] = if flag == "--url" { &[] } else { &["--url", "https://rp9.example"] };
        let words = [&["profiles", "set", "a", flag, value], rest].concat();
        let ended = Rp9::alone(&words).configured(&file).run().await.expect(2);
        assert!(ended.err.contains(flag), "{ended:?}");
    }
    let pasted = ["profiles", "set", "a", "--url", "https://rp9.example", "--hmac-secret-env", "hunter2=="];
    let ended = Rp9::alone(&pasted).configured(&file).run().await.expect(2);
    assert!(!ended.err.contains("hunter2"), "{ended:?}");
    for name in ["", "a/b", ".hidden", "two words"] {
        let words = ["profiles", "set", name, "--url", "https://rp9.example"];
        let ended = Rp9::alone(&words).configured(&file).run().await.expect(2);
        assert!(ended.err.contains("cannot be called"), "{ended:?}");
    }
    assert!(!file.exists());
}

#[tokio::test]
async fn a_secret_is_named_in_one_way() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let set = async |flag: &str, value: &str| {
        let words = ["profiles", "set", "a", "--url", "https://rp9.example", flag, value];
        Rp9::alone(&words).configured(&file).run().await.expect(0);
        fs::read_to_string(&file).unwrap()
    };
    for secret in ["token", "key", "jwt-secret", "hmac-secret"] {
        let (as_file, as_env) = (format!("--{secret}-file"), format!("--{secret}-env"));
        let key = secret.replace('-', "_");
        for (flag, value, stays, goes) in [
            (&as_env, "SECRET", "_env", "_file"),
            (&as_file, "secret", "_file", "_env"),
            (&as_env, "SECRET", "_env", "_file"),
        ] {
            let written = set(flag, value).await;
            assert!(
                written.contains(&format!("{key}{stays}")) && !written.contains(&format!("{key}{goes}")),
                "{written}"
            );
        }
    }
}
