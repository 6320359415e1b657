//! When the operator's recovery key was last seen to open a copy. That is noted in the store, beside the copies: whoever has the key at hand may have
//! no way to the record, and it is known after a disaster too. What is noted proves nothing to an attacker's victim; it reminds people.

use std::io::Cursor;

use objects::{Key, ObjectError, Objects, seal::Recipient};
use time::OffsetDateTime;

use super::{RecordError, sets};

/// Below what all notes are, in a folder for each recovery key: of a new one nothing is known.
const NOTES: &str = "record/opened";

/// Notes that the key of this recipient has opened the copy of this name just now. Earlier notes of it go.
pub async fn note_opened(
    objects: &dyn Objects,
    recipient: &Recipient,
    set: &str,
    at: OffsetDateTime,
) -> Result<(), RecordError> {
    let folder = folder(recipient)?;
    let note = folder.child(&sets::name(at)).map_err(|_| RecordError::Address)?;
    objects.put(&note, Box::pin(Cursor::new(format!("{set}\n").into_bytes()))).await?;
    let others = objects.list(&folder).await?.into_iter().map(|listed| listed.key).filter(|key| *key != note);
    Ok(objects.remove(&others.collect::<Vec<_>>()).await?)
}

/// When it last did, as far as that was noted.
pub async fn last_opened(
    objects: &dyn Objects,
    recipient: &Recipient,
) -> Result<Option<OffsetDateTime>, RecordError> {
    let notes = objects.list(&folder(recipient)?).await?;
    Ok(notes.iter().filter_map(|listed| sets::taken_at(listed.key.name())).max())
}

fn folder(recipient: &Recipient) -> Result<Key, ObjectError> {
    let folder = format!("{NOTES}/{recipient}").parse();
    folder.map_err(|error: objects::KeyError| ObjectError::Foreign(error.to_string()))
}

#[cfg(test)]
mod tests {
    use objects::{fake::FakeObjects, seal::SealKey};
    use time::macros::datetime;

    use super::*;

    #[tokio::test]
    async fn the_last_time_counts_and_of_another_key_nothing_is_known() {
        let (objects, key, other) = (FakeObjects::default(), SealKey::generate(), SealKey::generate());
        let recipient = key.recipient();
        assert_eq!(last_opened(&objects, &recipient).await.unwrap(), None);
        for at in [datetime!(2026-08-01 12:00 UTC), datetime!(2026-11-01 12:00:30 UTC)] {
            note_opened(&objects, &recipient, "20260801T110000Z-0a0a0a0a", at).await.unwrap();
            assert_eq!(last_opened(&objects, &recipient).await.unwrap(), Some(at));
        }
        assert_eq!(objects.keys().len(), 1, "one note is enough");
        assert_eq!(last_opened(&objects, &other.recipient()).await.unwrap(), None);
    }
}
