//! Frames: a length of four bytes, the largest first, and so many bytes. An empty frame says "still at it".

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The most bytes of a frame: room for the largest component and for a whole execution.
pub(crate) const FRAME_BYTES_MAX: usize = 256 << 20;

/// Reads a frame of at most so many bytes; `None` when nothing comes any more.
///
/// Not safe to give up in the middle: the connection is of no use after that.
pub(crate) async fn read(reader: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if reader.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut length[1..]).await?;
    let length = u32::from_be_bytes(length);
    if length as usize > most {
        return Err(invalid(format!("a frame of {length} bytes, and {most} are allowed")));
    }
    // Grows with what comes, not with what was announced.
    let mut bytes = Vec::new();
    reader.take(u64::from(length)).read_to_end(&mut bytes).await?;
    if bytes.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

/// Writes a frame.
pub(crate) async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(invalid(format!(
            "{} bytes do not fit a frame of {FRAME_BYTES_MAX}",
            bytes.len()
        )));
    }
    let length = u32::try_from(bytes.len()).expect("the limit is below four gigabytes");
    writer.write_all(&length.to_be_bytes()).await?;
    writer.write_all(bytes).await?;
    writer.flush().await
}

/// The bytes of a message: MessagePack with names, which keeps numbers as they are.
pub(crate) fn encode(message: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(message).expect("messages are made of types that serialise")
}

/// The message of these bytes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    rmp_serde::from_slice(bytes).map_err(|error| invalid(error.to_string()))
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_frame_is_an_error_and_an_end_is_an_end() {
        let mut sent = Vec::new();
        write(&mut sent, b"abc").await.unwrap();
        assert_eq!(read(&mut &sent[..], 3).await.unwrap().unwrap(), b"abc");
        assert!(read(&mut &sent[..], 2).await.is_err(), "too long");
        assert!(read(&mut &sent[..2], 3).await.is_err(), "half a length");
        assert!(read(&mut &sent[..6], 3).await.is_err(), "half a frame");
        assert!(read(&mut &sent[..0], 3).await.unwrap().is_none());
    }
}
