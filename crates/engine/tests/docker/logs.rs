//! What a real container wrote.

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use engine::contract::{Stage, until};
use engine::{ContainerRef, LogLine, LogQuery, LogStream};

use crate::outside::Place;

async fn read(stage: &Stage<'_>, container: &ContainerRef, query: LogQuery) -> Vec<LogLine> {
    stage.engine.logs(container, query).await.unwrap().lines
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn the_end_of_what_it_wrote_is_read_within_bounds_and_by_its_owner_only() {
    let place = Place::prepare(4).await;
    for role in ["edge", "postgres"] {
        place.setup.outside.add_shared(role).await;
    }
    let stage = Stage::with_network(&place.docker, &place.setup).await;
    let mut spec = stage.main();
    let script = "echo one; echo two >&2; echo three; trap 'exit 0' TERM; sleep 3600 & wait";
    spec.command = ["sh", "-c", script].map(str::to_owned).into();
    stage.engine.ensure_running(&spec).await.unwrap();
    let (container, all) = (spec.reference(), LogQuery { tail: 100, after: None, bytes: 1024 });
    until("it has said everything", || async { read(&stage, &container, all).await.len() == 3 }).await;

    let lines = read(&stage, &container, all).await;
    let mut said: Vec<_> = lines.iter().map(|line| (line.stream, line.text.as_str())).collect();
    // The engine reads the two streams side by side.
    said.sort_by_key(|(_, text)| *text);
    let expected = [(LogStream::Stdout, "one"), (LogStream::Stdout, "three"), (LogStream::Stderr, "two")];
    assert_eq!(said, expected);
    assert_eq!(read(&stage, &container, LogQuery { tail: 1, ..all }).await.len(), 1);
    for (tail, truncated) in [(2, true), (3, false)] {
        let read = stage.engine.logs(&container, LogQuery { tail, ..all }).await.unwrap();
        assert_eq!(read.truncated, truncated, "{tail}");
    }
    assert_eq!(read(&stage, &container, LogQuery { bytes: 5, ..all }).await.len(), 1);
    let after = Some(lines[0].at);
    assert_eq!(read(&stage, &container, LogQuery { after, ..all }).await, lines[1..]);

    let stranger = ContainerRef { tenant: Some(TenantId::generate()), ..container.clone() };
    assert_eq!(stage.engine.logs(&stranger, all).await.unwrap_err().kind(), Kind::Conflict);
    stage.strike().await;
    assert_eq!(stage.engine.logs(&container, all).await.unwrap_err().kind(), Kind::NotFound);
    place.clean().await;
}
