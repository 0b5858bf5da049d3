//! `bursar stop-all` and `bursar resume`.

use bursar_api::Resource;
use bursar_domain::office::Stop;
use http::Method;
use serde_json::json;

use crate::{
    client::Client,
    failure::Failure,
    output::{Style, print},
};

pub async fn set(client: &Client, style: Style, stop: &Stop) -> Result<(), Failure> {
    let words = if stop.stopped {
        "Everything is stopped: no run, no timer, no mail."
    } else {
        "Everything goes on."
    };
    let answer = client
        .send::<Resource<Stop>>(Method::PUT, "/v1/stop", stop)
        .await?;
    let shown = json!({"stopped": stop.stopped, "commit": answer.commit});
    print(style, &shown, |_| words.to_owned())
}
