//! Postgres' protocol, cut into its messages: a letter, a length that counts itself, and so many bytes.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes that came, and the whole messages in them.
#[derive(Default)]
pub struct Frames(BytesMut);

impl Frames {
    /// Waits for more bytes; `false` at the end.
    pub async fn fill(&mut self, from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<bool> {
        Ok(from.read_buf(&mut self.0).await? > 0)
    }

    /// The next whole message, its letter and length included.
    pub fn next(&mut self) -> Option<Bytes> {
        let mut length = self.0.get(1..5)?;
        let whole = 1 + length.get_u32() as usize;
        (self.0.len() >= whole).then(|| self.0.split_to(whole).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_whole_however_they_arrive() {
        let mut frames = Frames::default();
        let bytes = [&b"Z\0\0\0\x05I"[..], b"C\0\0\0\x08ab", b"c\0Z"].map(<[u8]>::to_vec);
        let mut seen = Vec::new();
        for part in bytes {
            frames.fill(&mut part.as_slice()).await.unwrap();
            while let Some(frame) = frames.next() {
                seen.push(frame.to_vec());
            }
        }
        assert_eq!(seen, [&b"Z\0\0\0\x05I"[..], b"C\0\0\0\x08abc\0"]);
        assert!(!frames.fill(&mut &b""[..]).await.unwrap());
    }
}
