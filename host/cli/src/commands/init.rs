//! `bursar init`.

use bursar_api::Resource;
use bursar_domain::office::LegalEntity;
use http::Method;
use serde_json::json;

use crate::{
    arguments::Init,
    client::{Client, part},
    failure::Failure,
    output::{Style, print},
    place::Place,
    settings::Settings,
};

pub async fn init(settings: Settings, style: Style, init: &Init) -> Result<(), Failure> {
    let place = Place::make(settings).await?;
    let (folder, key_file) = (
        place.settings.folder.display().to_string(),
        place.settings.key_file.display().to_string(),
    );
    let database = place.database.clone();
    let entity = LegalEntity {
        name: init.name.clone(),
        zone: init.zone.clone(),
        base_currency: init.currency.clone(),
        fiscal_year_start_month: 1,
        locale: init.locale.clone(),
        lock_date: None,
        bank_accounts: Vec::new(),
        mail_from: init.mail_from.clone(),
        write_off_max: None,
        vat_id: None,
        tax_number: None,
        company_id: None,
        address: None,
    };
    let path = format!("/v1/entities/{}", part(&init.entity));
    let put = Client::here(place)
        .send::<Resource<LegalEntity>>(Method::PUT, &path, &entity)
        .await;
    database.close().await;
    let seq = put?.commit;
    let made =
        json!({"folder": folder, "key_file": key_file, "entity": init.entity, "commit": seq});
    print(style, &made, |_| match seq {
        Some(_) => format!(
            "The data folder {folder} is ready.\nKeep {key_file} apart from it, and safe: without it the folder cannot be opened."
        ),
        None => format!("The data folder {folder} was ready already."),
    })
}
