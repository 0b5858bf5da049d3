//! What no decent client sends: bytes on a socket.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use ureq::http::{HeaderMap, HeaderName, HeaderValue};

use super::{Reply, World};

/// Longest wait for what comes next.
const READ_MAX: Duration = Duration::from_mins(1);

impl World {
    /// A connection of one's own.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).expect("the server accepts");
        stream
            .set_read_timeout(Some(READ_MAX))
            .expect("a time limit");
        stream
    }

    /// Sends bytes, and reads all that comes until the server closes; none if it closes without an answer.
    pub fn talk(&self, words: &[u8]) -> Option<Reply> {
        let mut stream = self.connect();
        // It may have heard enough before the end.
        let _ = stream.write_all(words);
        answer(&mut stream)
    }

    /// A request's first lines as the administrator writes them, up to the empty line, which is left out.
    pub fn lines(&self, request: &str) -> String {
        let (address, token) = (self.address(), &self.admin.text);
        format!(
            "{request} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n"
        )
    }
}

/// Reads one answer up to the connection's end.
pub fn answer(stream: &mut TcpStream) -> Option<Reply> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("no answer in time: {error}"),
    }
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).expect("headers are text");
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a header");
        let name: HeaderName = name.parse().expect("a header's name");
        headers.append(
            name,
            HeaderValue::from_str(value).expect("a header's value"),
        );
    }
    Some(Reply {
        status,
        headers,
        body: bytes.get(end + 4..)?.to_vec(),
    })
}
