//! Schemas of the nouns whose JSON is not what their code says: decimals, currencies, amounts, business calendars, kinds
//! of rows.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{
    business::{BusinessCalendar, CalendarText, WeekdayText},
    decimal::{DIGITS_MAX, Decimal},
    money::{Currency, Money, MoneyText},
    row::Kind,
};

type Schemas = Vec<(String, RefOr<Schema>)>;

fn text(description: &str, pattern: &str, max_length: usize) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .pattern(Some(pattern))
        .max_length(Some(max_length))
        .into()
}

impl PartialSchema for Decimal {
    fn schema() -> RefOr<Schema> {
        // A sign and a point beside the digits.
        text(
            "A plain decimal of at most 18 digits, such as \"-1.10\".",
            r"^-?\d+(\.\d+)?$",
            DIGITS_MAX.saturating_add(2),
        )
    }
}

impl ToSchema for Decimal {}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        text("A currency's code by ISO 4217.", "^[A-Z]{3}$", 3)
    }
}

impl ToSchema for Currency {}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        MoneyText::schema()
    }
}

impl ToSchema for Money {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Money")
    }

    fn schemas(schemas: &mut Schemas) {
        schemas.push((Currency::name().into_owned(), Currency::schema()));
    }
}

impl PartialSchema for BusinessCalendar {
    fn schema() -> RefOr<Schema> {
        CalendarText::schema()
    }
}

impl ToSchema for BusinessCalendar {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("BusinessCalendar")
    }

    fn schemas(schemas: &mut Schemas) {
        schemas.push((WeekdayText::name().into_owned(), WeekdayText::schema()));
    }
}

impl PartialSchema for Kind {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What a row is."))
            .enum_values(Some(Kind::ALL.iter().map(|kind| kind.as_str())))
            .into()
    }
}

impl ToSchema for Kind {}
