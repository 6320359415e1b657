//! The transport: typed messages over NATS. Everything here may be lost without losing accepted work, because what was
//! accepted is a row in Postgres; a message only makes it happen sooner.
//!
//! No subject is spelled here: messages bring theirs (crate `wire`).

mod consume;
mod request;

use std::{fmt, time::Duration};

use async_nats::{ConnectOptions, HeaderMap, connection, jetstream};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{Env, Section},
    error::{Classify, Kind},
};

pub use consume::{Consumer, Outcome};
pub use request::Request;

/// An acknowledgement normally takes well under a millisecond; the sweeper covers what was not acknowledged.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the transport is.
#[derive(Debug, Clone)]
pub struct BusConfig {
    url: String,
    user: Option<String>,
    password: Option<SecretString>,
}

impl Section for BusConfig {
    fn read(env: &mut Env) -> Option<Self> {
        let (url, user) = (env.required("NATS_URL"), env.optional("NATS_USER"));
        let password = env.optional_secret("NATS_PASSWORD");
        Some(Self { url: url?, user: user?, password: password? })
    }
}

/// Bytes that are not the message they should be.
#[derive(Debug, thiserror::Error)]
#[error("not a valid {message} message: {reason}")]
pub struct Malformed {
    pub message: &'static str,
    pub reason: String,
}

/// A stream that messages are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSpec {
    pub name: &'static str,
    pub subjects: &'static [&'static str],
    /// Whether a message is gone once it was handled, or kept until it is too old.
    pub work_queue: bool,
    pub max_age: Duration,
}

/// A message that has one place to go.
pub trait Message: Sized + Send + Sync + 'static {
    /// The name used in logs.
    const NAME: &'static str;
    /// The stream that keeps it.
    const STREAM: StreamSpec;

    /// Where it goes.
    fn subject(&self) -> String;
    /// Two messages with the same one within the stream's window are one message.
    fn dedup_id(&self) -> String;
    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Result<Self, Malformed>;
}

/// What goes with a message so that one cause can be followed through all services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
}

impl Carried {
    fn to_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let pairs = [(CORRELATION, &self.correlation_id), (TRACEPARENT, &self.traceparent)];
        for (name, value) in pairs {
            // A header value with a line break would be a second header.
            if let Some(value) = value.as_deref().filter(|v| !v.contains(['\r', '\n'])) {
                headers.insert(name, value);
            }
        }
        headers
    }

    fn of(headers: Option<&HeaderMap>) -> Self {
        let get = |name| headers.and_then(|h| h.get(name)).map(|value| value.as_str().to_owned());
        Self { correlation_id: get(CORRELATION), traceparent: get(TRACEPARENT) }
    }
}

const CORRELATION: &str = "rp9-correlation-id";
const TRACEPARENT: &str = "traceparent";

/// The transport did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("the bus is not connected")]
    Disconnected,
    #[error("the bus did not answer in time")]
    Timeout,
    #[error("nobody answers this request at present")]
    NoResponders,
    #[error("the bus refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the answer was an error: {detail}")]
    Remote { kind: Kind, detail: String },
}

impl Classify for BusError {
    fn kind(&self) -> Kind {
        match self {
            Self::Disconnected | Self::NoResponders | Self::Refused(_) => Kind::Unavailable,
            Self::Timeout => Kind::Timeout,
            Self::Malformed(_) => Kind::Upstream,
            Self::Remote { kind, .. } => *kind,
        }
    }
}

/// A connection to NATS that repairs itself.
#[derive(Clone)]
pub struct Bus {
    client: async_nats::Client,
    jetstream: jetstream::Context,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("connected", &self.is_connected()).finish()
    }
}

impl Bus {
    /// Connects in the background, now and whenever the connection is lost. Absence is not an error: services start
    /// in any order.
    pub async fn connect(config: &BusConfig, service: &str) -> anyhow::Result<Self> {
        let mut options = ConnectOptions::new()
            .name(service)
            .retry_on_initial_connect()
            .ping_interval(Duration::from_secs(5))
            .event_callback(|event| async move { tracing::info!(%event, "bus") });
        if let (Some(user), Some(password)) = (&config.user, &config.password) {
            options = options.user_and_password(user.clone(), password.expose_secret().to_owned());
        }
        let client = options.connect(&config.url).await?;
        let jetstream = jetstream::new(client.clone());
        Ok(Self { client, jetstream })
    }

    /// Whether messages can be sent at this moment.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == connection::State::Connected
    }

    /// Sends a message and waits until its stream has it.
    pub async fn publish<M: Message>(&self, message: &M, carried: &Carried) -> Result<(), BusError> {
        if !self.is_connected() {
            return Err(BusError::Disconnected);
        }
        let mut headers = carried.to_headers();
        headers.insert("Nats-Msg-Id", message.dedup_id().as_str());
        let sent = async {
            let ack = self
                .jetstream
                .publish_with_headers(message.subject(), headers, message.encode().into())
                .await
                .map_err(|e| BusError::Refused(e.into()))?;
            ack.await.map_err(|e| BusError::Refused(e.into()))
        };
        tokio::time::timeout(ACK_TIMEOUT, sent).await.map_err(|_| BusError::Timeout)??;
        Ok(())
    }

    /// Makes a stream as described, whether or not there is one.
    pub async fn ensure_stream(&self, spec: &StreamSpec) -> Result<jetstream::stream::Stream, BusError> {
        let config = jetstream::stream::Config {
            name: spec.name.to_owned(),
            subjects: spec.subjects.iter().map(|s| (*s).to_owned()).collect(),
            retention: if spec.work_queue {
                jetstream::stream::RetentionPolicy::WorkQueue
            } else {
                jetstream::stream::RetentionPolicy::Limits
            },
            max_age: spec.max_age,
            storage: jetstream::stream::StorageType::File,
            ..Default::default()
        };
        self.jetstream.get_or_create_stream(config).await.map_err(|e| BusError::Refused(e.into()))
    }
}
