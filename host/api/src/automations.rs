//! Automations: enabled for a department, previewed, started.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_db::RunRecord;
use bursar_domain::{
    access::Action,
    index::Comparison,
    manifest::Grant,
    office::{Automation, LegalEntity, Mode, Plugin},
    problem::Problem,
    row::{Kind, Row, RowKey},
    run::{Event, LogLine, Outcome, QueuedRun, Trigger, Usage},
};
use bursar_office::{
    Paging, Session, Test, View,
    describe::{RowDiff, veiled},
    run_id,
};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    Api,
    caller::{Caller, Manager, Named, Operator, RowPath, Viewer},
    failure::Failure,
    jobs::WaitQuery,
    request::{Body, Path, Query, shaped},
    resource::{Page, PageQuery, Resource, Tagged, Written, commit},
    runs::{NewRun, Run},
    upgrades::{of_plugin, unapproved},
};

/// What an automation is to be. What is left out is taken from the plugin's manifest.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAutomation {
    /// The plugin: a version's digest, or a name for its version that was installed last.
    pub plugin: String,
    /// The department it works for.
    pub department: String,
    /// The legal entity whose business dates, sender and accounts it uses; may be left out if there is only one.
    #[serde(default)]
    pub legal_entity: Option<String>,
    /// Valid under the manifest's configuration schema.
    #[serde(default = "empty")]
    pub config: Value,
    /// What is granted: the manifest's permissions or less, and no more than the department's ceiling. Unless given, what is
    /// granted stays, and of an automation that is new all of them are. Each may have a note, and an end.
    #[serde(default)]
    pub grants: Option<Vec<Grant>>,
    /// What happens with its change sets.
    #[serde(default)]
    pub mode: Mode,
    /// Off: no run is claimed and no timer fires.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

fn empty() -> Value {
    json!({})
}

fn enabled() -> bool {
    true
}

/// What starts a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Name of the event: the same one is run once. A new one unless given.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub event: Option<String>,
    /// Valid under the manifest's input schema.
    #[serde(default = "empty")]
    pub input: Value,
    /// Rows it is about, as "collection/id", "invoice/id", "document/id".
    #[serde(default)]
    pub subjects: Vec<String>,
}

/// What a run would do now. Nothing was changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The automation.
    pub automation: String,
    /// The event that was previewed: started under the same name, the run has the same ids.
    pub event: String,
    /// How it would end.
    pub outcome: Outcome,
    /// What it would change, row by row.
    pub rows: Vec<RowDiff>,
    /// What it said.
    pub logs: Vec<LogLine>,
    /// What it used.
    pub usage: Usage,
}

/// Automations in view
#[utoipa::path(get, path = "/v1/automations", tag = "automations", params(PageQuery), responses((status = 200, body = Page<Resource<Automation>>)))]
pub(crate) async fn list_automations(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Resource<Automation>>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let conditions = in_view(&caller);
    let listed = session
        .rows::<Automation>(Kind::Automation, &conditions, &page.paging()?)
        .await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// One automation
#[utoipa::path(get, path = "/v1/automations/{id}", tag = "automations", params(("id" = String, Path, description = "Its name")), responses((status = 200, body = Resource<Automation>)))]
pub(crate) async fn get_automation(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Tagged<Automation>, Failure> {
    api.automation(&caller, &id).await.map(Tagged)
}

/// Enable an automation, or change one
#[utoipa::path(put, path = "/v1/automations/{id}", tag = "automations", params(("id" = String, Path, description = "Its name: lower-case letters, digits and hyphens")), request_body = NewAutomation, responses((status = 200, body = Resource<Automation>)))]
pub(crate) async fn put_automation(
    Manager(caller): Manager,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<NewAutomation>,
) -> Result<Written<Automation>, Failure> {
    let key = RowKey::of(Kind::Automation, &id);
    let (id, key, value, asked, caller) = (&id, &key, &value, &asked, &caller);
    let changed = api
        .change(
            caller,
            "enable-automation",
            asked,
            |mut session| async move {
                let before = in_department(&mut session, caller, id).await?;
                session.expect(key, &asked.expected).await?;
                let automation = complete(&mut session, value, before.as_ref()).await?;
                may_manage(&mut session, caller, before.as_ref(), &automation).await?;
                session.enable_automation(id, &automation).await?;
                Ok((session, key.clone()))
            },
        )
        .await?;
    api.written(changed).await
}

/// Change parts of an automation
///
/// A merge patch (RFC 7386) of some of its members: `{"enabled": false}` turns it off.
#[utoipa::path(patch, path = "/v1/automations/{id}", tag = "automations", params(("id" = String, Path, description = "Its name")), request_body = Object, responses((status = 200, body = Resource<Automation>)))]
pub(crate) async fn patch_automation(
    Manager(caller): Manager,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<serde_json::Map<String, Value>>,
) -> Result<Written<Automation>, Failure> {
    // Its shape is checked before anything is done; the row that it is merged into may be another at each try.
    let now = api.automation(&caller, &id).await?;
    merged(&now.body, &value)?;
    let key = RowKey::of(Kind::Automation, &id);
    let (id, key, value, asked, caller) = (&id, &key, &value, &asked, &caller);
    let changed = api
        .change(
            caller,
            "change-automation",
            asked,
            |mut session| async move {
                session.expect(key, &asked.expected).await?;
                let there = in_department(&mut session, caller, id).await?;
                let there = there.ok_or_else(unshaped)?;
                let automation = merged(&there, value).map_err(|_| unshaped())?;
                may_manage(&mut session, caller, Some(&there), &automation).await?;
                session.enable_automation(id, &automation).await?;
                Ok((session, key.clone()))
            },
        )
        .await?;
    api.written(changed).await
}

/// The automation of that name; one of another department is not there, and its name is taken.
pub(crate) async fn in_department(
    session: &mut Session,
    caller: &Caller,
    id: &str,
) -> Result<Option<Automation>, bursar_office::Error> {
    match session.automation(id).await {
        Ok(there) if caller.sees(&there.body.department) => Ok(Some(there.body)),
        Ok(_) => {
            let taken = Problem::new("name-taken", format!("the name {id:?} is taken"));
            Err(bursar_office::Error::Conflict(taken))
        }
        Err(bursar_office::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whoever manages one department enables automations there, as far as its ceiling says how much that may be, and turns
/// off any.
pub(crate) async fn may_manage(
    session: &mut Session,
    caller: &Caller,
    before: Option<&Automation>,
    automation: &Automation,
) -> Result<(), bursar_office::Error> {
    let Some(own) = &caller.department else {
        return Ok(());
    };
    if automation.department != *own {
        let message = format!("your department is {own:?}");
        return Err(Problem::at("other-department", "/department", message).into());
    }
    if before.is_some_and(|before| automation.only_turns_off(before)) {
        return Ok(());
    }
    if session.department(own).await?.body.ceiling.is_none() {
        return Err(bursar_office::Error::Denied(Problem::new(
            "no-ceiling",
            "the department has no ceiling: an administrator sets one before managers may grant",
        )));
    }
    Ok(())
}

fn unshaped() -> bursar_office::Error {
    Problem::new(
        "wrong-type",
        "the patch does not fit the automation any more",
    )
    .into()
}

fn merged(
    automation: &Automation,
    patch: &serde_json::Map<String, Value>,
) -> Result<Automation, Failure> {
    let mut body = serde_json::to_value(automation).map_err(Failure::host)?;
    let known = body
        .as_object_mut()
        .ok_or_else(|| Failure::host("not an object"))?;
    for (name, value) in patch {
        if !known.contains_key(name) {
            return Err(Failure::invalid(vec![Problem::at(
                "unknown-field",
                format!("/{name}"),
                format!("unknown field `{name}`"),
            )]));
        }
        if let Some(there) = known.get_mut(name) {
            bursar_office::merge_patch(there, value);
        }
    }
    shaped(body)
}

/// Show what a run would do, and change nothing
#[utoipa::path(post, path = "/v1/automations/{id}/previews", tag = "automations", params(("id" = String, Path, description = "The automation")), request_body = Start, responses((status = 200, body = Preview)))]
pub(crate) async fn preview(
    Operator(caller): Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, .. }: Body<Start>,
) -> Result<Json<Preview>, Failure> {
    api.automation(&caller, &id).await?;
    let event = api.event(&caller, value).await?;
    let previewed = api.worker()?.preview(&id, &event).await?;
    let rows = veiled(api.database(), previewed.rows, caller.role.clearance()).await?;
    Ok(Json(Preview {
        automation: id,
        event: event.id,
        outcome: previewed.report.outcome,
        rows,
        logs: previewed.report.logs,
        usage: previewed.report.usage,
    }))
}

/// Start a run
///
/// The answer is 202 as long as the run has not ended, 200 once it has: `wait_ms` waits for it. The same event again
/// gives the same run.
#[utoipa::path(
    post, path = "/v1/automations/{id}/runs", tag = "automations",
    params(("id" = String, Path, description = "The automation"), WaitQuery), request_body = Start,
    responses((status = 200, body = crate::runs::Run), (status = 202, body = crate::runs::Run, headers(("location" = String, description = "The run"))))
)]
pub(crate) async fn start_run(
    Named { caller, row, .. }: Named<StartPath>,
    State(api): State<Api>,
    Query(wait): Query<WaitQuery>,
    Body { value, asked }: Body<Start>,
) -> Result<Response, Failure> {
    let asked = asked.unconditional()?;
    let wait = wait.wait()?;
    let event = api.event(&caller, value).await?;
    let automation: Automation = row.decode().map_err(bursar_office::Error::from)?;
    let (id, event) = (&row.key.id, &event);
    let run = run_id(id, &event.id);
    let rows = &[
        row.key.clone(),
        RowKey::of(Kind::Plugin, &automation.plugin),
        RowKey::of(Kind::Run, &run),
    ];
    // From before the commit on: the run may have ended when that is answered.
    let end = api.database().end_of(&run);
    let changed = api
        .change(&caller, "start-run", &asked, |mut session| async move {
            session.read_ahead(rows).await?;
            let run = session.enqueue(id, event).await?;
            Ok((session, RowKey::of(Kind::Run, &run)))
        })
        .await?;
    let queued = QueuedRun {
        automation: id.to_string(),
        event: event.clone(),
    };
    let new = changed.seq.filter(|_| changed.is_new);
    let new = new.map(|seq| NewRun { end, seq, queued });
    let record = api.run_ended(&changed.key.id, new, wait).await?;
    let status = if has_ended(&record) {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let place = [(header::LOCATION, format!("/v1/runs/{}", record.id))];
    let run = Run::of(record, &automation.department);
    let mut response = (status, place, Json(run)).into_response();
    response.headers_mut().extend(commit(changed.seq));
    Ok(response)
}

/// The path of an automation that is to be run.
#[derive(Debug, Deserialize)]
pub(crate) struct StartPath {
    id: String,
}

impl RowPath for StartPath {
    const ACTION: Action = Action::Operate;

    fn key(self) -> RowKey {
        RowKey::of(Kind::Automation, &self.id)
    }

    fn is_seen(caller: &Caller, row: &Row) -> Result<bool, Failure> {
        let automation: Automation = row.decode().map_err(bursar_office::Error::from)?;
        Ok(caller.sees(&automation.department))
    }
}

pub(crate) fn has_ended(record: &RunRecord) -> bool {
    use bursar_db::RunState;
    !matches!(record.state, RunState::Queued | RunState::Running)
}

/// The conditions that a listing of automations gets by its caller.
pub(crate) fn in_view(caller: &Caller) -> Vec<Test> {
    caller
        .department
        .iter()
        .map(|department| Test {
            field: "department".to_owned(),
            comparison: Comparison::Equal,
            values: vec![Value::from(department.as_str())],
        })
        .collect()
}

impl Api {
    /// An automation in a caller's view; one of another department is not there.
    pub(crate) async fn automation(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Resource<Automation>, Failure> {
        let automation: Resource<Automation> =
            self.resource(&RowKey::of(Kind::Automation, id)).await?;
        if caller.sees(&automation.body.department) {
            Ok(automation)
        } else {
            Err(Failure::absent("automation", id))
        }
    }

    /// The automations in a caller's view by id, with their departments; none at all means every one.
    pub(crate) async fn own_automations(
        &self,
        caller: &Caller,
    ) -> Result<Option<Vec<String>>, Failure> {
        if caller.department.is_none() {
            return Ok(None);
        }
        let mut session = self.reading(&caller.actor).await?;
        let conditions = in_view(caller);
        let own = session.every::<Automation>(Kind::Automation, &conditions);
        let own = own.await?.into_iter().map(|view| view.id.to_string());
        Ok(Some(own.collect()))
    }

    /// The automations that a list is of: those asked for, as far as they are in view; none means every one.
    pub(crate) async fn narrowed(
        &self,
        caller: &Caller,
        asked: Option<String>,
    ) -> Result<Option<Vec<String>>, Failure> {
        let own = self.own_automations(caller).await?;
        Ok(match (own, asked) {
            (None, asked) => asked.map(|asked| vec![asked]),
            (Some(own), None) => Some(own),
            (Some(own), Some(asked)) => Some(own.into_iter().filter(|id| *id == asked).collect()),
        })
    }

    /// The event of a manual start.
    async fn event(&self, caller: &Caller, start: Start) -> Result<Event, Failure> {
        Ok(Event {
            id: start
                .event
                .unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
            source: "manual".to_owned(),
            event_type: "manual.started".to_owned(),
            time_us: self.database().now_us().await?,
            actor: caller.actor.clone(),
            depth: 0,
            trigger: Trigger::Manual {
                input: start.input,
                subjects: start.subjects,
            },
        })
    }
}

/// The automation that is asked for, with what its author and the organisation leave no choice in. What is granted stays as it
/// is unless it is said; of another version of the plugin, as far as an upgrade lets it.
pub(crate) async fn complete(
    session: &mut Session,
    new: &NewAutomation,
    before: Option<&Automation>,
) -> Result<Automation, bursar_office::Error> {
    let (plugin, body) = find_plugin(session, &new.plugin).await?;
    let legal_entity = match &new.legal_entity {
        Some(entity) => entity.clone(),
        None => only_entity(session).await?,
    };
    let asks = body.manifest.permissions.iter();
    let grants = match (&new.grants, before) {
        (Some(grants), _) => grants.clone(),
        (None, Some(before)) if before.plugin == plugin => before.grants.clone(),
        (None, Some(before)) => {
            let from = session.plugin(&before.plugin).await?.body.manifest;
            if of_plugin(&from) == of_plugin(&body.manifest) {
                unapproved(&from, &body.manifest, &before.grants)?
            } else {
                asks.map(|ask| Grant::from(ask.permission.clone()))
                    .collect()
            }
        }
        (None, None) => asks
            .map(|ask| Grant::from(ask.permission.clone()))
            .collect(),
    };
    Ok(Automation {
        plugin,
        department: new.department.clone(),
        legal_entity,
        config: new.config.clone(),
        grants,
        mode: new.mode,
        enabled: new.enabled,
    })
}

/// By digest, or the version of that name that was installed last.
async fn find_plugin(
    session: &mut Session,
    name: &str,
) -> Result<(String, Plugin), bursar_office::Error> {
    let is_digest = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
    if is_digest {
        let plugin = session.plugin(name).await?;
        return Ok((name.to_owned(), plugin.body));
    }
    let plugins = session.every::<Plugin>(Kind::Plugin, &[]).await?;
    let named = plugins
        .into_iter()
        .filter(|view| view.body.manifest.name == name);
    let newest = named.max_by(|one, other| {
        let age = |view: &View<Plugin>| (view.created_us, view.id.clone());
        age(one).cmp(&age(other))
    });
    newest
        .map(|view| (view.id.to_string(), view.body))
        .ok_or_else(|| {
            Problem::at("unknown", "/plugin", format!("there is no plugin {name:?}")).into()
        })
}

async fn only_entity(session: &mut Session) -> Result<String, bursar_office::Error> {
    let paging = Paging {
        limit: 20,
        after: None,
    };
    let listed = session
        .rows::<LegalEntity>(Kind::Entity, &[], &paging)
        .await?;
    match listed.items.as_slice() {
        [view] => Ok(view.id.to_string()),
        views => {
            let names: Vec<String> = views.iter().map(|view| view.id.to_string()).collect();
            let message = format!(
                "say which legal entity the automation works for: {}",
                names.join(", ")
            );
            Err(Problem::at("missing-field", "/legal_entity", message).into())
        }
    }
}
