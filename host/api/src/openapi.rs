//! The OpenAPI 3.1 document: made from the handlers and their types, completed with what holds for every operation.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use utoipa::{
    OpenApi as _, ToSchema,
    openapi::{
        Content, ContentBuilder, HeaderBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
        Required, ResponseBuilder, SecurityRequirement,
        path::{Operation, ParameterBuilder, ParameterIn},
        schema::{ArrayItems, ObjectBuilder, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use crate::{
    failure::{PROBLEM_JSON, ProblemDocument},
    request::KEY_BYTES_MAX,
};

const TAGS: &[(&str, &str)] = &[
    ("health", "Whether the host lives and can work."),
    ("tokens", "Access tokens of this API."),
    (
        "organisation",
        "Legal entities, departments, business calendars, the stop.",
    ),
    (
        "calendars",
        "Calendars, their entries, and when these happen; who is busy, and when everybody is free.",
    ),
    ("plugins", "Installed plugin versions."),
    ("jobs", "Work that takes seconds."),
    (
        "automations",
        "Plugins enabled for a department: previewed and started.",
    ),
    (
        "permissions",
        "Who may do what, would be allowed, and since when; upgrades.",
    ),
    (
        "runs",
        "What ran, why, and what it did; and why nothing ran.",
    ),
    ("tasks", "Questions of automations to people."),
    ("messages", "Outgoing mail."),
    ("records", "Collections and their records."),
    ("invoices", "Receivable and payable invoices."),
    ("payments", "Payments and what they settle."),
    ("documents", "Files that plugins may read."),
    ("log", "The commit log, and rows as of any commit."),
];
const TOKEN: &str = "token";

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ProblemDocument)))]
struct Components;

/// The document before its operations.
pub(crate) fn head() -> OpenApi {
    let description = "Manages a Bursar host: plugins, automations, what they did and would do.\n\n\
        Instants are microseconds since 1970-01-01T00:00Z, amounts are decimal texts with their currency. Every row comes \
        with its `revision`, which is also its entity tag: send it as `If-Match` to change only what you have seen. Send an \
        `Idempotency-Key` with what must happen once: the same request under the same key gives the first answer again, as \
        long as the data folder exists. Failures are problem documents (RFC 9457) with a stable `code`.";
    let mut components = Components::openapi().components.unwrap_or_default();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "`bursar token create` on the host makes the first one.",
        ))
        .build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Bursar")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(description))
                .license(Some(
                    utoipa::openapi::LicenseBuilder::new()
                        .name("Apache-2.0")
                        .identifier(Some("Apache-2.0"))
                        .build(),
                ))
                .build(),
        )
        .components(Some(components))
        .security(Some([SecurityRequirement::new(TOKEN, [] as [&str; 0])]))
        .tags(Some(TAGS.iter().map(|(name, words)| {
            TagBuilder::new()
                .name(*name)
                .description(Some(*words))
                .build()
        })))
        .build()
}

/// The document as people get it.
pub fn document() -> OpenApi {
    crate::router::routes().1
}

pub(crate) fn answer(text: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Adds what every operation of a shape can answer and be asked.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        let reading = [item.get.as_mut()];
        let changing = [
            item.put.as_mut(),
            item.post.as_mut(),
            item.delete.as_mut(),
            item.patch.as_mut(),
        ];
        for operation in reading.into_iter().flatten() {
            add_common(operation);
        }
        for operation in changing.into_iter().flatten() {
            add_common(operation);
            add_conditions(operation);
        }
    }
    if let Some(components) = document.components.as_mut() {
        open_parts(&mut components.schemas);
    }
    document
}

type Statuses = &'static [(&'static str, &'static str)];

const OF_ALL: Statuses = &[
    (
        "400",
        "The request cannot be read: its path, query, headers or JSON.",
    ),
    ("408", "The request took too long."),
    ("500", "The host is at fault."),
    ("503", "The host cannot do it now: see Retry-After."),
];
const OF_TOKENS: Statuses = &[
    ("401", "The token is missing, unknown, revoked or expired."),
    ("403", "The token's role does not allow it."),
];
const OF_NAMED: Statuses = &[("404", "It is not there, or not in view.")];
const OF_BODIES: Statuses = &[
    ("413", "The body is too large."),
    ("415", "The body has another media type than asked for."),
    ("422", "The body breaks rules: see `problems`."),
];
const OF_CHANGES: Statuses = &[
    ("404", "Something it names is not there, or not in view."),
    (
        "409",
        "It contradicts what is there, or the idempotency key was used for something else.",
    ),
    ("412", "The row has another revision than expected."),
    ("422", "It breaks rules: see `problems`."),
    ("429", "Too much at once."),
    ("507", "The host's storage is full."),
];

fn add_common(operation: &mut Operation) {
    let is_public = operation.security.is_some();
    add(operation, OF_ALL);
    if !is_public {
        add(operation, OF_TOKENS);
    }
    let is_named = operation
        .parameters
        .iter()
        .flatten()
        .any(|parameter| {
            matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path)
        });
    if is_named {
        add(operation, OF_NAMED);
        add(operation, &[("409", "The name is ambiguous.")]);
    }
    if operation.request_body.is_some() {
        add(operation, OF_BODIES);
    }
    if !is_public {
        add(operation, &[("422", "It breaks rules: see `problems`.")]);
    }
}

fn add_conditions(operation: &mut Operation) {
    add(operation, OF_CHANGES);
    let text = |max: usize| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(max))
            .build()
    };
    let header = |name: &str, words: &str, schema| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(words))
            .schema(Some(schema))
            .build()
            .into()
    };
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(header(
        "Idempotency-Key",
        "The client's own name for this request: under it, it is done once.",
        text(KEY_BYTES_MAX),
    ));
    let tag = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^(\"[0-9a-z]{1,62}\"|\\*)$"))
        .build();
    parameters.push(header(
        "If-Match",
        "The entity tag of the row as it was seen, or * for any.",
        tag,
    ));
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with('2'), response) {
            response.headers.insert(
                "bursar-commit".to_owned(),
                HeaderBuilder::new()
                    .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
                    .description(Some("The commit, if there was something to commit."))
                    .build()
                    .into(),
            );
        }
    }
}

fn add(operation: &mut Operation, statuses: Statuses) {
    for (status, words) in statuses {
        if operation.responses.responses.contains_key(*status) {
            continue;
        }
        let response = ResponseBuilder::new()
            .description(*words)
            .content(PROBLEM_JSON, problem())
            .build();
        operation
            .responses
            .responses
            .insert((*status).to_owned(), RefOr::T(response));
    }
}

fn problem() -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ProblemDocument::name())))
        .build()
}

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// A part that forbids further members would refuse the whole that it is composed into: there it stands without that
/// rule. Requests, which are not composed, keep it.
fn open_parts(schemas: &mut Schemas) {
    let opened: BTreeMap<String, Schema> = schemas
        .iter()
        .filter_map(|(name, schema)| match schema {
            RefOr::T(Schema::Object(object)) if object.additional_properties.is_some() => {
                let mut object = object.clone();
                object.additional_properties = None;
                let place = format!("#/components/schemas/{name}");
                Some((place, Schema::Object(object)))
            }
            _ => None,
        })
        .collect();
    for schema in schemas.values_mut() {
        open_parts_of(schema, &opened);
    }
}

fn open_parts_of(schema: &mut RefOr<Schema>, opened: &BTreeMap<String, Schema>) {
    let RefOr::T(schema) = schema else {
        return;
    };
    let within = match schema {
        Schema::AllOf(all) => {
            for part in &mut all.items {
                if let RefOr::Ref(place) = part
                    && let Some(open) = opened.get(&place.ref_location)
                {
                    *part = RefOr::T(open.clone());
                }
            }
            &mut all.items
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(item) = &mut array.items {
                open_parts_of(item, opened);
            }
            return;
        }
        Schema::OneOf(one) => &mut one.items,
        Schema::AnyOf(any) => &mut any.items,
        Schema::Object(object) => {
            for property in object.properties.values_mut() {
                open_parts_of(property, opened);
            }
            return;
        }
        _ => return,
    };
    for part in within {
        open_parts_of(part, opened);
    }
}
