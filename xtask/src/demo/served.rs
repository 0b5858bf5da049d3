//! The demo's end: its data folder is served, and whoever watches gets a token and a few requests to try.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;

use anyhow::{Context, Result};

use super::Demo;
use crate::foreground::Foreground;

/// Where a host listens unless it is told otherwise.
const PORT: u16 = 8080;

/// Makes a token, says what to try, and serves until this process is told to stop.
pub fn serve(demo: &Demo, foreground: &mut Foreground) -> Result<()> {
    let made = demo
        .bursar
        .call(&["token", "create", "--name", "The demo's audience"])?;
    let token = made["body"]["token"]
        .as_str()
        .context("a token has a text")?;
    let address = address()?;
    eprint!("{}", invitation(&address, token));
    let mut serve = Command::new(&demo.bursar.program);
    serve.arg("--folder").arg(&demo.bursar.folder).args([
        "--listen",
        &address.to_string(),
        "serve",
    ]);
    foreground.run(&mut serve)?;
    Ok(())
}

/// The usual address, or a free one if somebody else listens there.
fn address() -> Result<SocketAddr> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    if TcpListener::bind(usual).is_ok() {
        return Ok(usual);
    }
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    eprintln!("Somebody listens on {usual} already: another port is taken.");
    Ok(free.local_addr()?)
}

fn invitation(address: &SocketAddr, token: &str) -> String {
    format!(
        r"
Admin token: {token}

Try in another terminal:

    curl -H 'Authorization: Bearer {token}' 'http://{address}/v1/status'
    curl -H 'Authorization: Bearer {token}' 'http://{address}/v1/runs?limit=3'
    curl -H 'Authorization: Bearer {token}' 'http://{address}/v1/tasks?closed=false&limit=3'

Everything else is in http://{address}/openapi.json. Ctrl-C ends the demo.

"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invitation_holds_three_requests_with_the_token_and_the_address() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 18080));
        let text = invitation(&address, "bursar_0_1");
        let requests: Vec<&str> = text
            .lines()
            .filter(|line| line.trim_start().starts_with("curl "))
            .collect();
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert!(request.contains("Bearer bursar_0_1'"), "{request}");
            assert!(request.contains("'http://127.0.0.1:18080/v1/"), "{request}");
        }
    }
}
