//! The objects of a set, stored one after the other.

use std::{io::Cursor, sync::Arc};

use common::{error::Classify, operations::StepError};
use n8n::{copies::ProgramError, databases::DatabaseError};
use objects::{
    Key, ObjectError, Stored, Stream,
    manifest::{Content, Object},
    seal::{Recipient, seal, seal_text},
};
use secrecy::SecretString;

use super::In;

/// A set that grows.
pub struct Set<'a> {
    context: &'a In<'a>,
    folder: Key,
    recipient: Recipient,
    pub objects: Vec<Object>,
}

impl<'a> Set<'a> {
    /// One that has nothing yet, below this key, for whom this seals.
    pub fn new(context: &'a In<'a>, folder: Key, recipient: Recipient) -> Self {
        Self { context, folder, recipient, objects: Vec::new() }
    }

    /// Compressed and encrypted on its way.
    pub async fn stream(&mut self, what: Content, source: n8n::copies::Stream) -> Result<(), StepError> {
        let (sealed, plain) = seal(source, self.recipient.clone());
        let stored = self.put(what.name(), sealed).await?;
        self.objects.push(Object::new(what, stored, plain.get().cloned()));
        Ok(())
    }

    /// Something short, for those whom this recipient is.
    pub async fn text(
        &mut self,
        what: Content,
        text: &SecretString,
        recipient: &Recipient,
    ) -> Result<(), StepError> {
        let sealed = seal_text(text, recipient)?;
        let stored = self.put(what.name(), of(sealed)).await?;
        self.objects.push(Object::new(what, stored, None));
        Ok(())
    }

    /// The same for the tenant's own key.
    pub async fn own_text(&mut self, what: Content, text: &SecretString) -> Result<(), StepError> {
        let recipient = self.recipient.clone();
        self.text(what, text, &recipient).await
    }

    /// In clear.
    pub async fn put(&self, name: &str, source: Stream) -> Result<Stored, StepError> {
        let key = self.folder.child(name).map_err(|error| ObjectError::Foreign(error.to_string()))?;
        let objects = Arc::clone(&self.context.fenced().await?.objects);
        objects.put(&key, source).await.map_err(of_source)
    }
}

/// Bytes that are there.
pub fn of(bytes: Vec<u8>) -> Stream {
    Box::pin(Cursor::new(bytes))
}

/// A source that failed says why itself: a dump that was killed, or a server that went away, is worth another try, and no fault of the store's.
fn of_source(error: ObjectError) -> StepError {
    let cause = if let ObjectError::Source(source) = &error { source.get_ref() } else { None };
    let told = cause.and_then(|cause| {
        let program = cause.downcast_ref::<ProgramError>().map(of_cause);
        program.or_else(|| cause.downcast_ref::<DatabaseError>().map(of_cause))
    });
    told.unwrap_or_else(|| error.into())
}

fn of_cause(cause: &impl Classify) -> StepError {
    StepError::Failed {
        kind: cause.kind(),
        detail: "What was to be copied could not be read to its end.".into(),
        cause: common::error::chain(cause),
        hint: cause.hint(),
    }
}
