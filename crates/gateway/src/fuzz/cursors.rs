//! Cursors that were given here, and others.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{a_change, hold, with_a_byte_changed};
use crate::http::{
    cursor::{Cursor, NameCursor},
    fields::Text,
};

/// What Postgres can hold of the years that are asked about.
fn a_cursor() -> impl Strategy<Value = Cursor> {
    (0..253_402_300_800_000_000_i128, any::<u128>()).prop_map(|(micros, id)| Cursor {
        at: OffsetDateTime::from_unix_timestamp_nanos(micros * 1_000).unwrap(),
        id: Uuid::from_u128(id),
    })
}

#[test]
fn a_cursor_reads_back_as_itself_and_as_nothing_else() {
    hold((a_cursor(), "[^\0]{0,80}"), |(cursor, name)| {
        let (by_time, by_name) = (cursor.to_string(), NameCursor(name));
        prop_assert_eq!(Cursor::parse(&by_time), Ok(cursor));
        prop_assert_eq!(NameCursor::parse(&by_name.to_string()), Ok(by_name.clone()));
        prop_assert!(NameCursor::parse(&by_time).is_err());
        prop_assert!(Cursor::parse(&by_name.to_string()).is_err());
        Ok(())
    });
}

#[test]
fn what_is_read_as_a_cursor_is_spelled_as_we_spell_it() {
    let coded = |plain: BoxedStrategy<String>| plain.prop_map(|plain| URL_SAFE_NO_PAD.encode(plain));
    let nearly = "[12]?[.:]?[+-]?[0-9]{0,40}[.:]?\\{?[0-9a-fA-F-]{0,40}\\}?".prop_map(String::from);
    let texts = prop_oneof![
        3 => (a_cursor(), a_change()).prop_map(|(cursor, change)| with_a_byte_changed(&cursor.to_string(), change)),
        3 => (a_cursor(), a_change()).prop_map(|(cursor, change)| {
            let plain = URL_SAFE_NO_PAD.decode(cursor.to_string()).unwrap();
            URL_SAFE_NO_PAD.encode(with_a_byte_changed(std::str::from_utf8(&plain).unwrap(), change))
        }),
        2 => coded(nearly.boxed()),
        1 => coded(any::<String>().boxed()),
        1 => any::<String>(),
    ];
    hold(texts, |text| {
        if let Ok(cursor) = Cursor::parse(&text) {
            prop_assert_eq!(cursor.to_string(), text.clone());
            prop_assert!((1970..=9999).contains(&cursor.at.year()));
        }
        if let Ok(name) = NameCursor::parse(&text) {
            prop_assert_eq!(name.to_string(), text);
            prop_assert!(!name.0.contains('\0'));
        }
        Ok(())
    });
}
