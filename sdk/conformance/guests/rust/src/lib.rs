//! Makes the calls of a conformance case through the Rust SDK, and logs what each answers.
//!
//! Knows no case: calls and their arguments come with the run's input, or for a timer with the configuration. `calls` has a
//! word for each function, `arguments` reads what it is given, `answers` writes what came back, in the words that all
//! languages share. Entered by the host.

mod answers;
mod arguments;
mod calls;
mod references;

use bursar_sdk::{Error, Failure, Plugin, Problem, Run, Summary, log};
use serde_json::{Map, Value, json};

use arguments::Arguments;

struct Conformance;

bursar_sdk::plugin!(Conformance);

impl Plugin for Conformance {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let script: Map<String, Value> = match run.input()? {
            Some(input) => input,
            None => run.config()?,
        };
        let mut known = script.get("known").cloned().unwrap_or_else(|| json!({}));
        let calls = script.get("calls").and_then(Value::as_array);
        let calls = calls.ok_or_else(|| malformed("a case has calls"))?;
        let mut made = 0;
        for call in calls {
            if let Step::End(summary) = step(run, call, &mut known)? {
                return Ok(summary);
            }
            made += 1;
        }
        Ok(Summary::new("all calls were made").count("calls", made))
    }
}

/// What follows a call.
enum Step {
    Next,
    End(Summary),
}

fn step(run: &Run, call: &Value, known: &mut Value) -> Result<Step, Failure> {
    let call = Arguments::new(references::resolved(call, known)?)?;
    let word = call.text("call")?;
    if let Some(end) = word.strip_prefix("end.") {
        return end_of_run(end, &call).map(Step::End);
    }
    let answer = match made(run, word, &call, known) {
        Err(Ended::Refused(error)) if !call.has("uncaught") => error_of(&error),
        ended => ended?,
    };
    let name = call.find_text("as").unwrap_or(word);
    log::info(name, &[("answer", &answer.to_string())]);
    known[name] = answer;
    Ok(Step::Next)
}

/// Why a call has no answer.
enum Ended {
    /// The host refused it.
    Refused(Error),
    /// The case or the SDK ends the run.
    Failed(Failure),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Refused(error) => error.into(),
            Ended::Failed(failure) => failure,
        }
    }
}

fn made(run: &Run, word: &str, call: &Arguments, known: &Value) -> Result<Value, Ended> {
    match word {
        "context" => Ok(answers::context(run)),
        "many" => many(run, call, known),
        word => calls::make(word, call),
    }
}

/// The same call again and again, until the host refuses one; `${place}` in it counts.
fn many(run: &Run, many: &Arguments, known: &Value) -> Result<Value, Ended> {
    let times = many.number("times")?;
    let mut known = known.clone();
    let mut last = Value::Null;
    for place in 0..times {
        known["place"] = json!(place.to_string());
        let call = references::resolved(many.value("repeated")?, &known)?;
        let call = Arguments::new(call)?;
        last = made(run, call.text("call")?, &call, &known)?;
    }
    Ok(last)
}

fn end_of_run(end: &str, call: &Arguments) -> Result<Summary, Failure> {
    let problem = || -> Result<Problem, Failure> {
        let problem = Problem::new(call.text("code")?, call.text("message")?);
        Ok(problem.at(call.find_text("pointer").unwrap_or_default()))
    };
    match end {
        "summary" => {
            let summary = Summary::new(call.text("text")?);
            let counts = call.find_object("counts").into_iter().flatten();
            Ok(counts.fold(summary, |summary, (name, count)| {
                summary.count(name, count.as_u64().unwrap_or_default())
            }))
        }
        "retry" => Err(match call.find_number("after_seconds") {
            Some(seconds) => Failure::retry_after_seconds(problem()?, seconds),
            None => Failure::Retry(bursar_sdk::Later {
                problem: problem()?,
                after: None,
            }),
        }),
        "permanent" => Err(problem()?.into()),
        "fault" => panic!("a fault of the program"),
        other => Err(malformed(&format!("a run does not end with {other:?}"))),
    }
}

fn error_of(error: &Error) -> Value {
    let class = match error {
        Error::NotFound(_) => "not-found",
        Error::Conflict(_) => "conflict",
        Error::Denied(_) => "denied",
        Error::Invalid(_) => "invalid",
        Error::Limit(_) => "limit",
        Error::Other(_) => "other",
    };
    let problems: Vec<Value> = error
        .problems()
        .iter()
        .map(|one| json!({"code": one.code, "pointer": one.pointer, "message": one.message}))
        .collect();
    json!({"error": class, "problems": problems})
}

/// The case says what this program does not understand.
pub(crate) fn malformed(message: &str) -> Failure {
    Problem::new("case-malformed", message).into()
}
