//! Questions to people, and their answers.

use axum::{Json, extract::State};
use bursar_domain::{
    index::Comparison,
    office::Task,
    row::{Kind, RowKey},
};
use bursar_office::Test;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::{Caller, Operator, Viewer},
    failure::Failure,
    request::{Body, Path, Query},
    resource::{Page, PageQuery, Resource, Tagged, Written},
    runs::Departments,
};

/// Most automations whose tasks one department's caller lists together.
const AUTOMATIONS_MAX: usize = bursar_domain::index::VALUES_MAX;

/// An answer to a task.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    /// The value of one of its choices.
    pub choice: String,
    /// Words to it; some choices need them. At most 16 KiB.
    #[serde(default)]
    pub note: String,
}

/// Which tasks to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct TasksQuery {
    /// Only those that are closed (true) or open (false).
    pub closed: Option<bool>,
    /// Only those of this automation.
    pub automation: Option<String>,
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// Tasks in view
#[utoipa::path(get, path = "/v1/tasks", tag = "tasks", params(TasksQuery), responses((status = 200, body = Page<Resource<Task>>)))]
pub(crate) async fn list_tasks(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Query(query): Query<TasksQuery>,
) -> Result<Json<Page<Resource<Task>>>, Failure> {
    let paging = PageQuery {
        limit: query.limit,
        after: query.after,
    }
    .paging()?;
    let automations = api.narrowed(&caller, query.automation).await?;
    let mut conditions = Vec::new();
    if let Some(automations) = automations {
        if automations.is_empty() {
            return Ok(Json(Page {
                items: Vec::new(),
                next: None,
            }));
        }
        if automations.len() > AUTOMATIONS_MAX {
            return Err(Failure::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "too-many",
                format!("the department has more than {AUTOMATIONS_MAX} automations"),
            )
            .hint("ask for the tasks of one: ?automation=NAME"));
        }
        let named = automations.into_iter();
        conditions.push(Test {
            field: "automation".to_owned(),
            comparison: Comparison::OneOf,
            values: named.map(Value::from).collect(),
        });
    }
    conditions.extend(query.closed.map(|closed| Test {
        field: "is-closed".to_owned(),
        comparison: Comparison::Equal,
        values: vec![Value::from(closed)],
    }));
    let mut session = api.reading(&caller.actor).await?;
    let listed = session
        .rows::<Task>(Kind::Task, &conditions, &paging)
        .await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// One task
#[utoipa::path(get, path = "/v1/tasks/{id}", tag = "tasks", params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Resource<Task>)))]
pub(crate) async fn get_task(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Tagged<Task>, Failure> {
    api.task(&caller, &id).await.map(Tagged)
}

/// Answer an open task
#[utoipa::path(post, path = "/v1/tasks/{id}/answer", tag = "tasks", params(("id" = String, Path, description = "The task")), request_body = NewAnswer, responses((status = 200, body = Resource<Task>)))]
pub(crate) async fn answer_task(
    Operator(caller): Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<NewAnswer>,
) -> Result<Written<Task>, Failure> {
    api.task(&caller, &id).await?;
    let key = RowKey::of(Kind::Task, &id);
    let (id, key, value, asked) = (&id, &key, &value, &asked);
    let changed = api
        .change(&caller, "answer-task", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.answer_task(id, &value.choice, &value.note).await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

impl Api {
    async fn task(&self, caller: &Caller, id: &str) -> Result<Resource<Task>, Failure> {
        let task: Resource<Task> = self.resource(&RowKey::of(Kind::Task, id)).await?;
        let department = Departments::default()
            .of(self, &task.body.automation)
            .await?;
        if caller.sees(&department) {
            Ok(task)
        } else {
            Err(Failure::absent("task", id))
        }
    }
}
