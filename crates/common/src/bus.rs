//! The transport: typed messages over NATS. Everything here may be lost without losing accepted work, because what was
//! accepted is a row in Postgres; a message only makes it happen sooner.
//!
//! No subject is spelled here: messages bring theirs (crate `wire`).

mod attempt;
mod carried;
mod consume;
mod consumer;
mod link;
mod message;
mod pull;
mod request;
mod sender;
mod sequence;
mod source;
mod stream;
mod traced;
mod urgency;
mod verdict;

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use async_nats::{
    Auth, ConnectOptions, HeaderMap, connection,
    jetstream::{self, context::PublishAckFuture},
};
use futures::{Stream, StreamExt};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{Env, Section},
    error::{Classify, Kind},
};

use link::Link;

pub use carried::Carried;
pub use consumer::{Consumer, Lane, Outcome};
pub use message::{Concerns, Malformed, Message, Storage, StreamSpec, Undecodable};
pub use request::Request;
pub use sequence::{Sent, Stopped};

/// An acknowledgement normally takes well under a millisecond; the sweeper covers what was not acknowledged.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the transport is.
#[derive(Debug, Clone)]
pub struct BusConfig {
    url: String,
    /// Whom the server lets in by a password. `None`: it lets in everybody.
    login: Option<(String, SecretString)>,
    replicas: usize,
}

impl Section for BusConfig {
    fn read(env: &mut Env) -> Option<Self> {
        let (url, login) = (env.required("NATS_URL"), login(env));
        let replicas = env.or("NATS_REPLICAS", 1);
        Some(Self { url: url?, login: login?, replicas: replicas? })
    }
}

/// Both or neither: with a name alone we would be nobody to the server and somebody in subjects.
fn login(env: &mut Env) -> Option<Option<(String, SecretString)>> {
    let (user, password) = (user(env), env.optional_secret("NATS_PASSWORD"));
    match (user?, password?) {
        (Some(user), Some(password)) => Some(Some((user, password))),
        (None, None) => Some(None),
        (Some(_), None) => {
            env.problem("NATS_USER is set, and neither NATS_PASSWORD nor NATS_PASSWORD_FILE is".into())
        }
        (None, Some(_)) => env.problem("NATS_PASSWORD is set, and NATS_USER is not".into()),
    }
}

fn user(env: &mut Env) -> Option<Option<String>> {
    match env.optional::<String>("NATS_USER")? {
        Some(name) if !sender::is_token(&name) => {
            env.problem("NATS_USER must be 1 to 50 of a-z, 0-9, - and _: it is part of subjects".into())
        }
        user => Some(user),
    }
}

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

/// Shows this user and whatever password there is, each time anew.
fn shown(user: &str, password: Arc<ArcSwapOption<SecretString>>) -> ConnectOptions {
    let name = user.to_owned();
    let options = ConnectOptions::with_auth_callback(move |_| {
        let mut login = Auth::new();
        login.username = Some(name.clone());
        login.password = password.load().as_deref().map(|secret| secret.expose_secret().to_owned());
        async { Ok(login) }
    });
    // Nobody else may hear what we are answered, or answer in another's place: the server lets each user into its own alone.
    options.custom_inbox_prefix(format!("_INBOX.{user}"))
}

/// A connection to NATS that repairs itself.
#[derive(Clone)]
pub struct Bus {
    client: async_nats::Client,
    jetstream: jetstream::Context,
    link: Link,
    /// What the server lets us in by, the next time that we connect.
    password: Arc<ArcSwapOption<SecretString>>,
    /// On how many servers each stream is kept.
    replicas: usize,
    /// Whom the server takes us for.
    user: Arc<str>,
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
        let (link, notice) = Link::new();
        let password = Arc::new(ArcSwapOption::default());
        let options = match &config.login {
            Some((user, secret)) => {
                password.store(Some(Arc::new(secret.clone())));
                shown(user, password.clone())
            }
            None => ConnectOptions::new(),
        };
        let options = options
            .name(service)
            .retry_on_initial_connect()
            .ping_interval(Duration::from_secs(5))
            .reconnect_delay_callback(link::pause)
            .event_callback(move |event| {
                notice(&event);
                async move { tracing::info!(%event, "bus") }
            });
        let client = options.connect(&config.url).await?;
        let jetstream = jetstream::new(client.clone());
        let user = config.login.as_ref().map_or(sender::ANYBODY, |(user, _)| user).into();
        Ok(Self { client, jetstream, link, password, replicas: config.replicas, user })
    }

    /// Shows this password from now on, the next time that it connects. Its name, which is part of what it sends, stays.
    pub fn put_password(&self, config: BusConfig) {
        let password = config.login.map(|(_, password)| Arc::new(password));
        self.password.store(password);
    }

    /// Whether messages can be sent at this moment.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == connection::State::Connected
    }

    /// Sends a message and waits until its stream has it.
    pub async fn publish<M: Message>(&self, message: &M, carried: &Carried) -> Result<(), BusError> {
        traced::sending(M::NAME, carried, async |carried| {
            let mut headers = carried.to_headers();
            headers.insert("Nats-Msg-Id", message.dedup_id().as_str());
            self.send(self.subject_of(message), headers, message.encode()).await
        })
        .await
    }

    /// Follows what is published from now on, as a stream that keeps nothing: what nobody listens to is missed. What
    /// cannot be read is passed over.
    pub async fn listen<M: Message>(
        &self,
        subject: String,
    ) -> Result<impl Stream<Item = M> + Unpin, BusError> {
        let messages = self.client.subscribe(subject).await.map_err(|e| BusError::Refused(e.into()))?;
        let read = |message: async_nats::Message| async move {
            let (subject, _) = sender::split(&message.subject, M::SENDER);
            M::decode(subject, &message.payload).ok()
        };
        Ok(Box::pin(messages.filter_map(read)))
    }

    /// Sends the bytes of an earlier message again. Its stream takes it although it took the same before.
    pub async fn resend(
        &self,
        subject: String,
        headers: &[(String, String)],
        payload: Vec<u8>,
        message_id: &str,
    ) -> Result<(), BusError> {
        let mut map = HeaderMap::new();
        // What no header may hold came from no header.
        let honest = |text: &str| !text.contains(['\r', '\n', ':']);
        for (name, value) in headers.iter().filter(|(name, _)| honest(name)) {
            if !value.contains(['\r', '\n']) {
                map.insert(name.as_str(), value.as_str());
            }
        }
        map.insert("Nats-Msg-Id", message_id);
        self.send(subject, map, payload).await
    }

    fn subject_of(&self, message: &impl Message) -> String {
        sender::under(message.subject(), &self.user, message.names_sender())
    }

    async fn send(&self, subject: String, headers: HeaderMap, payload: Vec<u8>) -> Result<(), BusError> {
        let sent = async {
            let ack = self.hand_over(subject, headers, payload).await?;
            ack.await.map_err(|e| BusError::Refused(e.into()))
        };
        tokio::time::timeout(ACK_TIMEOUT, sent).await.map_err(|_| BusError::Timeout)??;
        Ok(())
    }

    /// Sends without waiting for the stream to have it.
    async fn hand_over(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Vec<u8>,
    ) -> Result<PublishAckFuture, BusError> {
        if !self.is_connected() {
            return Err(BusError::Disconnected);
        }
        let sent = self.jetstream.publish_with_headers(subject, headers, payload.into());
        sent.await.map_err(|e| BusError::Refused(e.into()))
    }

    /// Makes a stream as described, or makes the one there is as described. What it keeps stays, unless there is less room than before.
    pub async fn ensure_stream(&self, spec: &StreamSpec) -> Result<jetstream::stream::Stream, BusError> {
        let config = stream::config(spec, self.replicas);
        self.jetstream.create_or_update_stream(config).await.map_err(|e| BusError::Refused(e.into()))?;
        self.jetstream.get_stream(spec.name).await.map_err(|e| BusError::Refused(e.into()))
    }
}
