use time::{Duration, macros::datetime};

use super::*;

const FIRST: Segment = Segment { timeline: 1, number: 3 };

fn lineage() -> Lineage {
    "7713462204645109118.16777216".parse().unwrap()
}

fn listed(strand: &str, name: &str) -> Listed {
    Listed { key: format!("{WAL}/{}/{strand}/{name}", lineage()).parse().unwrap(), bytes: 10 }
}

fn at(minutes: i64) -> OffsetDateTime {
    datetime!(2026-11-28 01:00 UTC) + Duration::minutes(minutes)
}

fn of(number: u64, minutes: i64, offset: Option<u64>) -> String {
    let segment = Segment { timeline: 1, number };
    let end = offset.map(|offset| Lsn(lineage().segment_bytes.start(segment).0 + offset));
    Stored::name(lineage(), segment, at(minutes), end)
}

fn archive(objects: &[Listed]) -> Archive {
    lineages(objects).0.remove(&lineage()).unwrap()
}

#[test]
fn what_follows_without_a_gap_is_found_across_strands_and_a_part_only_at_its_end() {
    let (a, b) = ("20261128T010000Z-0a0a0a0a", "20261128T020000Z-0b0b0b0b");
    let keyed = |strand| listed(strand, STRAND_KEY);
    let mut objects = vec![keyed(a), keyed(b)];
    objects
        .extend([(3, 1, None), (4, 2, None), (5, 3, Some(0x100))].map(|(n, m, o)| listed(a, &of(n, m, o))));
    // The next one begins with the segment that the former has only a part of.
    objects.extend(
        [(5, 4, None), (6, 5, Some(0x200)), (6, 6, Some(0x300))].map(|(n, m, o)| listed(b, &of(n, m, o))),
    );
    let found = archive(&objects);
    let chain = found.chain(FIRST);
    let numbers: Vec<_> = chain.stored.iter().map(|it| (it.segment.number, it.is_whole)).collect();
    assert_eq!(numbers, [(3, true), (4, true), (5, true), (6, false)]);
    assert_eq!((chain.reach(), chain.end()), (Some(at(6)), Some(Lsn(0x600_0300))));
    assert_eq!(chain.beyond, None);
    let until: Vec<_> = chain.until(at(2)).stored.iter().map(|it| it.segment.number).collect();
    assert_eq!(until, [3, 4]);
    let old: Vec<_> = found.superseded().iter().map(|key| key.name().to_owned()).collect();
    assert_eq!(old, [of(5, 3, Some(0x100)), of(6, 5, Some(0x200))]);
    assert_eq!(found.chain(Segment { timeline: 2, number: 3 }), Chain::default());
    assert_eq!(found.chain(Segment { number: 2, ..FIRST }).stored, [], "what it begins with is missing");
}

#[test]
fn a_gap_and_a_strand_that_nobody_opens_end_it() {
    let (a, b) = ("20261128T010000Z-0a0a0a0a", "20261128T020000Z-0b0b0b0b");
    let mut objects = vec![listed(a, STRAND_KEY), listed(a, &of(3, 1, None)), listed(a, &of(5, 3, None))];
    let chain = archive(&objects).chain(FIRST);
    assert_eq!((chain.stored.len(), chain.beyond.map(|it| it.number)), (1, Some(5)));
    objects.push(listed(b, &of(4, 2, None)));
    assert_eq!(archive(&objects).chain(FIRST).stored.len(), 1);
    objects.push(listed(b, STRAND_KEY));
    assert_eq!(archive(&objects).chain(FIRST).stored.len(), 3);
    // A part in the middle is not gone past.
    let parts = [(3, 1, Some(0x100)), (4, 2, None)].map(|(n, m, o)| listed(a, &of(n, m, o)));
    let chain = archive(&[&parts[..], &[listed(a, STRAND_KEY)]].concat()).chain(FIRST);
    assert_eq!((chain.stored.len(), chain.beyond.map(|it| it.number)), (1, Some(4)));
}

#[test]
fn what_is_called_otherwise_is_left_alone() {
    let names = [
        "000000010000000000000003.zst.age",
        "x",
        "000000010000000000000003-20261128T010000Z-zz.partial.zst.age",
    ];
    let objects: Vec<_> = names.iter().map(|name| listed("20261128T010000Z-0a0a0a0a", name)).collect();
    assert_eq!(archive(&objects).stored, []);
    let foreign = Listed { key: format!("{WAL}/somebody/else/x").parse().unwrap(), bytes: 1 };
    assert_eq!(lineages(&[foreign]), Lineages::default());
}
