//! Who does the most: once, and again and again.

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Gateway, Rp9, Terminal, Turn};

const TOP: &str = "GET /metrics/tenants";
/// What a program writes to have the former screen back.
const FORMER_SCREEN: &str = "\u{1b}[?1049l";
const CURSOR: &str = "\u{1b}[?25h";

fn tenants(names: &[&str]) -> Turn {
    let rows: Vec<_> = names
        .iter()
        .map(|name| {
            format!(
                r#"{{"tenant_id":"ten_{name}","subdomain":"{name}","name":"{name} \u001b]0;mine\u0007","plan":"pro","queue_wait_p95_seconds":6.2,"cpu_percent":null}}"#
            )
        })
        .collect();
    Turn::json(200, format!(r#"{{"data":[{}]}}"#, rows.join(",")))
}

#[tokio::test]
async fn without_a_terminal_it_is_one_table_in_the_order_of_the_answer() {
    let gateway = Gateway::open().await;
    gateway.says(TOP, [tenants(&["globex", "acme"])]);
    let words = ["top", "--sort", "cpu", "--limit", "5"];
    let ended = Rp9::at(&gateway, &words).run().await.expect(0);
    let lines: Vec<_> = ended.out.lines().collect();
    assert!(lines[0].starts_with("TENANT") && lines[1].starts_with("globex  6.20"), "{ended:?}");
    assert!(lines[2].starts_with("acme") && lines.len() == 3, "{ended:?}");
    assert!(!ended.out.contains(['\u{1b}', '\u{7}']), "{ended:?}");
    assert_eq!(gateway.seen()[0].line, "GET /metrics/tenants?by=cpu&limit=5");
    let quiet = Rp9::at(&gateway, &["top", "--quiet"]).run().await.expect(0);
    assert_eq!(quiet.out, "ten_globex\nten_acme\n");
    assert_eq!(gateway.seen()[1].line, "GET /metrics/tenants?by=queue_wait&limit=20");
    let json = Rp9::at(&gateway, &["top", "--json"]).run().await.expect(0);
    assert!(json.out.starts_with(r#"{"data":[{"tenant_id":"ten_globex""#), "{json:?}");
}

#[tokio::test]
async fn on_a_terminal_it_goes_on_over_a_failure_and_leaves_everything_as_it_was() {
    let gateway = Gateway::open().await;
    let failed = Turn::problem(503, "not_ready");
    gateway.says(TOP, [tenants(&["globex"]), failed, tenants(&["initech"])]);
    let mut terminal = Terminal::open();
    let mut child = Rp9::at(&gateway, &["top", "--interval", "1s"]).start_on(&terminal);
    let first = terminal.shows("globex").await;
    assert!(first.contains("Tenants by queue wait, every 1s; q leaves"), "{first}");
    assert!(!terminal.is_as_before(), "keys arrive as they are pressed");
    let failed = terminal.shows("s old: one tenant").await;
    assert!(failed.contains("error: It is not_ready. (503 not_ready)"), "{failed}");
    let shown = terminal.shows("globex").await + &terminal.shows("initech").await;
    assert!(!shown.contains("\u{1b}]0;") && !shown.contains('\u{7}'), "a name did something: {shown:?}");
    terminal.types("xq").await;
    terminal.shows(CURSOR).await;
    terminal.shows(FORMER_SCREEN).await;
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    assert!(terminal.is_as_before());
}

#[tokio::test]
async fn whatever_ends_it_the_terminal_is_as_it_was() {
    let gateway = Gateway::open().await;
    gateway.says(TOP, [tenants(&["globex"])]);
    let mut terminal = Terminal::open();
    let mut child = Rp9::at(&gateway, &["top"]).start_on(&terminal);
    terminal.shows("globex").await;
    terminal.types("\u{3}").await;
    terminal.shows(FORMER_SCREEN).await;
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    assert!(terminal.is_as_before());

    let mut child = Rp9::at(&gateway, &["top"]).start_on(&terminal);
    terminal.shows("globex").await;
    let process = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(process, Signal::TERM).unwrap();
    terminal.shows(FORMER_SCREEN).await;
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    assert!(terminal.is_as_before());
}

#[tokio::test]
async fn one_table_is_all_where_nobody_can_draw_and_a_refusal_leaves_the_terminal_alone() {
    let gateway = Gateway::open().await;
    gateway.says(TOP, [tenants(&["globex"]), tenants(&["globex"]), Turn::problem(403, "forbidden")]);
    for (words, kind) in [(&["top", "--once"][..], "xterm"), (&["top"], "dumb")] {
        let mut terminal = Terminal::open();
        let mut child = Rp9::at(&gateway, words).variable("TERM", kind).start_on(&terminal);
        let shown = terminal.shows("globex").await;
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
        assert!(!shown.contains("\u{1b}[?1049h"), "{shown:?}");
    }
    let mut terminal = Terminal::open();
    let mut child = Rp9::at(&gateway, &["top"]).start_on(&terminal);
    let shown = terminal.shows("forbidden").await;
    assert_eq!(child.wait().await.unwrap().code(), Some(3));
    assert!(!shown.contains("\u{1b}[?1049h"), "{shown:?}");
}

#[tokio::test]
async fn a_terminal_without_a_size_is_drawn_on_too() {
    let gateway = Gateway::open().await;
    gateway.says(TOP, [tenants(&["globex"])]);
    let mut terminal = Terminal::without_size();
    let mut child = Rp9::at(&gateway, &["top"]).start_on(&terminal);
    let shown = terminal.shows("globex").await;
    assert!(shown.contains("QUEUE WAIT S") && shown.contains("PLAN"), "{shown:?}");
    terminal.types("q").await;
    terminal.shows(FORMER_SCREEN).await;
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}
