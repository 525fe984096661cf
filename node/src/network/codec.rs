//! Questions and answers on a stream: the encoded message, then the end of the stream.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use staffroom_protocol::sync::message::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, Request, Response};
use staffroom_protocol::wire;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ExchangeCodec;

/// A question, or none where what came is none: the library would not tell whose it was.
pub(super) type Question = Option<Request>;

impl Codec for ExchangeCodec {
    type Protocol = StreamProtocol;
    type Request = Question;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Question>
    where
        T: AsyncRead + Unpin + Send,
    {
        match read(io, MAX_REQUEST_BYTES).await {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            read => read.map(Some),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, MAX_RESPONSE_BYTES).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        question: Question,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &question).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response).await
    }
}

/// Reads to the end of the stream, and never more than one byte beyond `limit`, so that memory
/// follows what came and not what was announced.
async fn read<T: AsyncRead + Unpin + Send, M: DeserializeOwned>(
    io: &mut T,
    limit: usize,
) -> io::Result<M> {
    let mut bytes = Vec::new();
    io.take(limit as u64 + 1).read_to_end(&mut bytes).await?;
    wire::decode(&bytes, limit).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

async fn write<T: AsyncWrite + Unpin + Send, M: Serialize>(
    io: &mut T,
    message: &M,
) -> io::Result<()> {
    io.write_all(&wire::encode(message)).await?;
    io.close().await
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;
    use staffroom_protocol::hash::GroupId;

    use super::*;

    #[test]
    fn reads_what_was_written_and_stops_at_the_limit() {
        let request = Request::Holding { group: GroupId::from_bytes([1; 32]) };
        let mut sent = Cursor::new(Vec::new());
        block_on(write(&mut sent, &request)).unwrap();
        let mut received = Cursor::new(sent.into_inner());
        assert_eq!(block_on(read::<_, Request>(&mut received, 1_000)).unwrap(), request);
        let mut endless = futures::io::repeat(0x81);
        let error = block_on(read::<_, Request>(&mut endless, 1_000)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("1001 bytes are more than the limit of 1000"));
    }
}
