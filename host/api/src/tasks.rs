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
    request::{Asked, Body, Path, Query},
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

/// Why a task is taken back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawal {
    /// In plain words, at most 16 KiB.
    pub reason: String,
}

/// Whom a task is handed to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssignment {
    /// "role:NAME" or "person:ID".
    pub assignee: String,
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
    /// Only those for this assignee: "role:NAME" or "person:ID".
    pub assignee: Option<String>,
    /// Only those whose answer was due before this instant, in microseconds UTC.
    pub due_before_us: Option<i64>,
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
    let test = |field: &str, comparison, values| Test {
        field: field.to_owned(),
        comparison,
        values,
    };
    let equal = |field, value: Value| test(field, Comparison::Equal, vec![value]);
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
        let named = automations.into_iter().map(Value::from).collect();
        conditions.push(test("automation", Comparison::OneOf, named));
    }
    conditions.extend(query.closed.map(|it| equal("is-closed", it.into())));
    conditions.extend(query.assignee.map(|it| equal("assignee", it.into())));
    let due = query.due_before_us;
    conditions.extend(due.map(|it| test("due", Comparison::Less, vec![it.into()])));
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

/// What a person does with a task.
enum Step {
    Answer(NewAnswer),
    Withdraw(NewWithdrawal),
    Assign(NewAssignment),
}

/// Answer an open task
#[utoipa::path(post, path = "/v1/tasks/{id}/answer", tag = "tasks", params(("id" = String, Path, description = "The task")), request_body = NewAnswer, responses((status = 200, body = Resource<Task>)))]
pub(crate) async fn answer_task(
    Operator(caller): Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<NewAnswer>,
) -> Result<Written<Task>, Failure> {
    api.step_task(&caller, &id, &Step::Answer(value), &asked)
        .await
}

/// Take an open task back: nobody answers it any more
#[utoipa::path(post, path = "/v1/tasks/{id}/withdraw", tag = "tasks", params(("id" = String, Path, description = "The task")), request_body = NewWithdrawal, responses((status = 200, body = Resource<Task>)))]
pub(crate) async fn withdraw_task(
    Operator(caller): Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<NewWithdrawal>,
) -> Result<Written<Task>, Failure> {
    api.step_task(&caller, &id, &Step::Withdraw(value), &asked)
        .await
}

/// Hand an open task to somebody else
#[utoipa::path(post, path = "/v1/tasks/{id}/assign", tag = "tasks", params(("id" = String, Path, description = "The task")), request_body = NewAssignment, responses((status = 200, body = Resource<Task>)))]
pub(crate) async fn assign_task(
    Operator(caller): Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<NewAssignment>,
) -> Result<Written<Task>, Failure> {
    api.step_task(&caller, &id, &Step::Assign(value), &asked)
        .await
}

impl Api {
    async fn step_task(
        &self,
        caller: &Caller,
        id: &str,
        step: &Step,
        asked: &Asked,
    ) -> Result<Written<Task>, Failure> {
        self.task(caller, id).await?;
        let cause = match step {
            Step::Answer(_) => "answer-task",
            Step::Withdraw(_) => "withdraw-task",
            Step::Assign(_) => "assign-task",
        };
        let key = &RowKey::of(Kind::Task, id);
        let changed = self
            .change(caller, cause, asked, |mut session| async move {
                session.expect(key, &asked.expected).await?;
                match step {
                    Step::Answer(it) => {
                        session.answer_task(id, &it.choice, &it.note).await?;
                    }
                    Step::Withdraw(it) => session.withdraw_task(id, &it.reason).await?,
                    Step::Assign(it) => session.assign_task(id, &it.assignee).await?,
                }
                Ok((session, key.clone()))
            })
            .await?;
        self.written(changed).await
    }

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
