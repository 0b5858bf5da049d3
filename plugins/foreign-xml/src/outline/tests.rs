use super::*;

const ALL: Dialect = Dialect {
    namespaces: &[],
    attributes: &["Ccy"],
};
const OURS: Dialect = Dialect {
    namespaces: &["urn:ours:"],
    attributes: &["Ccy"],
};

fn whole(text: &str, dialect: Dialect) -> Result<Element, Refusal> {
    let mut outline = Outline::new(text, dialect)?;
    outline.step()?;
    let element = outline.element()?;
    outline.step()?;
    Ok(element)
}

#[test]
fn text_of_every_kind_is_one_text() {
    let text = "<?xml version='1.0'?><!-- hello --><x:a><b>1 &amp; <![CDATA[<2>]]>&#x20AC;<!-- no --></b><c/></x:a>\n";
    let element = whole(text, ALL).expect("the document is well formed");
    assert_eq!(element.name, "a");
    assert_eq!(element.text("b"), Some("1 & <2>€"));
    assert_eq!(element.text("c"), None);
    assert_eq!(element.text("b/d"), None);
}

#[test]
fn elements_of_other_namespaces_are_passed_over_with_all_that_is_in_them() {
    let text = "<a xmlns='urn:ours:1'><b Ccy=' EUR ' of='x'>1</b><o xmlns='urn:other'><b>3</b>\
                <c xmlns='urn:ours:1'>4</c>tail</o><y:c xmlns:y='urn:ours:2'/><c>5</c><z:c>6</z:c></a>";
    let mut outline = Outline::new(text, OURS).expect("it begins like XML");
    assert_eq!(outline.step(), Ok(Step::Open("a".to_owned())));
    assert_eq!(outline.root_namespace(), "urn:ours:1");
    let element = outline.element().expect("the document is well formed");
    assert_eq!(outline.step(), Ok(Step::End));
    assert_eq!(element.own_text(), None);
    assert_eq!(element.all("b").len(), 1);
    assert_eq!(element.all("c").len(), 2);
    assert_eq!(element.text("c"), Some("5"));
    let b = element.find("b").expect("it is there");
    assert_eq!((b.attribute("Ccy"), b.attribute("of")), (Some("EUR"), None));
    let mut other = Outline::new("<o xmlns='urn:other'>1</o>", OURS).expect("XML");
    assert_eq!(other.step(), Ok(Step::End));
    assert_eq!(other.root_namespace(), "urn:other");
}

#[test]
fn a_document_that_ends_early_is_truncated_wherever_it_is_cut() {
    let text = "<a><b Ccy=\"EUR\">1 &amp; 2<!-- x --><![CDATA[3]]></b></a>";
    for cut in 3..text.len() {
        let result = whole(&text[..cut], ALL);
        assert_eq!(result, Err(Refusal::Truncated), "{}", &text[..cut]);
    }
}

#[test]
fn entities_and_document_types_are_refused() {
    for text in [
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
        "<!DOCTYPE a><a/>",
        "<a>&undefined;</a>",
        "<a><b Ccy='&x;'>1</b></a>",
    ] {
        assert_eq!(whole(text, ALL), Err(Refusal::HasEntities), "{text}");
    }
    let passed_over = "<a xmlns='urn:ours:1'><o xmlns='urn:other'>&x;</o></a>";
    assert_eq!(whole(passed_over, OURS), Err(Refusal::HasEntities));
}

#[test]
fn what_is_no_xml_is_refused() {
    for text in [
        "",
        "%PDF-1.7",
        "{\"a\":1}",
        "<a></b>",
        "<a/><b/>",
        "<a/>tail",
        "<a>&#0;</a>",
        "<a>1 & 2</a>",
        "<a Ccy='1' Ccy='2'/>",
    ] {
        let result = whole(text, ALL);
        assert!(matches!(result, Err(Refusal::NotXml(_))), "{text}");
    }
}

#[test]
fn depth_and_elements_have_limits() {
    let check = |text: &str| {
        assert!(matches!(whole(text, ALL), Err(Refusal::TooLarge(_))));
    };
    check(&"<a>".repeat(DEPTH_MAX + 1));
    check(&format!(
        "<a>{}</a>",
        "<b/>".repeat(ELEMENTS_AT_ONCE_MAX + 1)
    ));
    let declared = |name: usize| format!(" xmlns:n{name}='urn:n'");
    let many: String = (0..ATTRIBUTES_MAX).map(declared).collect();
    check(&format!("<a{many}><a{many}/></a>"));
}

/// Whoever writes an element of a hundred thousand attributes pays for them; we look at a hundred.
#[test]
fn no_more_attributes_are_looked_at_than_the_limit() {
    let named = |name: usize| format!(" a{name}=''");
    let check = |count: usize, is_refused: bool, looked_at: usize| {
        let attributes: String = (0..count).map(named).collect();
        let start = BytesStart::from_content(format!("a{attributes}"), 1);
        let mut seen = 0;
        let found = kept(start.attributes().inspect(|_| seen += 1), &["Ccy"]);
        assert_eq!((found.is_err(), seen), (is_refused, looked_at), "{count}");
        let whole = whole(&format!("<a{attributes}/>"), ALL);
        assert_eq!(
            matches!(whole, Err(Refusal::TooLarge(_))),
            is_refused,
            "{count}"
        );
    };
    check(ATTRIBUTES_MAX, false, ATTRIBUTES_MAX);
    check(ATTRIBUTES_MAX + 1, true, ATTRIBUTES_MAX + 1);
    check(100_000, true, ATTRIBUTES_MAX + 1);
}
