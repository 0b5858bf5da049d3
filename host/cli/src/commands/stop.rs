//! `bursar stop-all` and `bursar resume`.

use bursar_domain::office::Stop;
use serde_json::json;

use crate::{
    failure::Failure,
    output::{Style, print},
    place::Place,
};

pub async fn set(
    place: &Place,
    style: Style,
    stopped: bool,
    reason: String,
) -> Result<(), Failure> {
    let cause = if stopped { "stop-all" } else { "resume" };
    let stop = Stop { stopped, reason };
    let ((), seq) = place
        .change(cause, async |session| Ok(session.set_stop(&stop).await?))
        .await?;
    print(style, &json!({"stopped": stopped, "commit": seq}), |_| {
        let words = if stopped {
            "Everything is stopped: no run, no timer, no mail."
        } else {
            "Everything goes on."
        };
        words.to_owned()
    })
}
