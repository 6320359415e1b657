//! Following the engine's events.

use common::cluster::ClusterId;
use std::collections::HashMap;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptions;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Docker;
use super::call::malformed;
use crate::error::ContainerError;
use crate::observed::{Event, News, Object};
use crate::ownership::{label, read_tenant};

/// What changes a container for us. Not the rest: each health check alone makes three events.
const ACTIONS: &[&str] =
    &["create", "start", "die", "oom", "destroy", "pause", "unpause", "update", "health_status"];

impl Docker {
    /// Only containers' events: those of networks and volumes come without labels.
    pub(super) async fn follow(
        &self,
        cluster: &ClusterId,
    ) -> Result<BoxStream<'static, Event>, ContainerError> {
        // The engine's own clock, and asked before the stream is opened: nothing between the two is lost.
        let info = self.call("ask the time", self.api.info()).await?;
        let now = info.system_time.and_then(|time| OffsetDateTime::parse(&time, &Rfc3339).ok());
        let now = now.ok_or_else(|| malformed("ask the time", "the time"))?;
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let filters = HashMap::from([
            ("type".to_owned(), words(&["container"])),
            ("label".to_owned(), vec![format!("{}={cluster}", label::CLUSTER)]),
            ("event".to_owned(), words(ACTIONS)),
        ]);
        let since = format!("{}.{:09}", now.unix_timestamp(), now.nanosecond());
        let options = EventsOptions { since: Some(since), until: None, filters: Some(filters) };
        let messages = self.api.events(Some(options)).take_while(|message| {
            if let Err(fault) = message {
                tracing::debug!(error = %fault, "the stream of the engine's events ended");
            }
            futures::future::ready(message.is_ok())
        });
        Ok(messages.filter_map(|message| async move { event(message.ok()?) }).boxed())
    }
}

fn event(message: EventMessage) -> Option<Event> {
    let nanos = message.time_nano.map(i128::from).unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    let labels = message.actor?.attributes?;
    let name = labels.get("name")?.clone();
    let action = message.action.as_deref().unwrap_or_default();
    if labels.contains_key(label::ATTACH) {
        // It may have to be attached to networks again; what else happens to it is not ours to follow.
        let shared = Event { tenant: None, object: Object::Shared, name, at, news: News::Changed };
        return (action == "start").then_some(shared);
    }
    let news = match action {
        "die" => News::Ended { exit_code: labels.get("exitCode").and_then(|code| code.parse().ok()) },
        "oom" => News::OutOfMemory,
        _ => News::Changed,
    };
    Some(Event { tenant: read_tenant(&labels)?, object: Object::Container, name, at, news })
}
