//! What only an administrator does: the organisation, its plugins and automations, and the stop.
//!
//! Every `put` makes or replaces a row; the same body again changes nothing.

use bursar_domain::{
    business::BusinessCalendar,
    index::fields_of,
    manifest::{Authority, Manifest, PERMISSIONS_MAX, Permission, TriggerAsk, is_within},
    money::Currency,
    office::{
        Automation, Department, LegalEntity, PARTIES, Plugin, Quarantine, STOP, Stop, Timer,
        quarantine_of,
    },
    pointer,
    problem::Problem,
    row::{Kind, Row, RowKey},
    time,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    error::Error,
    input::{Faults, is_slug},
    listing::{Listed, Paging, Scope, Test},
    messages::check_address,
    runs::timer_key,
    schema::{self, within},
    session::{Expected, Session, View},
    tasks::is_assignee,
    write::Write,
};

/// Longest name or reason, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// Longest note on a grant, in bytes.
const NOTE_BYTES_MAX: usize = 2_000;
/// Most addresses of one department.
const ADDRESSES_MAX: usize = 1000;

impl Session {
    /// Makes or changes a legal entity; the first one comes with the collection of parties.
    pub async fn put_entity(&mut self, id: &str, entity: &LegalEntity) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        faults.slug("/id", id);
        faults.line("/name", &entity.name, 1..=NAME_BYTES_MAX);
        faults.unless(
            time::zone(&entity.zone).is_ok(),
            "unknown-zone",
            "/zone",
            "an IANA zone such as Europe/Vienna",
        );
        faults.unless(
            Currency::parse(&entity.base_currency).is_ok(),
            "not-money",
            "/base_currency",
            "an ISO 4217 code",
        );
        let is_month = (1..=12).contains(&entity.fiscal_year_start_month);
        faults.unless(
            is_month,
            "out-of-range",
            "/fiscal_year_start_month",
            "a month is 1 to 12",
        );
        faults.line("/locale", &entity.locale, 2..=35);
        for (place, account) in entity.bank_accounts.iter().enumerate() {
            faults.line(
                &format!("/bank_accounts/{place}"),
                account,
                1..=NAME_BYTES_MAX,
            );
        }
        if !entity.mail_from.is_empty() {
            check_address(&mut faults, "/mail_from", &entity.mail_from);
        }
        check_particulars(&mut faults, entity);
        if let Some(limit) = entity.write_off_max {
            let is_good = !limit.is_negative() && limit.currency.code() == entity.base_currency;
            let message = "not negative, in the base currency";
            faults.unless(is_good, "out-of-range", "/write_off_max", message);
        }
        faults.result()?;
        self.ensure_parties_collection().await?;
        self.upsert(RowKey::of(Kind::Entity, id), entity).await
    }

    /// Makes or changes a department.
    pub async fn put_department(&mut self, id: &str, department: &Department) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        faults.slug("/id", id);
        faults.line("/name", &department.name, 1..=NAME_BYTES_MAX);
        let is_few = department.addresses.len() <= ADDRESSES_MAX;
        let message = format!("at most {ADDRESSES_MAX} addresses");
        faults.unless(is_few, "too-many", "/addresses", message);
        for (assignee, address) in department.addresses.iter().take(ADDRESSES_MAX) {
            let at = format!("/addresses/{}", pointer::escape(assignee));
            let message = "role:NAME or person:ID";
            faults.unless(is_assignee(assignee), "wrong-type", &at, message);
            check_address(&mut faults, &at, address);
        }
        let ceiling = department.ceiling.as_deref().unwrap_or_default();
        check_permissions(&mut faults, "/ceiling", ceiling.iter());
        let key = RowKey::of(Kind::Department, id);
        let before = self.find::<Department>(&key).await?;
        let had_one = before.is_some_and(|(_, before)| before.ceiling.is_some());
        faults.unless(
            department.ceiling.is_some() || !had_one,
            "ceiling-left-out",
            "/ceiling",
            "the department has a ceiling: it can be changed and not left out",
        );
        faults.result()?;
        self.upsert(key, department).await
    }

    /// Makes or changes a business calendar.
    pub async fn put_business_calendar(
        &mut self,
        id: &str,
        calendar: &BusinessCalendar,
    ) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        faults.slug("/id", id);
        faults.result()?;
        self.upsert(RowKey::of(Kind::BusinessCalendar, id), calendar)
            .await
    }

    /// Defines the collection that invoices and payments take their parties from, unless the organisation has its own.
    pub async fn ensure_parties_collection(&mut self) -> Result<(), Error> {
        self.require_administrator()?;
        let key = RowKey::of(Kind::Collection, PARTIES);
        if self.load(&key).await?.is_some() {
            return Ok(());
        }
        let definition =
            serde_json::from_value(parties()).map_err(|error| Error::Broken(error.to_string()))?;
        self.define_collection(PARTIES, &definition).await
    }

    /// Installs a plugin version whose component is the blob of that digest.
    pub async fn install_plugin(&mut self, digest: &str, plugin: &Plugin) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        check_digest(&mut faults, digest);
        faults.result()?;
        for (pointer, schema) in [
            ("/manifest/config", &plugin.manifest.config),
            ("/manifest/input", &plugin.manifest.input),
        ] {
            schema::compile(schema).map_err(|problems| within(pointer, problems))?;
        }
        let key = RowKey::of(Kind::Plugin, digest);
        match self.find::<Plugin>(&key).await? {
            Some((_, there)) if there != *plugin => Err(Error::conflict(
                "plugin-changed",
                "a plugin of this digest is installed with other facts",
            )),
            _ => self.upsert(key, plugin).await,
        }
    }

    /// Enables an automation, or changes one. It gets what its manifest asks for, or less.
    pub async fn enable_automation(
        &mut self,
        id: &str,
        automation: &Automation,
    ) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        faults.slug("/id", id);
        let exists = |found: bool, noun: &str, pointer: &str, faults: &mut Faults| {
            faults.unless(
                found,
                "unknown",
                pointer,
                format!("there is no such {noun}"),
            );
        };
        let department = self
            .exists(Kind::Department, &automation.department)
            .await?;
        exists(department, "department", "/department", &mut faults);
        let entity = self.exists(Kind::Entity, &automation.legal_entity).await?;
        exists(entity, "legal entity", "/legal_entity", &mut faults);
        let plugin = self.exists(Kind::Plugin, &automation.plugin).await?;
        exists(plugin, "plugin", "/plugin", &mut faults);
        faults.result()?;
        let manifest = self.plugin(&automation.plugin).await?.body.manifest;
        schema::check(&manifest.config, &automation.config)
            .map_err(|problems| within("/config", problems))?;
        let key = RowKey::of(Kind::Automation, id);
        let before = self.find::<Automation>(&key).await?;
        let before = before.map(|(_, before)| before);
        // Also when its ceiling has come down since.
        if !before
            .as_ref()
            .is_some_and(|it| automation.only_turns_off(it))
        {
            self.check_quarantine(&automation.plugin).await?;
            self.check_grants(automation, &manifest).await?;
        }
        let was_off = before.is_some_and(|before| !before.enabled);
        if was_off && automation.enabled {
            self.begin_timers_anew(id, &manifest).await?;
        }
        self.upsert(key, automation).await
    }

    /// Refuses grants that the manifest does not ask for, or that lie above the department's ceiling.
    async fn check_grants(
        &mut self,
        automation: &Automation,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        let asked: Vec<Permission> = manifest
            .permissions
            .iter()
            .map(|ask| ask.permission.clone())
            .collect();
        let ceiling = self.department(&automation.department).await?.body.ceiling;
        let mut faults = Faults::default();
        let granted = automation.grants.iter().map(|grant| &grant.permission);
        check_permissions(&mut faults, "/grants", granted);
        faults.result()?;
        let mut faults = Faults::default();
        for (place, grant) in automation.grants.iter().enumerate() {
            let (permission, words) = (&grant.permission, grant.permission.in_words());
            let pointer = format!("/grants/{place}");
            faults.text(&format!("{pointer}/note"), &grant.note, 0..=NOTE_BYTES_MAX);
            faults.unless(
                is_within(permission, &asked),
                "manifest-exceeded",
                &pointer,
                format!("the manifest does not ask for {words}"),
            );
            let below = |ceiling: &Vec<Permission>| is_within(permission, ceiling);
            faults.unless(
                ceiling.as_ref().is_none_or(below),
                "ceiling-exceeded",
                &pointer,
                format!("the department's ceiling does not allow {words}"),
            );
        }
        faults.result()
    }

    /// What was planned while an automation was off is nobody's: its triggers begin with the present.
    async fn begin_timers_anew(&mut self, id: &str, manifest: &Manifest) -> Result<(), Error> {
        let now_us = self.context.now_us;
        let present = Timer {
            fired_until_us: now_us,
            since_us: now_us,
        };
        for ask in &manifest.triggers {
            let (TriggerAsk::Timer { name, .. } | TriggerAsk::Occurrence { name, .. }) = ask else {
                continue;
            };
            let key = timer_key(id, name);
            if self.load(&key).await?.is_some() {
                self.upsert(key, &present).await?;
            }
        }
        Ok(())
    }

    /// Turns an automation off: nothing of it is claimed or fires any more.
    pub async fn disable_automation(&mut self, id: &str) -> Result<(), Error> {
        self.require_administrator()?;
        let automation = Automation {
            enabled: false,
            ..self.automation(id).await?.body
        };
        self.upsert(RowKey::of(Kind::Automation, id), &automation)
            .await
    }

    /// Stops or resumes everything.
    pub async fn set_stop(&mut self, stop: &Stop) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        faults.text("/reason", &stop.reason, 0..=2000);
        faults.result()?;
        self.upsert(RowKey::of(Kind::Control, STOP), stop).await
    }

    /// Keeps a plugin version from running, whether it is installed or not, or lets it run again.
    pub async fn set_quarantine(
        &mut self,
        digest: &str,
        quarantine: &Quarantine,
    ) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        check_digest(&mut faults, digest);
        faults.text("/reason", &quarantine.reason, 0..=2000);
        faults.result()?;
        let key = RowKey::of(Kind::Control, &quarantine_of(digest));
        self.upsert(key, quarantine).await
    }

    /// Passes if a plugin version may run. For administrators, and whoever enables automations.
    pub async fn check_quarantine(&mut self, digest: &str) -> Result<(), Error> {
        let key = RowKey::of(Kind::Control, &quarantine_of(digest));
        match self.find::<Quarantine>(&key).await? {
            Some((_, it)) if it.quarantined => {
                let message = format!("the plugin is quarantined: {}", it.reason);
                Err(Problem::at("plugin-quarantined", "/plugin", message).into())
            }
            _ => Ok(()),
        }
    }

    /// An automation. For administrators.
    pub async fn automation(&mut self, id: &str) -> Result<View<Automation>, Error> {
        self.control_row(Kind::Automation, id, "such automation")
            .await
    }

    /// A plugin version, by digest. For administrators.
    pub async fn plugin(&mut self, digest: &str) -> Result<View<Plugin>, Error> {
        self.control_row(Kind::Plugin, digest, "such plugin").await
    }

    /// A department. For administrators, and whoever enables automations there.
    pub async fn department(&mut self, id: &str) -> Result<View<Department>, Error> {
        self.control_row(Kind::Department, id, "such department")
            .await
    }

    /// A legal entity. For administrators.
    pub async fn entity(&mut self, id: &str) -> Result<View<LegalEntity>, Error> {
        self.control_row(Kind::Entity, id, "such legal entity")
            .await
    }

    /// The organisation-wide stop. For administrators.
    pub async fn stop(&mut self) -> Result<Stop, Error> {
        self.require_administrator()?;
        let found = self.find::<Stop>(&RowKey::of(Kind::Control, STOP)).await?;
        Ok(found.map_or(
            Stop {
                stopped: false,
                reason: String::new(),
            },
            |(_, stop)| stop,
        ))
    }

    /// Rows of a kind whose shape is the host's own, by id, that pass all conditions. For administrators.
    pub async fn rows<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        conditions: &[Test],
        paging: &Paging,
    ) -> Result<Listed<T>, Error> {
        self.require_administrator()?;
        let scope = Scope::all(kind, "").typed(&fields_of(kind), conditions, &[])?;
        self.page(&scope, paging, |session, row| Ok(session.typed(row)?))
            .await
    }

    /// Every row of a kind that there are few of, and that passes all conditions. For administrators.
    pub async fn every<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        conditions: &[Test],
    ) -> Result<Vec<View<T>>, Error> {
        let mut paging = Paging::first();
        let mut found = Vec::new();
        loop {
            let listed = self.rows::<T>(kind, conditions, &paging).await?;
            found.extend(listed.items);
            match listed.next {
                Some(next) => paging.after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// Passes if a row is as it is expected to be. For administrators.
    pub async fn expect(&mut self, key: &RowKey, expected: &Expected) -> Result<(), Error> {
        self.require_administrator()?;
        if *expected == Expected::Anything {
            return Ok(());
        }
        let row = self.load(key).await?;
        self.expect_row(row.as_ref(), expected)
    }

    /// Passes if a row is as it is expected to be, or its absence.
    pub(crate) fn expect_row(&self, row: Option<&Row>, expected: &Expected) -> Result<(), Error> {
        match (row, expected) {
            (Some(row), Expected::Revision(revision)) => self.expect_revision(row, Some(revision)),
            (_, Expected::Anything) | (Some(_), Expected::Present) | (None, Expected::Absent) => {
                Ok(())
            }
            _ => Err(Error::conflict(
                "revision-changed",
                "the row has another revision than expected",
            )),
        }
    }

    pub(crate) fn require_administrator(&self) -> Result<(), Error> {
        match self.context.authority {
            Authority::Everything => Ok(()),
            Authority::Granted(_) => Err(Error::denied(
                "administrator-only",
                "only an administrator may do this",
            )),
        }
    }

    pub(crate) async fn control_row<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        id: &str,
        noun: &str,
    ) -> Result<View<T>, Error> {
        self.require_administrator()?;
        let key = if is_slug(id) {
            RowKey::of(kind, id)
        } else {
            return Err(Error::not_found(format!("{noun} {id:?}")));
        };
        let row = self
            .load(&key)
            .await?
            .ok_or_else(|| Error::not_found(format!("{noun} {id:?}")))?;
        Ok(self.typed(&row)?)
    }

    pub(crate) async fn exists(&mut self, kind: Kind, id: &str) -> Result<bool, Error> {
        Ok(is_slug(id) && self.load(&RowKey::of(kind, id)).await?.is_some())
    }

    /// Makes or replaces a row; the same body changes nothing.
    pub(crate) async fn upsert<T: Serialize>(
        &mut self,
        key: RowKey,
        body: &T,
    ) -> Result<(), Error> {
        let base = self.load(&key).await?;
        let write = Write::of(key, base.as_ref(), body)?;
        if base.is_some_and(|base| Some(base.body.as_ref()) == write.body.as_ref()) {
            return Ok(());
        }
        self.apply(vec![write])
    }
}

fn check_digest(faults: &mut Faults, digest: &str) {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    faults.unless(
        digest.len() == 64 && digest.bytes().all(is_hex),
        "not-a-digest",
        "/digest",
        "64 lower-case hexadecimal digits",
    );
}

/// Refuses permissions that say nothing, or too much.
fn check_permissions<'p>(
    faults: &mut Faults,
    pointer: &str,
    permissions: impl ExactSizeIterator<Item = &'p Permission>,
) {
    let is_few = permissions.len() <= PERMISSIONS_MAX;
    let message = format!("at most {PERMISSIONS_MAX} permissions");
    faults.unless(is_few, "too-many", pointer, message);
    for (place, permission) in permissions.take(PERMISSIONS_MAX).enumerate() {
        for problem in permission.problems() {
            let at = format!("{pointer}/{place}{}", problem.pointer);
            faults.unless(false, &problem.code, &at, problem.message);
        }
    }
}

/// What a legal entity's papers say of it.
fn check_particulars(faults: &mut Faults, entity: &LegalEntity) {
    let address = entity.address.as_ref();
    let texts = [
        ("/vat_id", &entity.vat_id),
        ("/tax_number", &entity.tax_number),
        ("/company_id", &entity.company_id),
    ];
    let of_address = address.map(|it| {
        [
            ("/address/street", &it.street),
            ("/address/postcode", &it.postcode),
            ("/address/city", &it.city),
        ]
    });
    for (pointer, text) in texts.into_iter().chain(of_address.into_iter().flatten()) {
        if let Some(text) = text {
            faults.line(pointer, text, 1..=NAME_BYTES_MAX);
        }
    }
    let is_country = |code: &str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    faults.unless(
        address.is_none_or(|it| is_country(&it.country)),
        "out-of-range",
        "/address/country",
        "two capital letters by ISO 3166-1",
    );
}

/// The parties' definition. What invoices need is the name; the rest is what back offices keep of the people they deal with.
fn parties() -> serde_json::Value {
    json!({
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "required": ["name", "kind"],
            "additionalProperties": false,
            "properties": {
                "key": {"type": "string", "minLength": 1, "maxLength": 64},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "kind": {"enum": ["customer", "supplier", "employee", "bank"]},
                "language": {"type": "string", "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"},
                "email": {"type": "string", "format": "email", "maxLength": 254},
                "iban": {
                    "type": "array",
                    "maxItems": 20,
                    "items": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$"}
                },
                "address": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "street": {"type": "string", "maxLength": 200},
                        "postcode": {"type": "string", "maxLength": 20},
                        "city": {"type": "string", "maxLength": 100},
                        "country": {"type": "string", "pattern": "^[A-Z]{2}$"}
                    }
                },
                "tax_id": {"type": "string", "maxLength": 50},
                "note": {"type": "string", "maxLength": 2000}
            }
        },
        "indexed": [
            {"name": "name", "type": "text"},
            {"name": "kind", "type": "text"},
            {"name": "email", "type": "text"},
            {"name": "key", "type": "text"}
        ],
        "unique": ["key"]
    })
}
