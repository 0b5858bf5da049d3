//! Templates of mail: texts with places for data, in the reader's language.
//!
//! A template says where data goes and nothing else. Its language is Jinja's without what could make a value larger or deeper
//! than the data: no assignments, includes, macros, operators or lists of its own. With a bound on steps and on the result,
//! one costs about what its result costs.

mod environment;

use bursar_domain::{
    canonical,
    office::{LegalEntity, Task, Template, TemplateText},
    pointer,
    row::{Kind, RowKey},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    error::Error,
    input::{Faults, is_slug},
    language::{Language, zone_or_utc},
    messages::SUBJECT_BYTES_MAX as MAIL_SUBJECT_BYTES_MAX,
    reminders::rendering,
    session::Session,
    tasks::TITLE_BYTES_MAX,
    write::Write,
};
use environment::{Place, render};

/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 500;
/// Most languages of one template.
const LANGUAGES_MAX: usize = 50;
/// Longest template of a subject, in bytes.
const SUBJECT_BYTES_MAX: usize = 2 << 10;
/// Longest template of a text, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Most data of one mail, in bytes of JSON.
const DATA_BYTES_MAX: usize = 64 << 10;

/// The template of the host's own reminders; an organisation may have one of that name instead.
pub(crate) const TASK_REMINDER: &str = "task-reminder";

/// What a template makes of data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rendered {
    /// The language that was taken.
    pub language: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Which template, in which language, with which data.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendering {
    /// The template's id.
    pub template: String,
    /// The reader's language (BCP 47); the legal entity's unless given.
    pub locale: Option<String>,
    /// A JSON object: its members are the template's names.
    pub data: Value,
}

impl Session {
    /// Makes or changes a template. For administrators.
    pub async fn put_template(&mut self, id: &str, template: &Template) -> Result<(), Error> {
        self.require_administrator()?;
        check(id, template)?;
        if id == TASK_REMINDER {
            check_reminder(template)?;
        }
        self.upsert(RowKey::of(Kind::Template, id), template).await
    }

    /// Removes a template; one of the host's own name gives way to the host's. For administrators.
    pub async fn remove_template(&mut self, id: &str) -> Result<(), Error> {
        self.require_administrator()?;
        let row = self.load(&RowKey::of(Kind::Template, id)).await?;
        let row = row.ok_or_else(|| Error::not_found("such template"))?;
        self.apply(vec![Write::removal(&row)])
    }

    /// What a template makes of data. Anybody may: a template holds nothing of the organisation's rows.
    pub async fn render(&mut self, wanted: &Rendering) -> Result<Rendered, Error> {
        let entity = self.context.legal_entity.clone();
        self.render_for(wanted, entity.as_ref()).await
    }

    /// As [`Session::render`], in the language and the zone of a legal entity.
    pub(crate) async fn render_for(
        &mut self,
        wanted: &Rendering,
        entity: Option<&LegalEntity>,
    ) -> Result<Rendered, Error> {
        check_data(&wanted.data)?;
        let template = self.template(&wanted.template).await?;
        rendered(&template, wanted, entity)
    }

    /// A reminder's words: the organisation's, or the host's own if those do not fit, so that no reminder is lost. The
    /// subject is one line whatever the template makes of a text.
    pub(crate) async fn render_reminder(
        &mut self,
        wanted: &Rendering,
        entity: Option<&LegalEntity>,
    ) -> Result<Rendered, Error> {
        let made = match self.render_for(wanted, entity).await {
            Err(error) if !error.is_host() => {
                let own = own(&wanted.template).ok_or(error)?;
                rendered(&own, wanted, entity)?
            }
            made => made?,
        };
        let subject = made
            .subject
            .split(char::is_control)
            .collect::<Vec<_>>()
            .join(" ");
        let end = subject.floor_char_boundary(MAIL_SUBJECT_BYTES_MAX);
        Ok(Rendered {
            subject: subject.get(..end).unwrap_or_default().to_owned(),
            ..made
        })
    }

    async fn template(&mut self, id: &str) -> Result<Template, Error> {
        let absent = || Error::not_found("such template");
        if !is_slug(id) {
            return Err(absent());
        }
        let key = RowKey::of(Kind::Template, id);
        if let Some((_, template)) = self.find::<Template>(&key).await? {
            return Ok(template);
        }
        own(id).ok_or_else(absent)
    }
}

fn rendered(
    template: &Template,
    wanted: &Rendering,
    entity: Option<&LegalEntity>,
) -> Result<Rendered, Error> {
    let ours = entity.map(|entity| entity.locale.as_str());
    let locale = wanted.locale.as_deref().or(ours).unwrap_or_default();
    let id = &wanted.template;
    let (language, words) = template
        .text_for(locale)
        .ok_or_else(|| Error::Broken(format!("template {id} has no fallback")))?;
    let place = Place {
        language: Language::of(language),
        zone: zone_or_utc(entity.map_or("", |entity| &entity.zone)),
    };
    let made = |part: &str, text: &str| {
        render(
            &format!("{id}.{language}.{part}"),
            text,
            &wanted.data,
            &place,
        )
    };
    Ok(Rendered {
        language: language.to_owned(),
        subject: made("subject", &words.subject)?,
        text: made("text", &words.text)?,
    })
}

/// The host's own templates.
fn own(id: &str) -> Option<Template> {
    let text = |language: &str, text: &str| {
        let (subject, text) = text.split_once("\n\n")?;
        let words = TemplateText {
            subject: subject.to_owned(),
            text: text.to_owned(),
        };
        Some((language.to_owned(), words))
    };
    let texts = match id {
        TASK_REMINDER => [
            text("de", include_str!("templates/task-reminder.de.txt"))?,
            text("en", include_str!("templates/task-reminder.en.txt"))?,
        ],
        _ => return None,
    };
    Some(Template {
        description: String::new(),
        fallback: "en".to_owned(),
        texts: texts.into(),
    })
}

fn check(id: &str, template: &Template) -> Result<(), Error> {
    let mut faults = Faults::default();
    faults.slug("/id", id);
    faults.line(
        "/description",
        &template.description,
        0..=DESCRIPTION_BYTES_MAX,
    );
    let count = template.texts.len();
    let message = format!("1 to {LANGUAGES_MAX} languages");
    faults.unless(
        (1..=LANGUAGES_MAX).contains(&count),
        "wrong-count",
        "/texts",
        message,
    );
    let has_fallback = template.texts.contains_key(&template.fallback);
    faults.unless(
        has_fallback,
        "unknown",
        "/fallback",
        "one of the texts' languages",
    );
    for (tag, words) in template.texts.iter().take(LANGUAGES_MAX) {
        let at = format!("/texts/{}", pointer::escape(tag));
        let message = "a language tag such as de or de-AT";
        faults.unless(is_language_tag(tag), "wrong-type", &at, message);
        faults.line(
            &format!("{at}/subject"),
            &words.subject,
            1..=SUBJECT_BYTES_MAX,
        );
        faults.text(&format!("{at}/text"), &words.text, 0..=TEXT_BYTES_MAX);
        let parts = [
            ("subject", &words.subject, SUBJECT_BYTES_MAX),
            ("text", &words.text, TEXT_BYTES_MAX),
        ];
        for (member, text, bytes_max) in parts {
            if text.len() > bytes_max {
                continue;
            }
            if let Err(message) = environment::check(member, text) {
                faults.add("not-a-template", &format!("{at}/{member}"), message);
            }
        }
    }
    faults.result()
}

/// The host fills in this one by itself, so that it has to fit any task.
fn check_reminder(template: &Template) -> Result<(), Error> {
    let instant = Some(0);
    for (due_us, expires_us) in [(None, None), (instant, instant)] {
        let task = Task {
            title: "x".repeat(TITLE_BYTES_MAX),
            due_us,
            expires_us,
            ..Task::default()
        };
        for language in template.texts.keys() {
            let wanted = Rendering {
                locale: Some(language.clone()),
                ..rendering("00000000-0000-0000-0000-000000000000", &task)
            };
            let made = rendered(template, &wanted, None)?;
            let mut faults = Faults::default();
            let at = format!("/texts/{}/subject", pointer::escape(language));
            faults.line(&at, &made.subject, 1..=MAIL_SUBJECT_BYTES_MAX);
            faults.result()?;
        }
    }
    Ok(())
}

fn check_data(data: &Value) -> Result<(), Error> {
    let mut faults = Faults::default();
    faults.unless(
        data.is_object(),
        "not-an-object",
        "/data",
        "an object is expected",
    );
    let bytes = canonical::to_text(data).map_or(usize::MAX, |text| text.len());
    let message = format!("at most {DATA_BYTES_MAX} bytes");
    faults.unless(bytes <= DATA_BYTES_MAX, "too-large", "/data", message);
    faults.result()
}

/// The shape of language tags (RFC 5646 §2.1), not their registry.
fn is_language_tag(tag: &str) -> bool {
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let primary = tag.split('-').next().unwrap_or_default();
    let is_primary =
        (2..=8).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_alphabetic());
    tag.len() <= 35 && is_primary && tag.split('-').all(is_part)
}
