//! The auditor's questions: what an automation may do, or would; who may do something; what changed in that.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_domain::{
    audit::{
        Difference, Holder, HolderKind, Question, RiskLevel, Standing, Withheld, Worth,
        of_automation, standings, withheld,
    },
    invoice::Flow,
    manifest::{
        CalendarOperation, InvoiceOperation, Manifest, PERMISSIONS_MAX, Permission,
        RecordOperation, is_within,
    },
    office::Automation,
    problem::Problem,
    row::Seq,
    time::rfc3339,
};
use bursar_office::{
    Error, Session,
    audit::{PermissionChange, Reach, holders, permission_changes, reaches},
    export::csv_of,
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    automations::{NewAutomation, complete, in_department, may_manage},
    caller::{Auditor, Caller, Manager, Viewer},
    failure::Failure,
    imports::CSV,
    request::{Body, Path, Query},
    resource::{Page, behind, limit},
};

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerFormat {
    /// JSON, with everything.
    #[default]
    Json,
    /// A table with a header row, RFC 4180.
    Csv,
}

/// How to answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FormatQuery {
    /// json unless given.
    #[param(inline)]
    pub format: AnswerFormat,
}

/// Who may do what: one of `collection`, `flow`, `calendar`, `folder`, `mail_to` and `task_role`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AccessQuery {
    /// Records of this collection.
    pub collection: Option<String>,
    /// This member of the records; any unless given.
    pub field: Option<String>,
    /// Invoices and payments: receivable or payable.
    pub flow: Option<String>,
    /// Entries of this calendar.
    pub calendar: Option<String>,
    /// Documents of this folder.
    pub folder: Option<String>,
    /// Mail to this address.
    pub mail_to: Option<String>,
    /// Tasks for this role.
    pub task_role: Option<String>,
    /// What is done, as grants name it: read unless given.
    pub operation: Option<String>,
    /// json unless given.
    #[param(inline)]
    pub format: AnswerFormat,
}

/// Which changes of permissions to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// From this instant on, in microseconds UTC; from the first one unless given.
    pub since_us: i64,
    /// Most changes, 1 to 1000, 100 unless given; those of one commit stay together.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// json unless given. A table that is not all of it names the next one in its `link` header (RFC 8288).
    #[param(inline)]
    pub format: AnswerFormat,
}

/// A grant as it stands, and how much it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GrantShown {
    /// The grant, and what it is worth.
    #[serde(flatten)]
    pub standing: Standing,
    /// What it reaches today.
    pub reach: Reach,
}

/// What an automation may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AutomationPermissions {
    /// The automation.
    pub automation: String,
    /// Where it works.
    pub department: String,
    /// Off: it does nothing of it.
    pub enabled: bool,
    /// Its plugin version is kept from running.
    pub quarantined: bool,
    /// Digest of the plugin version.
    pub plugin: String,
    /// The plugin's name.
    pub plugin_name: String,
    /// Its version.
    pub version: String,
    /// Who stands for it.
    pub publisher: String,
    /// What was granted.
    pub grants: Vec<GrantShown>,
    /// What the plugin asks for and was not granted.
    pub withheld: Vec<Withheld>,
}

/// What whoever enables an automation says yes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Consent {
    /// What it would be allowed.
    pub permissions: AutomationPermissions,
    /// What of it is not so now.
    pub difference: Difference,
    /// Why it would be refused; none if it would not.
    pub problems: Vec<Problem>,
}

/// One line of a table that people and spreadsheets read.
pub trait TableRow {
    /// What the columns are called.
    const HEADINGS: &'static [&'static str];

    /// What the line says.
    fn cells(&self) -> Vec<String>;
}

impl TableRow for GrantShown {
    const HEADINGS: &'static [&'static str] = &[
        "permission",
        "worth",
        "holds",
        "risk",
        "risks",
        "reach",
        "reason",
        "note",
        "expires",
    ];

    fn cells(&self) -> Vec<String> {
        let Standing {
            grant,
            words,
            reason,
            worth,
            effective,
            risk,
        } = &self.standing;
        let holds = match worth {
            Worth::Whole => words.clone(),
            _ => effective
                .iter()
                .map(Permission::in_words)
                .collect::<Vec<_>>()
                .join("; "),
        };
        vec![
            words.clone(),
            named(worth),
            holds,
            named::<RiskLevel>(&risk.level),
            risk.reasons.join("; "),
            self.reach.in_words().unwrap_or_default(),
            reason.clone(),
            grant.note.clone(),
            grant.expires_us.map(rfc3339).unwrap_or_default(),
        ]
    }
}

impl TableRow for Holder {
    const HEADINGS: &'static [&'static str] = &[
        "kind",
        "id",
        "name",
        "department",
        "state",
        "by",
        "note",
        "expires",
    ];

    fn cells(&self) -> Vec<String> {
        let state = if self.enabled { "on" } else { "off" };
        vec![
            named::<HolderKind>(&self.kind),
            self.id.clone(),
            self.name.clone(),
            self.department.clone().unwrap_or_default(),
            state.to_owned(),
            self.by.clone(),
            self.note.clone(),
            self.expires_us.map(rfc3339).unwrap_or_default(),
        ]
    }
}

impl TableRow for PermissionChange {
    const HEADINGS: &'static [&'static str] =
        &["commit", "at", "who", "how", "of", "gained", "lost"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.seq.to_string(),
            rfc3339(self.at_us),
            self.author.clone(),
            self.cause.clone(),
            self.subject.clone(),
            self.difference.gained.join("; "),
            self.difference.lost.join("; "),
        ]
    }
}

/// What an automation may do
///
/// Each grant in plain words, with the author's reason, what it is worth under the department's ceiling and its end, its
/// risk, and how many rows it reaches today. To a department's own people only what it may have is counted.
#[utoipa::path(get, path = "/v1/automations/{id}/permissions", tag = "permissions", params(("id" = String, Path, description = "The automation"), FormatQuery), responses((status = 200, content((AutomationPermissions = "application/json"), (String = "text/csv")))))]
pub(crate) async fn get_permissions(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<FormatQuery>,
) -> Result<Response, Failure> {
    let automation = api.automation(&caller, &id).await?.body;
    let session = api.reading(&caller.actor).await?;
    let found = permissions(&api, session, &caller, &id, &automation).await?;
    Ok(match query.format {
        AnswerFormat::Json => Json(found).into_response(),
        AnswerFormat::Csv => csv(&found.grants, None),
    })
}

/// Show what enabling an automation would allow, and change nothing
///
/// The same body as for enabling it: what it would be allowed, what of that is not so now, and why it would be refused.
#[utoipa::path(post, path = "/v1/automations/{id}/checks", tag = "permissions", params(("id" = String, Path, description = "Its name")), request_body = NewAutomation, responses((status = 200, body = Consent)))]
pub(crate) async fn check_automation(
    Manager(caller): Manager,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, .. }: Body<NewAutomation>,
) -> Result<Json<Consent>, Failure> {
    let grants = value.grants.as_deref().unwrap_or_default();
    if grants.len() > PERMISSIONS_MAX {
        let message = format!("at most {PERMISSIONS_MAX} permissions");
        return Err(Failure::invalid(vec![Problem::at(
            "too-many", "/grants", message,
        )]));
    }
    let mut session = api.reading(&caller.actor).await?;
    let before = in_department(&mut session, &caller, &id).await?;
    let automation = complete(&mut session, &value, before.as_ref()).await?;
    // Of other departments nothing is told.
    if !caller.sees(&automation.department) {
        may_manage(&mut session, &caller, before.as_ref(), &automation).await?;
    }
    let mut problems = Vec::new();
    let managed = may_manage(&mut session, &caller, before.as_ref(), &automation).await;
    problems.extend(refused(managed)?);
    problems.extend(refused(session.enable_automation(&id, &automation).await)?);
    let now_us = session.context().now_us;
    Ok(Json(Consent {
        permissions: permissions(&api, session, &caller, &id, &automation).await?,
        difference: of_automation(before.as_ref(), Some(&automation), now_us),
        problems,
    }))
}

/// Who may do something
///
/// Automations by what they hold now, and tokens by their roles; whoever may open the data folder or the database may do
/// everything, and is not listed.
#[utoipa::path(get, path = "/v1/access", tag = "permissions", params(AccessQuery), responses((status = 200, content((Page<Holder> = "application/json"), (String = "text/csv")))))]
pub(crate) async fn list_access(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Query(query): Query<AccessQuery>,
) -> Result<Response, Failure> {
    let question = question(&query)?;
    let mut session = api.reading(&caller.actor).await?;
    let items = match holders(&mut session, &question).await {
        // It is a parameter that names it.
        Err(Error::NotFound(problem)) => return Err(Failure::invalid(vec![problem])),
        items => items?,
    };
    Ok(match query.format {
        AnswerFormat::Json => Json(Page { items, next: None }).into_response(),
        AnswerFormat::Csv => csv(&items, None),
    })
}

/// What changed in permissions, newest first, and by whom
///
/// Grants, ends and modes of automations, ceilings of departments, roles of tokens, classes of fields: what is allowed that
/// was not, and the other way round. A grant that ends by itself is no change: its end was one.
#[utoipa::path(get, path = "/v1/permission-changes", tag = "permissions", params(ChangesQuery), responses((status = 200, content((Page<PermissionChange> = "application/json"), (String = "text/csv")))))]
pub(crate) async fn list_permission_changes(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Query(query): Query<ChangesQuery>,
) -> Result<Response, Failure> {
    let limit = limit(query.limit)? as usize;
    let before = behind(query.after.as_deref())?;
    let (items, next) = permission_changes(api.database(), query.since_us, before, limit).await?;
    let next = next.map(|next: Seq| next.to_string());
    Ok(match query.format {
        AnswerFormat::Json => Json(Page { items, next }).into_response(),
        AnswerFormat::Csv => {
            let since_us = query.since_us;
            let next = next.map(|next| {
                format!(
                    "/v1/permission-changes?format=csv&since_us={since_us}&limit={limit}&after={next}"
                )
            });
            csv(&items, next)
        }
    })
}

/// What an automation may do. The session ends before anything is counted: nobody holds one reader and waits for another.
async fn permissions(
    api: &Api,
    mut session: Session,
    caller: &Caller,
    id: &str,
    automation: &Automation,
) -> Result<AutomationPermissions, Failure> {
    let plugin = session.plugin(&automation.plugin).await?.body;
    let quarantined = session.check_quarantine(&automation.plugin).await.is_err();
    let ceiling = match session.department(&automation.department).await {
        Ok(department) => department.body.ceiling,
        // It is a problem that enabling tells.
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let context = session.context().clone();
    drop(session);
    let manifest = &plugin.manifest;
    let ceiling = ceiling.as_deref();
    let standings = standings(&automation.grants, manifest, ceiling, context.now_us);
    let counted: Vec<Permission> = standings
        .iter()
        .filter(|standing| may_count(caller, standing, manifest, ceiling))
        .map(|standing| standing.grant.permission.clone())
        .collect();
    let mut reaches = reaches(api.database(), &context, &counted)
        .await?
        .into_iter();
    let mut shown = |standing: Standing| {
        let is_counted = may_count(caller, &standing, manifest, ceiling);
        let reach = is_counted.then(|| reaches.next()).flatten();
        GrantShown {
            standing,
            reach: reach.unwrap_or(Reach::Uncounted),
        }
    };
    Ok(AutomationPermissions {
        automation: id.to_owned(),
        department: automation.department.clone(),
        enabled: automation.enabled,
        quarantined,
        plugin: automation.plugin.clone(),
        plugin_name: manifest.name.clone(),
        version: manifest.version.clone(),
        publisher: manifest.publisher.clone(),
        grants: standings.into_iter().map(&mut shown).collect(),
        withheld: withheld(&automation.grants, manifest),
    })
}

/// Whether somebody may know how many rows a grant is about: of a department's own people only what the department may have,
/// or whoever asks for one grant after the other would learn what there is elsewhere.
fn may_count(
    caller: &Caller,
    standing: &Standing,
    manifest: &Manifest,
    ceiling: Option<&[Permission]>,
) -> bool {
    let asks: Vec<Permission> = manifest
        .permissions
        .iter()
        .map(|ask| ask.permission.clone())
        .collect();
    let is_own = || {
        ceiling.is_some()
            && standing.worth == Worth::Whole
            && is_within(&standing.grant.permission, &asks)
    };
    caller.department.is_none() || is_own()
}

/// Why something would be refused; none if it would not.
fn refused(result: Result<(), Error>) -> Result<Vec<Problem>, Error> {
    match result {
        Ok(()) => Ok(Vec::new()),
        Err(Error::Invalid(problems)) => Ok(problems),
        Err(Error::Denied(problem) | Error::Conflict(problem) | Error::NotFound(problem)) => {
            Ok(vec![problem])
        }
        Err(error) => Err(error),
    }
}

fn question(query: &AccessQuery) -> Result<Question, Failure> {
    let one = "ask about one of collection, flow, calendar, folder, mail_to and task_role";
    let asked = [
        &query.collection,
        &query.flow,
        &query.calendar,
        &query.folder,
        &query.mail_to,
        &query.task_role,
    ];
    if asked.into_iter().flatten().count() != 1 {
        return Err(invalid(one));
    }
    if query.field.is_some() && query.collection.is_none() {
        return Err(invalid("field means something for a collection only"));
    }
    let operation = query.operation.as_deref();
    if let Some(collection) = &query.collection {
        return Ok(Question::Records {
            collection: collection.clone(),
            operation: word::<RecordOperation>("operation", operation.unwrap_or("read"))?,
            field: query.field.clone(),
        });
    }
    if let Some(flow) = &query.flow {
        let operation = word::<InvoiceOperation>("operation", operation.unwrap_or("read"))?;
        return Ok(Question::Invoices(word::<Flow>("flow", flow)?, operation));
    }
    if let Some(calendar) = &query.calendar {
        let operation = word::<CalendarOperation>("operation", operation.unwrap_or("read"))?;
        return Ok(Question::Calendars(calendar.clone(), operation));
    }
    if operation.is_some_and(|operation| operation != "read" || query.folder.is_none()) {
        return Err(invalid(
            "a folder is read; mail and tasks have no operation",
        ));
    }
    match (&query.folder, &query.mail_to, &query.task_role) {
        (Some(folder), _, _) => Ok(Question::Documents(folder.clone())),
        (_, Some(address), _) => Ok(Question::MailTo(address.clone())),
        (_, _, Some(role)) => Ok(Question::Task(format!("role:{role}"))),
        _ => Err(invalid(one)),
    }
}

/// One of an enum's names.
fn word<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_value(Value::from(text)).map_err(|error| invalid(&format!("{name}: {error}")))
}

fn named<T: Serialize>(value: &T) -> String {
    let name = serde_json::to_value(value).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

fn invalid(detail: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "parameter-invalid", detail)
}

/// A table, and where it goes on.
fn csv<T: TableRow>(rows: &[T], next: Option<String>) -> Response {
    let rows: Vec<Vec<String>> = rows.iter().map(TableRow::cells).collect();
    let text = csv_of(T::HEADINGS, &rows);
    let mut response = ([(header::CONTENT_TYPE, CSV)], text).into_response();
    let link = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
    response
        .headers_mut()
        .extend(link.map(|link| (header::LINK, link)));
    response
}
