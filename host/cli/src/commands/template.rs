//! `bursar template`: texts of mail, and what they make of data.

use bursar_api::{NewRendering, Resource};
use bursar_domain::office::Template as TemplateBody;
use bursar_office::templates::Rendered;
use http::Method;

use super::read_file;
use crate::{
    arguments::Template,
    client::{Client, part},
    failure::Failure,
    output::{Style, print, table},
};

pub async fn perform(client: &Client, style: Style, command: Template) -> Result<(), Failure> {
    match command {
        Template::List { limit } => {
            let (templates, _) = client
                .pages::<Resource<TemplateBody>>("/v1/templates", &[], limit)
                .await?;
            print(style, &templates, |templates| {
                let line = |template: &Resource<TemplateBody>| {
                    let languages = template.body.texts.keys().cloned().collect::<Vec<_>>();
                    vec![
                        template.id.clone(),
                        languages.join(", "),
                        template.body.description.clone(),
                    ]
                };
                table(
                    &["id", "languages", "description"],
                    &templates.iter().map(line).collect::<Vec<_>>(),
                )
            })
        }
        Template::Show { id } => {
            let shown: Resource<TemplateBody> = client.get(&place(&id)).await?;
            print(style, &shown, |shown| {
                serde_json::to_string_pretty(&shown.body).unwrap_or_default()
            })
        }
        Template::Set { id, file } => {
            let text = read_file(&file)?;
            let path = place(&id);
            let sent = client.upload::<Resource<TemplateBody>>(Method::PUT, &path, JSON, text);
            print(style, &sent.await?.value, |set| {
                format!("{} is set, revision {}.", set.id, set.revision)
            })
        }
        Template::Render { id, data, locale } => {
            let data = serde_json::from_str(&data).map_err(|error| {
                Failure::user("the data is no JSON")
                    .because(error)
                    .hint("--data '{\"name\": \"Ada\"}'")
            })?;
            let path = format!("{}/render", place(&id));
            let wanted = NewRendering { locale, data };
            let made: Rendered = client.send(Method::POST, &path, &wanted).await?.value;
            print(style, &made, |made| {
                format!("Subject: {}\n\n{}", made.subject, made.text)
            })
        }
        Template::Remove { id } => {
            let removed = client.ask::<()>(Method::DELETE, &place(&id), None).await?;
            let shown = serde_json::json!({"removed": id, "commit": removed.commit});
            print(style, &shown, |_| format!("{id} is removed."))
        }
    }
}

const JSON: &str = "application/json";

fn place(id: &str) -> String {
    format!("/v1/templates/{}", part(id))
}
