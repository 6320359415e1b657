use std::collections::{BTreeMap, BTreeSet};

use time::macros::datetime;

use super::{
    super::{
        archive::{STRAND_KEY, STRAND_KEYS, Stored, WAL},
        lsn::{Lsn, Segment},
    },
    *,
};

const NOW: OffsetDateTime = datetime!(2026-11-28 12:00 UTC);

/// Strands that have these segments; the last number may be a part.
fn archive(strands: &[(&str, &[u64], Option<u64>)]) -> Archive {
    let lineage: Lineage = "1.16777216".parse().unwrap();
    let mut archive = Archive { strands: BTreeMap::new(), stored: Vec::new(), keys: Vec::new() };
    for (strand, whole, part) in strands {
        let folder = format!("{WAL}/{lineage}/{strand}");
        archive.strands.insert(folder.clone(), BTreeSet::from([STRAND_KEY.into(), STRAND_KEYS.into()]));
        archive.keys.extend([STRAND_KEY, STRAND_KEYS].map(|name| key(&format!("{folder}/{name}")).unwrap()));
        let all = whole.iter().map(|number| (*number, true)).chain(part.map(|number| (number, false)));
        for (number, is_whole) in all {
            let segment = Segment { timeline: 1, number };
            let bytes = lineage.segment_bytes;
            let end = if is_whole { bytes.end(segment) } else { Lsn(bytes.start(segment).0 + 8) };
            let name = Stored::name(lineage, segment, NOW, (!is_whole).then_some(end));
            let key = key(&format!("{folder}/{name}")).unwrap();
            archive.keys.push(key.clone());
            archive.stored.push(Stored { key, segment, at: NOW, end, is_whole });
        }
    }
    archive
}

fn names(goes: &[Key]) -> Vec<String> {
    goes.iter().map(|key| key.as_str().split('/').skip(3).collect::<Vec<_>>().join("/")).collect()
}

#[test]
fn what_a_kept_base_needs_stays_and_what_none_needs_goes_with_its_strand() {
    let (a, b, c) = ("20261101T000000Z-0a", "20261110T000000Z-0b", "20261128T110000Z-0c");
    let archive = archive(&[(a, &[1, 2], Some(3)), (b, &[3, 4], None), (c, &[], Some(5))]);
    let long_ago = NOW - EVERY;
    let goes = names(&superfluous(&archive, Some(4), true, long_ago));
    assert_eq!(goes.iter().filter(|name| name.starts_with(a)).count(), 5, "{goes:?}");
    assert_eq!(goes.iter().filter(|name| name.starts_with(b)).count(), 1, "{goes:?}");
    assert_eq!(goes.len(), 6, "{goes:?}");
    // Of one that needs everything, only the part goes of which there is more.
    let goes = names(&superfluous(&archive, Some(0), true, long_ago));
    assert_eq!(goes.len(), 1, "{goes:?}");
    assert!(goes[0].starts_with(a) && goes[0].ends_with(".partial.zst.age"));
    // A server that is no more, of which nothing is kept; and one of which there is nothing yet.
    assert_eq!(superfluous(&archive, None, false, long_ago).len(), archive.keys.len());
    assert_eq!(superfluous(&archive, None, true, long_ago).len(), 1);
}

#[test]
fn the_newest_strand_stays_though_it_has_nothing_yet() {
    let (a, b) = ("20261101T000000Z-0a", "20261102T000000Z-0b");
    let archive = archive(&[(a, &[1], None), (b, &[], None)]);
    let goes = names(&superfluous(&archive, Some(2), true, NOW - EVERY));
    assert_eq!(goes.len(), 3, "{goes:?}");
    assert!(goes.iter().all(|name| name.starts_with(a)));
}
