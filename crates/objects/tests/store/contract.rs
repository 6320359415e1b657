//! What everybody who keeps something in a store relies on.

use std::io;

use objects::{Key, Listed, ObjectError, Objects, Stored};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::StreamReader;

use crate::support::{folder, stream};

/// More than two parts, and not a whole number of them.
const LARGE: usize = (20 << 20) + 1;

pub async fn holds(store: &dyn Objects) {
    for _ in 0..2 {
        store.ensure_bucket().await.unwrap();
    }
    let folder = folder();
    let [empty, small, large] = ["empty", "small", "large"].map(|name| folder.child(name).unwrap());
    let bytes: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
    for (key, bytes) in [(&empty, &bytes[..0]), (&small, &bytes[..1000]), (&large, &bytes[..])] {
        for _ in 0..2 {
            let stored = store.put(key, stream(bytes)).await.unwrap();
            let sha256 = hex::encode(Sha256::digest(bytes));
            assert_eq!(stored, Stored { bytes: bytes.len() as u64, sha256 });
            assert!(read(store, key).await.unwrap() == bytes, "{key}");
        }
    }
    let listed = |key: &Key, bytes: usize| Listed { key: key.clone(), bytes: bytes as u64 };
    let all = [listed(&empty, 0), listed(&large, LARGE), listed(&small, 1000)];
    assert_eq!(store.list(&folder).await.unwrap(), all);
    is_replaced_and_goes(store, &folder, [&empty, &small, &large]).await;
}

async fn is_replaced_and_goes(store: &dyn Objects, folder: &Key, [empty, small, large]: [&Key; 3]) {
    store.put(small, stream("another")).await.unwrap();
    assert_eq!(read(store, small).await.unwrap(), b"another");
    // What only begins alike is not below it.
    let beside: Key = format!("{folder}-beside/x").parse().unwrap();
    store.put(&beside, stream("x")).await.unwrap();
    assert_eq!(store.list(folder).await.unwrap().len(), 3);
    for _ in 0..2 {
        store.remove(&[empty.clone(), small.clone(), large.clone(), beside.clone()]).await.unwrap();
    }
    store.remove(&[]).await.unwrap();
    assert_eq!(store.list(folder).await.unwrap(), []);
    let gone = store.get(small).await.err().unwrap();
    assert!(matches!(&gone, ObjectError::NotFound(key) if key == small), "{gone:?}");
}

async fn read(store: &dyn Objects, key: &Key) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    store.get(key).await.unwrap().read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// A source that fails at its very end leaves neither an object nor an upload, and what was there stays.
pub async fn leaves_nothing_of_what_failed(store: &dyn Objects) {
    let folder = folder();
    for (name, parts) in [("short", 1), ("long", 20)] {
        let key = folder.child(name).unwrap();
        store.put(&key, stream("former")).await.unwrap();
        let whole = (0..parts).map(|_| Ok(bytes::Bytes::from(vec![7; 1 << 20])));
        let broken = whole.chain([Err(io::Error::other("the dump was killed"))]);
        let source = Box::pin(StreamReader::new(futures::stream::iter(broken)));
        let failed = store.put(&key, source).await.unwrap_err();
        assert!(
            matches!(&failed, ObjectError::Source(cause) if cause.to_string().contains("killed")),
            "{failed:?}"
        );
        assert_eq!(read(store, &key).await.unwrap(), b"former");
        assert_eq!(store.unfinished(&folder).await.unwrap(), []);
        store.remove(&[key]).await.unwrap();
    }
}
