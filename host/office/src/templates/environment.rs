//! The language of templates: Jinja's, less what could cost more than it shows.

use std::io;

use bursar_domain::{
    decimal::Decimal,
    money::{Currency, Money},
    time,
};
use jiff::tz::TimeZone;
use minijinja::{
    Environment, Error as Jinja, ErrorKind, UndefinedBehavior, syntax::SyntaxConfig, value::Serde,
};
use serde_json::Value;

use crate::{error::Error, language::Language};

/// Most steps of one rendering.
const STEPS_MAX: u64 = 100_000;
/// Longest result, in bytes.
const RESULT_BYTES_MAX: usize = 256 << 10;
/// Longest expression or statement, in bytes.
const BLOCK_BYTES_MAX: usize = 500;
/// Most branches of all conditions together.
const BRANCHES_MAX: usize = 100;
/// Statements that a template may have.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// For whom a text is written.
pub(super) struct Place {
    /// How numbers and dates are written.
    pub language: &'static Language,
    /// Where its moments are.
    pub zone: TimeZone,
}

/// Says what is wrong with a template's text; whether data fits it is told when it is rendered.
pub(super) fn check(name: &str, text: &str) -> Result<(), String> {
    let place = Place {
        language: Language::of(""),
        zone: TimeZone::UTC,
    };
    // Before it is parsed: what the scan lets through is no deeper than a stack.
    only_places_data(text)?;
    let environment = environment(&place);
    let parsed = environment.template_from_named_str(name, text);
    parsed.map(drop).map_err(|error| told(&error))
}

/// What a template's text makes of data.
pub(super) fn render(name: &str, text: &str, data: &Value, place: &Place) -> Result<String, Error> {
    let environment = environment(place);
    let mut result = Bounded(Vec::new());
    let rendered = environment
        .template_from_named_str(name, text)
        .and_then(|template| {
            template
                .render_captured_to(Serde(data), &mut result)
                .map(drop)
        });
    match rendered {
        Ok(()) => String::from_utf8(result.0)
            .map_err(|error| Error::Broken(format!("template {name}: {error}"))),
        Err(error) => Err(refusal(&error)),
    }
}

fn refusal(error: &Jinja) -> Error {
    let (code, pointer) = match error.kind() {
        ErrorKind::UndefinedError => ("undefined", "/data"),
        ErrorKind::OutOfFuel => ("too-long", "/template"),
        ErrorKind::WriteFailure => {
            let message = format!("a template gives at most {RESULT_BYTES_MAX} bytes");
            return Error::invalid("too-long", "/template", message);
        }
        _ => ("template-unusable", "/template"),
    };
    Error::invalid(code, pointer, told(error))
}

/// The cause on one line, with template and line.
fn told(error: &Jinja) -> String {
    let mut told = error.kind().to_string();
    if let Some(detail) = error.detail() {
        told = format!("{told}: {detail}");
    }
    match (error.name(), error.line()) {
        (Some(name), Some(line)) => format!("{told} (in {name}, line {line})"),
        _ => told,
    }
}

/// Refuses what makes values that no bound on the result sees: other statements, operators that put texts together, and
/// lists that are written down, by which a loop could name ever larger ones. What is left is a few names and filters.
fn only_places_data(text: &str) -> Result<(), String> {
    let (mut rest, mut branches) = (text, 0);
    while let Some(start) = rest.find('{') {
        let inside = rest.get(start..).unwrap_or_default();
        let mark = inside.get(..2).unwrap_or_default();
        let end_mark = match mark {
            "{{" => "}}",
            "{%" => "%}",
            "{#" => "#}",
            _ => {
                rest = inside.get(1..).unwrap_or_default();
                continue;
            }
        };
        let inside = inside.get(2..).unwrap_or_default();
        rest = if mark == "{#" {
            inside.split_once(end_mark).map_or("", |(_, rest)| rest)
        } else {
            let length = block_length(inside, end_mark)?;
            let (block, rest) = inside.split_at_checked(length).unwrap_or((inside, ""));
            if mark == "{%" && check_statement(block)? == "elif" {
                branches += 1;
            }
            rest
        };
        if branches > BRANCHES_MAX {
            return Err(format!("a template has at most {BRANCHES_MAX} branches"));
        }
    }
    Ok(())
}

/// The bytes of a block until its end mark, which may stand in a text of the block too.
fn block_length(block: &str, end_mark: &str) -> Result<usize, String> {
    let (mut quote, mut is_escaped) = (None, false);
    for (place, c) in block.char_indices() {
        if place > BLOCK_BYTES_MAX {
            return Err(format!("a block has at most {BLOCK_BYTES_MAX} bytes"));
        }
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(opened) if c == opened => quote = None,
            Some(_) => {}
            None => {
                let after = block.get(place..).unwrap_or_default();
                if after.starts_with(end_mark) {
                    return Ok(place);
                }
                // Whitespace control at either end of a block is no operator.
                let is_last = after.get(1..).is_some_and(|it| it.starts_with(end_mark));
                match c {
                    '"' | '\'' => quote = Some(c),
                    '+' | '-' if place == 0 || is_last => {}
                    '+' | '-' | '*' | '/' | '%' | '~' | '{' | '}' | '[' | ']' | ',' => {
                        return Err(format!(
                            "{c:?} is not allowed in a template: compute before, and pass the result"
                        ));
                    }
                    _ => {}
                }
            }
        }
    }
    Err("a block has no end".to_owned())
}

/// Gives the statement's word.
fn check_statement(block: &str) -> Result<&'static str, String> {
    let block = block.trim_matches(['-', '+']).trim();
    let word = block.split_whitespace().next().unwrap_or_default();
    let known = STATEMENTS.into_iter().find(|known| *known == word);
    let known = known.ok_or_else(|| {
        format!(
            "{word:?} is no statement of a template: {}",
            STATEMENTS.join(", ")
        )
    })?;
    // Also right behind a bracket.
    let last = block
        .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
        .next();
    if known == "for" && last == Some("recursive") {
        return Err("loops are not recursive".to_owned());
    }
    Ok(known)
}

fn environment(place: &Place) -> Environment<'_> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(STEPS_MAX));
    environment.set_syntax(syntax());
    environment.add_test("defined", minijinja::tests::is_defined);
    environment.add_test("none", minijinja::tests::is_none);
    environment.add_filter("default", minijinja::filters::default);
    environment.add_filter("length", |value: minijinja::Value| {
        let length = value.len();
        length.ok_or_else(|| unusable("a list, an object or a text has a length"))
    });
    environment.add_filter("join", minijinja::filters::join);
    let language = place.language;
    environment.add_filter("number", move |value: minijinja::Value| {
        let number = Decimal::parse(&value.to_string());
        let number = number.map_err(|error| unusable(&error.to_string()))?;
        Ok::<_, Jinja>(language.number(number))
    });
    environment.add_filter("money", move |Serde(value): Serde<Value>| {
        Ok::<_, Jinja>(language.money(money(&value)?))
    });
    environment.add_filter("date", move |text: &str| {
        let date = time::date(text).map_err(|_| unusable("a date is written like 2026-01-31"))?;
        Ok::<_, Jinja>(language.date(date))
    });
    let zone = place.zone.clone();
    environment.add_filter("moment", move |at_us: i64| {
        let moment = language.moment(at_us, &zone);
        moment.ok_or_else(|| unusable("microseconds since 1970, within the calendar's range"))
    });
    environment
}

/// A block on a line of its own leaves no line behind.
fn syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true);
    // Only delimiters can be refused, and these are the usual ones.
    syntax.build().unwrap_or_default()
}

/// An amount, as rows have it (`amount`) or as the contract has it (`minor`), with its currency.
fn money(value: &Value) -> Result<Money, Jinja> {
    let text = |member: &str| value.get(member).and_then(Value::as_str);
    let currency = text("currency").map(Currency::parse).transpose();
    let currency = currency.map_err(|error| unusable(&error.to_string()))?;
    let minor = value.get("minor").and_then(Value::as_i64);
    match (text("amount"), minor, currency) {
        (Some(amount), None, Some(currency)) => {
            Money::parse_amount(amount, currency).map_err(|error| unusable(&error.to_string()))
        }
        (None, Some(minor), Some(currency)) => Ok(Money::new(minor, currency)),
        _ => Err(unusable(
            "money has an amount or minor units, and a currency",
        )),
    }
}

fn unusable(message: &str) -> Jinja {
    Jinja::new(ErrorKind::InvalidOperation, message.to_owned())
}

/// Takes so many bytes and no more.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > RESULT_BYTES_MAX {
            return Err(io::Error::other("the result is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::language;

    fn rendered(text: &str, data: &Value) -> Result<String, Error> {
        check("t", text).map_err(|message| Error::invalid("not-a-template", "", message))?;
        let place = Place {
            language: &language::GERMAN,
            zone: crate::language::zone_or_utc("Europe/Vienna"),
        };
        render("t", text, data, &place)
    }

    #[test]
    fn data_is_placed_as_the_language_writes_it() {
        let data = json!({
            "name": "Ada", "due": "2026-11-30", "at": 1_782_945_000_000_000_i64, "rate": "1234.5",
            "open": {"amount": "1234.50", "currency": "EUR"}, "fee": {"minor": 500, "currency": "JPY"},
            "lines": [{"no": "R-1"}, {"no": "R-2"}], "none": null, "both": ["Ada", "2026-11-30"],
        });
        for (text, expected) in [
            (
                "{{ name }}: {{ open | money }}, {{ fee | money }}",
                "Ada: 1.234,50 EUR, 500 JPY",
            ),
            (
                "{{ due | date }} {{ at | moment }} {{ rate | number }}",
                "30.11.2026 02.07.2026, 00:30 1.234,5",
            ),
            (
                "{% for line in lines %}\n- {{ line.no }}\n{% endfor %}\nEnd\n",
                "- R-1\n- R-2\nEnd\n",
            ),
            (
                "{% if lines | length > 1 %}many{% else %}one{% endif %}",
                "many",
            ),
            (
                "{{ missing | default(\"-\") }} {% if missing is defined %}x{% endif %}",
                "- ",
            ),
            (
                "{{ both | join(\"; \") }} { } }} #} ⟦number⟧",
                "Ada; 2026-11-30 { } }} #} ⟦number⟧",
            ),
            (
                "{# a * comment ~ #}{{ \"a ~ b }} *\" }}{%- if true -%} x {%+ endif +%}",
                "a ~ b }} *x ",
            ),
        ] {
            assert_eq!(rendered(text, &data).expect(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_template_cannot_say_is_refused() {
        let data =
            json!({"a": "x", "list": [1, 2], "not_money": {"amount": "1.001", "currency": "EUR"}});
        for (text, code) in [
            ("{{ a", "not-a-template"),
            ("{% set b = a %}", "not-a-template"),
            ("{%- set b = a %}", "not-a-template"),
            ("{% with b = a %}{% endwith %}", "not-a-template"),
            ("{% include 'x' %}", "not-a-template"),
            ("{% macro m() %}{% endmacro %}", "not-a-template"),
            ("{% raw %}{% endraw %}", "not-a-template"),
            ("{% filter upper %}x{% endfilter %}", "not-a-template"),
            (
                "{% for x in list recursive %}{{ loop(list) }}{% endfor %}",
                "not-a-template",
            ),
            ("{{ a ~ a }}", "not-a-template"),
            ("{{ a * 1000000000 }}", "not-a-template"),
            ("{{ a + a }}", "not-a-template"),
            ("{{ {'a': {'b': 1}} }}{{ a ~ a }}", "not-a-template"),
            ("{{ a - 1 }}", "not-a-template"),
            ("{{ 1 / 3 }}", "not-a-template"),
            ("{{ [a, a] }}", "not-a-template"),
            ("{{ (a, a) }}", "not-a-template"),
            (
                "{% for b in [[a, a], [a, a]] %}{{ b }}{% endfor %}",
                "not-a-template",
            ),
            (
                "{% for x in list if a == 'b' recursive -%}{% endfor %}",
                "not-a-template",
            ),
            ("{%if a%}{%endif%}{%set b = 1%}", "not-a-template"),
            (
                "{% for x in (list)recursive %}{% endfor %}",
                "not-a-template",
            ),
            ("{{ a | upper }}", "template-unusable"),
            ("{{ a | date }}", "template-unusable"),
            ("{{ a | money }}", "template-unusable"),
            ("{{ not_money | money }}", "template-unusable"),
            ("{{ b | join }}", "undefined"),
            ("{{ b }}", "undefined"),
            ("{{ a.b.c }}", "undefined"),
            ("{{ range(9) }}", "template-unusable"),
        ] {
            let refused = rendered(text, &data).expect_err(text).problems();
            let codes: Vec<&str> = refused.iter().map(|it| it.code.as_str()).collect();
            assert_eq!(codes, [code], "{text}: {refused:?}");
        }
    }

    #[test]
    fn what_is_deep_is_refused_before_it_is_parsed() {
        let chain = "{% if a %}".to_owned() + &"{% elif a %}".repeat(50_000) + "{% endif %}";
        let nested = "{% if a %}".repeat(5_000) + &"{% endif %}".repeat(5_000);
        for text in [
            format!("{{{{ {}1 }}}}", "-".repeat(100_000)),
            format!("{{{{ {}a }}}}", "not ".repeat(100_000)),
            format!("{{{{ a{} }}}}", ".a".repeat(100_000)),
            format!("{{{{ {}a{} }}}}", "(".repeat(100_000), ")".repeat(100_000)),
            format!("{{{{ {}a }}}}", "a if a else ".repeat(50_000)),
            format!("{{{{ a{} }}}}", " | default".repeat(50_000)),
            chain,
            nested,
        ] {
            check("t", &text).expect_err("too deep");
        }
        // What just passes is parsed and rendered on a small stack.
        let longest = |unit: &str| format!("{{{{ {}a }}}}", unit.repeat(480 / unit.len()));
        for text in [
            longest("not "),
            longest("a if a else "),
            format!("{{{{ a{} }}}}", ".a".repeat(240)),
        ] {
            let small = std::thread::Builder::new().stack_size(1 << 20);
            let ended = small.spawn(move || drop(rendered(&text, &json!({"a": 1}))));
            ended
                .expect("a thread")
                .join()
                .expect("the stack is enough");
        }
    }

    #[test]
    fn a_template_costs_about_what_it_gives() {
        let data = json!({"list": vec![1; 10_000], "long": "x".repeat(100 << 10), "other": vec![1; 10_000], "longs": vec!["x".repeat(50 << 10); 3]});
        for text in [
            "{% for a in list %}{% for b in list %}{% endfor %}{% endfor %}",
            "{% for a in list %}{{ list | join }}{% endfor %}",
            "{% for a in list %}{% if list == other %}{% endif %}{% endfor %}",
            "{{ long }}{{ long }}{{ long }}",
            "{{ longs | join(long) }}",
            "{% for a in list %}{{ long }}{% endfor %}",
        ] {
            let refused = rendered(text, &data).expect_err(text).problems();
            let code = refused.first().map(|it| it.code.as_str());
            assert_eq!(code, Some("too-long"), "{text}: {refused:?}");
        }
    }
}
