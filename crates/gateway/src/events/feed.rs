//! One client's events: first what it missed, from the record, then what happens.

use std::{collections::VecDeque, sync::Arc};

use common::error::chain;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    Events, Following, Reset, Selection, Since,
    hub::{Notice, Seat, Told},
    resume,
};
use crate::{
    app::App,
    auth::{Identity, Over, Scope, Standing},
    metrics,
    problem::Problem,
    store::events as log,
    tenants::TenantName,
};

/// So many events are read from the record at once.
const PAGE: u64 = 500;

/// Why there is nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The operation is over.
    OperationEnded,
    /// The record was put back to an earlier moment: what comes next has ids that were told before.
    Rewound,
    /// The client did not keep up.
    TooSlow,
    /// The client's token or key is not valid any longer.
    TokenExpired,
    /// The client's key was revoked.
    KeyRevoked,
    /// This process stops.
    Stopping,
    /// The record does not answer.
    Unavailable,
}

impl End {
    /// The word told to the client.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OperationEnded => "operation_ended",
            Self::Rewound => "rewound",
            Self::TooSlow => "too_slow",
            Self::TokenExpired => "token_expired",
            Self::KeyRevoked => "key_revoked",
            Self::Stopping => "stopping",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<Over> for End {
    fn from(over: Over) -> Self {
        match over {
            Over::Expired => Self::TokenExpired,
            Over::Revoked => Self::KeyRevoked,
            Over::Unknown => Self::Unavailable,
        }
    }
}

/// One client's events.
pub struct Feed {
    events: Arc<Events>,
    scope: Scope,
    selection: Selection,
    /// Everything up to here was told, or is not wanted.
    last: i64,
    pending: VecDeque<Arc<Notice>>,
    /// None while there may be more in the record.
    live: Option<Receiver<Told>>,
    /// Why it does not begin where it was asked to.
    reset: Option<Reset>,
    /// The selected operation's end is pending or told.
    ended: bool,
    standing: Standing,
    _seat: Seat,
}

impl Feed {
    /// Begins where it is asked to, or anew if that cannot be.
    pub async fn open(app: &App, identity: &Identity, following: Following) -> Result<Self, Problem> {
        Self::open_with(app, identity, identity.scope(), following).await
    }

    /// The same for somebody who sees more of what is selected than of anything else.
    pub async fn open_with(
        app: &App,
        identity: &Identity,
        scope: &Scope,
        following: Following,
    ) -> Result<Self, Problem> {
        let events = &app.events;
        let reader = events.readers.of(scope);
        let tenant = TenantName::id_of(following.tenant.as_ref(), &reader).await?;
        let seat = events.hub.seat()?;
        let (live, head) = events.hub.subscribe()?;
        let mut feed = Self {
            events: Arc::clone(events),
            scope: scope.clone(),
            selection: Selection { tenant, ..following.selection },
            last: head,
            pending: VecDeque::new(),
            live: Some(live),
            reset: None,
            ended: false,
            standing: Standing::of(app, identity),
            _seat: seat,
        };
        let mut since = following.since;
        if let Since::Event(_) = since {
            feed.reset = resume::reset(since, log::log_range(&events.statements).await?);
        }
        if feed.reset.is_some() {
            since = feed.selection.anew();
        }
        match since {
            Since::Now => return Ok(feed),
            Since::Beginning => feed.last = 0,
            Since::Event(id) => feed.last = id,
        }
        feed.replay().await?;
        Ok(feed)
    }

    /// Why it does not begin where it was asked to, if so.
    pub fn reset(&self) -> Option<Reset> {
        self.reset
    }

    /// The last event told.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Whether there is nothing to tell, now and ever.
    pub fn is_over(&self) -> bool {
        self.ended && self.pending.is_empty() && self.reset.is_none()
    }

    /// The next event. Nothing is lost when this is not waited for to the end.
    pub async fn next(&mut self) -> Result<Arc<Notice>, End> {
        let (stopping, over) = (self.events.tasks.stopping(), self.standing.over());
        tokio::select! {
            biased;
            () = stopping.cancelled() => Err(End::Stopping),
            over = over => Err(over.into()),
            next = self.advance() => next,
        }
    }

    async fn advance(&mut self) -> Result<Arc<Notice>, End> {
        loop {
            if let Some(notice) = self.pending.pop_front() {
                self.last = notice.event.id;
                return Ok(notice);
            }
            if self.ended {
                return Err(End::OperationEnded);
            }
            let Some(live) = &mut self.live else {
                // Boxed, because it is over soon: room for it would be kept for as long as the client follows.
                Box::pin(self.replay()).await.map_err(|error| {
                    tracing::warn!(error = chain(&error), "a client's events could not be read");
                    End::Unavailable
                })?;
                continue;
            };
            match live.recv().await {
                Ok(Told::Event(notice)) => self.take(notice),
                Ok(Told::Rewound) => return Err(End::Rewound),
                Err(RecvError::Lagged(_)) => {
                    metrics::event_client_dropped(End::TooSlow);
                    return Err(End::TooSlow);
                }
                Err(RecvError::Closed) => return Err(End::Stopping),
            }
        }
    }

    fn take(&mut self, notice: Arc<Notice>) {
        if notice.event.id > self.last && self.selection.takes(&self.scope, &notice.event) {
            self.ended = self.selection.operation.is_some() && notice.is_end();
            self.pending.push_back(notice);
        }
    }

    /// Reads the next page from the record. After the last page the live events take over: subscribed to before it was
    /// read, so that nothing falls between the two; what is in both is told once, by its id.
    async fn replay(&mut self) -> Result<(), sqlx::Error> {
        let (live, _) = self.events.hub.subscribe().map_err(|_| sqlx::Error::PoolClosed)?;
        let _turn = self.events.hub.replays.acquire().await;
        let reader = self.events.readers.of(&self.scope);
        let told = match self.selection.operation {
            Some(operation) => log::is_told(&reader, operation).await?,
            None => false,
        };
        let page = log::after(&reader, &self.selection, self.last, PAGE).await?;
        let complete = page.len() < PAGE as usize;
        self.pending = page.into_iter().map(|event| Arc::new(Notice::of(event))).collect();
        let ends =
            self.selection.operation.is_some() && self.pending.back().is_some_and(|last| last.is_end());
        self.ended = complete && (told || ends);
        self.live = complete.then_some(live);
        Ok(())
    }
}
