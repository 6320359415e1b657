//! Somebody who follows events.

use std::time::Duration;

use axum::{body::BodyDataStream, response::Response};
use futures::{FutureExt, StreamExt};
use serde_json::Value;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// One message of a stream of server-sent events.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub id: Option<i64>,
    pub name: Option<String>,
    pub data: Value,
}

/// A stream of server-sent events, being read.
pub struct Follower {
    body: BodyDataStream,
    text: String,
    /// As a browser would remember it.
    pub last_id: i64,
}

impl Follower {
    /// Follows this answer, which must be a stream.
    #[track_caller]
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new(), last_id: 0 }
    }

    /// The next message that has something to tell; none after the end.
    pub async fn next(&mut self) -> Option<Told> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("something is told in time")
    }

    async fn read(&mut self) -> Option<Told> {
        loop {
            while let Some((message, rest)) = self.text.split_once("\n\n") {
                let told = parse(message);
                self.text = rest.to_owned();
                self.last_id = told.id.unwrap_or(self.last_id);
                if told.data != Value::Null {
                    return Some(told);
                }
            }
            let bytes = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The kinds of the next events.
    pub async fn kinds(&mut self, count: usize) -> Vec<String> {
        let mut kinds = Vec::new();
        while kinds.len() < count {
            let told = self.next().await.expect("there is more");
            kinds.push(told.data["kind"].as_str().unwrap_or_else(|| panic!("{told:?}")).to_owned());
        }
        kinds
    }

    /// Checks that everything told so far was read.
    #[track_caller]
    pub fn assert_silent(&mut self) {
        let more = self.read().now_or_never();
        assert!(more.is_none(), "{more:?}");
    }

    /// The reason it ends with; it ends here.
    pub async fn reason(&mut self) -> String {
        let end = self.next().await.expect("it says why it ends");
        assert_eq!(end.name.as_deref(), Some("end"), "{end:?}");
        assert_eq!(self.next().await, None);
        end.data["reason"].as_str().unwrap().to_owned()
    }
}

fn parse(message: &str) -> Told {
    let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Told {
        id: field("id:").map(|id| id.parse().unwrap()),
        name: field("event:").map(str::to_owned),
        data: field("data:").map_or(Value::Null, |data| serde_json::from_str(data).unwrap()),
    }
}
