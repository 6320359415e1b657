//! What is typed wrongly, and what the program tells of itself.

use std::fs;

use crate::support::{Gateway, Rp9};

#[tokio::test]
async fn what_is_typed_wrongly_ends_with_two_and_sends_nothing() {
    let gateway = Gateway::open().await;
    for wrong in [
        &["tenants"][..],
        &["tenants", "scale", "acme"],
        &["tenants", "upgrade", "acme"],
        &["tenants", "blue-green", "acme"],
        &["tenants", "blue-green", "acme", "create"],
        &["tenants", "blue-green", "acme", "create", "red"],
        &["tenants", "blue-green", "acme", "set-weight", "101"],
        &["tenants", "promote"],
        &["tenants", "rollback", "acme"],
        &["tenants", "promote", "acme", "--ttl-minutes", "0"],
        &["tenants", "promote", "acme", "--ttl-minutes", "61"],
        &["tenants", "promotions"],
        &["tenants", "failover", "acme"],
        &["tenants", "failovers"],
        &["operations", "abandon", "op_1"],
        &["tenants", "list", "--all", "--limit", "3"],
        &["tenants", "delete", "acme"],
        &["tenants", "create", "acme", "--email", "a@b.co", "--plan", "pro", "--metadata", "[]"],
        &["api", "GET", "tenants"],
        &["tenants", "restart", "acme", "--idempotency-key", "two words"],
        &["plans", "--quiet", "--verbose"],
        &["tenants", "create", "acme", "--email", "a@b.co", "--plan", "pro", "--mode", "own"],
        &["api", "DELETE", "/tenants/acme/.."],
        &["tenants", "delete", "..", "--yes"],
        &["tenants", "show", "."],
        &["logs", "acme", "--tail", "0"],
        &["tenants", "events", "acme", "--hours", "169"],
        &["shared", "create", "one", "--capacity", "0"],
        &["top", "--sort", "luck"],
        &["top", "--limit", "201"],
        &["top", "--interval", "0s"],
        &["usage", "acme", "--resolution", "minute"],
    ] {
        Rp9::at(&gateway, wrong).run().await.expect(2);
    }
    assert_eq!(gateway.seen(), []);
}

#[tokio::test]
async fn it_tells_of_itself_without_a_profile() {
    let help = Rp9::alone(&["--help"]).run().await.expect(0);
    assert!(help.out.contains("Exit codes:") && help.out.contains("dead-letters"), "{help:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = Rp9::alone(&["completions", shell]).run().await.expect(0);
        assert!(script.out.contains("dead-letters"), "{shell}");
    }
    let page = Rp9::alone(&["man"]).run().await.expect(0);
    assert!(page.out.contains(".TH rp9 1") && page.out.contains("Exit codes:"), "{}", page.out);
    let folder = tempfile::tempdir().unwrap();
    Rp9::alone(&["man", "--dir", folder.path().to_str().unwrap()]).run().await.expect(0);
    assert!(
        fs::read_dir(folder.path()).unwrap().any(|page| page.unwrap().file_name() == "rp9-tenants-scale.1")
    );
}

#[tokio::test]
async fn a_size_that_no_plan_has_is_refused_by_its_flag_and_with_its_range() {
    for (flag, value, range) in [
        ("--workers", "0", "from 1 to"),
        ("--workers", "2.5", "from 1 to"),
        ("--memory-mb", "511", "from 512 to"),
        ("--cpu", "0.1", "from 0.25 to"),
        ("--cpu", "NaN", "from 0.25 to"),
    ] {
        let ended = Rp9::alone(&["tenants", "scale", "acme", flag, value]).run().await.expect(2);
        assert!(ended.err.contains(flag) && ended.err.contains(range), "{ended:?}");
    }
}

#[tokio::test]
async fn the_modes_are_explained_where_one_is_chosen() {
    let help = Rp9::alone(&["tenants", "create", "--help"]).run().await.expect(0);
    for words in ["shared:", "an n8n with others", "dedicated:", "an n8n of its own"] {
        assert!(help.out.contains(words), "{words}: {}", help.out);
    }
}
