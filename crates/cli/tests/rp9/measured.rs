//! How one tenant does, and how much it used.

use crate::support::{Gateway, Rp9, Turn};

const METRICS: &str = r#"{"data":{"queue_wait_p95":6.2,"queue_wait_p95_seconds":6.2,"cpu_percent":null,"memory_bytes":null,"memory_percent":null,
    "executions_min":12.0,"success_rate_percent":75.0,"error_rate":0.25,"workers":null,"queue_depth":3},
    "meta":{"sampled_at":"2026-11-28T08:00:00Z","missing":{"containers":"2026-11-28T00:00:00Z"}}}"#;

#[tokio::test]
async fn a_tenant_s_figures_have_units_and_what_is_missing_its_moment() {
    let gateway = Gateway::open().await;
    gateway.says("GET /metrics/tenant/acme", [Turn::json(200, METRICS)]);
    let shown = Rp9::at(&gateway, &["metrics", "acme"]).run().await.expect(0);
    for (name, told) in [
        ("queue wait ", "6.20 s, 95 in 100 of the last five minutes at most"),
        ("cpu ", "missing since 2026-11-28 00:00:00Z"),
        ("queue ", "3 waiting executions"),
    ] {
        let is_it = |line: &str| line.starts_with(name) && line.ends_with(told);
        assert!(shown.out.lines().any(is_it), "{name}: {}", shown.out);
    }
    assert_eq!(Rp9::at(&gateway, &["metrics", "acme", "--quiet"]).run().await.expect(0).out, "6.20\n");
    let json = Rp9::at(&gateway, &["metrics", "acme", "--json"]).run().await.expect(0);
    assert_eq!(json.out, format!("{METRICS}\n"));
    Rp9::at(&gateway, &["metrics", "globex"]).run().await.expect(3);
}

fn counts(executions: u32) -> String {
    format!(
        r#"{{"executions":{executions},"succeeded":{executions},"failed":0,"canceled":0,"discarded":0,"run_seconds":1800.0}}"#
    )
}

fn kinds() -> String {
    let [one, four, none] = [1, 4, 0].map(counts);
    format!(r#""production":{four},"manual":{one},"error":{none},"sub_workflow":{none}"#)
}

#[tokio::test]
async fn usage_is_told_by_kind_and_says_which_kind_counts() {
    let gateway = Gateway::open().await;
    let usage = format!(
        r#"{{"data":{{"from":"2026-10-31T23:00:00Z","until":"2026-11-30T23:00:00Z","resolution":"day","billable_executions":4,
            "executions_per_month":10000,"total":{{{0}}},"api_calls":31,"storage_bytes_average":2097152,"storage_bytes_highest":4194304,
            "intervals":[{{"from":"2026-11-01T23:00:00Z",{0},"api_calls":7,"storage_bytes_average":null,"storage_bytes_highest":null}}]}}}}"#,
        kinds()
    );
    gateway.says("GET /tenants/acme/usage", [Turn::json(200, usage)]);
    let words =
        ["usage", "acme", "--period", "2026-11", "--resolution", "day", "--time-zone", "Europe/Berlin"];
    let shown = Rp9::at(&gateway, &words).run().await.expect(0);
    for line in [
        "counts     4 executions (production); its plan has 10000 a month",
        "api calls  31 that its n8n answered",
        "storage    2.0 MB on average over the hours that were measured, 4.0 MB at most",
        "production    for limits and bills  4           4          0       0         0          30 min 0 s",
        "manual        no                    1           1          0       0         0          30 min 0 s",
    ] {
        assert!(shown.out.lines().any(|shown| shown == line), "{line}: {}", shown.out);
    }
    let part = shown.out.lines().last().unwrap();
    assert!(
        part.starts_with("2026-11-01 23:00:00Z  4 ") && part.ends_with("2 h 0 min  7          -"),
        "{part}"
    );
    let asked = "GET /tenants/acme/usage?period=2026-11&resolution=day&time_zone=Europe%2FBerlin";
    assert_eq!(gateway.seen()[0].line, asked);
    let quiet = Rp9::at(&gateway, &["usage", "acme", "--quiet"]).run().await.expect(0);
    assert_eq!((quiet.out.as_str(), gateway.seen()[1].line.as_str()), ("4\n", "GET /tenants/acme/usage"));
}

#[tokio::test]
async fn what_a_tenant_s_containers_say_does_not_move_the_cursor() {
    let gateway = Gateway::open().await;
    let logs = r#"{"data":[{"at":"2026-11-28T08:00:00Z","instance":"main","role":"main","text":"a\u001b[2Jb\u0007"}]}"#;
    gateway.says("GET /tenants/acme/logs", [Turn::json(200, logs)]);
    let shown = Rp9::at(&gateway, &["logs", "acme"]).run().await.expect(0);
    assert!(shown.out.ends_with("main a [2Jb \n"), "{:?}", shown.out);
}
