//! `bursar stop-all` and `bursar resume`.

use bursar_domain::office::Stop;
use serde_json::json;

use crate::{
    failure::Failure,
    output::{Style, print},
    place::Place,
};

pub async fn set(place: &Place, style: Style, stop: Stop) -> Result<(), Failure> {
    let (cause, words) = if stop.stopped {
        (
            "stop-all",
            "Everything is stopped: no run, no timer, no mail.",
        )
    } else {
        ("resume", "Everything goes on.")
    };
    let ((), seq) = place
        .change(cause, async |session| Ok(session.set_stop(&stop).await?))
        .await?;
    let shown = json!({"stopped": stop.stopped, "commit": seq});
    print(style, &shown, |_| words.to_owned())
}
