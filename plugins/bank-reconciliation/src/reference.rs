//! What a payer may write to say which invoice is meant, and who the payer is.
//!
//! Pure text work: knows how numbers, creditor references and names are compared, not what is done with them.

use std::collections::{BTreeMap, BTreeSet};

/// Shortest number that counts when it stands in free text, in letters and digits; shorter ones occur by chance.
const TEXT_NUMBER_LENGTH_MIN: usize = 5;
/// Letters between the parts of one number end it when they separate a list.
const LIST_SEPARATORS: &[char] = &[',', ';', '+', '&', '|'];
/// Longest number looked for, in letters and digits.
const NUMBER_LENGTH_MAX: usize = 40;

/// Letters and digits only, in capitals; a creditor reference (ISO 11649) without the zeros that may pad it.
pub fn compact(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect::<String>()
        .to_uppercase();
    match plain.strip_prefix("RF") {
        Some(rest) if rest.len() > 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_digit) => {
            let (check, body) = rest.split_at(2);
            format!("RF{check}{}", body.trim_start_matches('0'))
        }
        _ => plain,
    }
}

/// Whether a compact text is a creditor reference with right check digits (ISO 11649, modulo 97).
pub fn is_creditor_reference(compact: &str) -> bool {
    if !compact.starts_with("RF") || !(5..=25).contains(&compact.len()) || !compact.is_ascii() {
        return false;
    }
    let mut turned = compact[4..].chars().chain(compact[..4].chars());
    let remainder = turned.try_fold(0u32, |sum, character| {
        let digit = character.to_digit(36)?;
        let shift = if digit > 9 { 100 } else { 10 };
        Some((sum * shift + digit) % 97)
    });
    remainder == Some(1)
}

/// The invoices a text can name: compact number or reference to whatever stands for the invoice.
#[derive(Clone, Debug, Default)]
pub struct Names {
    known: BTreeMap<String, BTreeSet<usize>>,
    /// Leading letters of numbers, with how many digits follow.
    shapes: BTreeMap<String, BTreeSet<usize>>,
}

/// What a payer's words name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Invoices, by the number they were added under.
    pub known: BTreeSet<usize>,
    /// What looks like a number or reference of ours and is none that is open.
    pub unknown: Vec<String>,
    /// Two readings of one piece of text name different invoices.
    pub is_ambiguous: bool,
}

/// One piece of text without spaces or punctuation in it, and whether it goes on with the piece before.
struct Run {
    text: String,
    is_joined: bool,
}

impl Names {
    /// Names that begin with one of these letters count as ours even when no open invoice has them.
    pub fn new(prefixes: &[String]) -> Self {
        let shapes = prefixes
            .iter()
            .map(|prefix| (compact(prefix), BTreeSet::new()));
        Self {
            known: BTreeMap::new(),
            shapes: shapes.collect(),
        }
    }

    /// Makes an invoice known under a number or reference.
    pub fn add(&mut self, text: &str, invoice: usize) {
        let name = compact(text);
        let (letters, digits) = parted(&name);
        if !letters.is_empty() && !digits.is_empty() && !name.starts_with("RF") {
            self.shapes
                .entry(letters.to_owned())
                .or_default()
                .insert(digits.len());
        }
        self.known.entry(name).or_default().insert(invoice);
    }

    /// Reads structured references, which must name something, and free lines, which may.
    pub fn read(&self, references: &[String], lines: &[String]) -> Named {
        let mut named = Named::default();
        for reference in references {
            match self.known.get(&compact(reference)) {
                Some(invoices) => named.add(invoices),
                None => named.unknown.push(reference.clone()),
            }
        }
        let runs = runs(lines);
        let mut start = 0;
        while start < runs.len() {
            start += self.read_at(&runs[start..], &mut named).max(1);
        }
        named
    }

    /// Reads a number at the beginning of the runs; says how many runs it took.
    fn read_at(&self, runs: &[Run], named: &mut Named) -> usize {
        let mut readings: Vec<(usize, &BTreeSet<usize>)> = Vec::new();
        for (length, text) in growing(runs) {
            if text.len() < TEXT_NUMBER_LENGTH_MIN {
                continue;
            }
            if let Some(invoices) = self.known.get(&compact(&text)) {
                readings.push((length, invoices));
            }
        }
        if let Some((longest, invoices)) = readings.last() {
            named.is_ambiguous |= readings.iter().any(|(_, other)| other != invoices);
            named.add(invoices);
            return *longest;
        }
        match self.claim(runs) {
            Some((length, text)) => {
                named.unknown.push(text);
                length
            }
            None => 0,
        }
    }

    /// Text that is shaped like a number of ours, or is a valid creditor reference.
    fn claim(&self, runs: &[Run]) -> Option<(usize, String)> {
        let mut claim = None;
        for (length, text) in growing(runs) {
            let (letters, digits) = parted(&text);
            let Some(lengths) = self.shapes.get(letters) else {
                if is_creditor_reference(&compact(&text)) {
                    claim = Some((length, text));
                }
                continue;
            };
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                break;
            }
            if lengths.contains(&digits.len()) {
                return Some((length, text));
            }
            if claim.is_none() && digits.len() >= TEXT_NUMBER_LENGTH_MIN {
                claim = Some((length, text));
            }
        }
        claim
    }
}

impl Named {
    fn add(&mut self, invoices: &BTreeSet<usize>) {
        self.is_ambiguous |= invoices.len() > 1;
        self.known.extend(invoices);
    }
}

/// Leading letters and the rest.
fn parted(name: &str) -> (&str, &str) {
    let letters = name.find(|character: char| !character.is_alphabetic());
    name.split_at(letters.unwrap_or(name.len()))
}

/// The runs put together: the first, the first two, and so on, up to the end of what can be one number.
fn growing(runs: &[Run]) -> impl Iterator<Item = (usize, String)> {
    let joined = runs.iter().skip(1).take_while(|run| run.is_joined);
    let mut text = String::new();
    runs.iter()
        .take(1)
        .chain(joined)
        .enumerate()
        .map(move |(index, run)| {
            text.push_str(&run.text);
            (index + 1, text.clone())
        })
        .take_while(|(_, text)| text.len() <= NUMBER_LENGTH_MAX)
}

fn runs(lines: &[String]) -> Vec<Run> {
    let text = lines.join("\n").to_uppercase();
    let mut runs: Vec<Run> = Vec::new();
    let mut is_inside = false;
    let mut is_joined = false;
    for character in text.chars() {
        if !character.is_alphanumeric() {
            is_inside = false;
            is_joined &= !LIST_SEPARATORS.contains(&character);
            continue;
        }
        match runs.last_mut().filter(|_| is_inside) {
            Some(run) => run.text.push(character),
            None => runs.push(Run {
                text: character.to_string(),
                is_joined,
            }),
        }
        (is_inside, is_joined) = (true, true);
    }
    runs
}

/// Endings that say how a company is organised, longest first; compared without spaces and dots.
const LEGAL_FORMS: &[&[&str]] = &[
    &["GMBH", "CO", "KG"],
    &["GESMBH"],
    &["GMBH"],
    &["MBH"],
    &["AG"],
    &["KG"],
    &["OG"],
    &["OHG"],
    &["EU"],
    &["EK"],
    &["UG"],
    &["SE"],
    &["LTD"],
    &["LIMITED"],
    &["LLC"],
    &["INC"],
    &["CORP"],
    &["PLC"],
    &["CO"],
    &["SA"],
    &["SARL"],
    &["SAS"],
    &["SRL"],
    &["SPA"],
    &["BV"],
    &["NV"],
    &["AB"],
    &["AS"],
    &["APS"],
    &["OY"],
    &["SRO"],
    &["KFT"],
    &["DOO"],
    &["E", "U"],
    &["S", "A"],
    &["S", "R", "L"],
    &["S", "P", "A"],
    &["B", "V"],
    &["N", "V"],
    &["S", "R", "O"],
    &["D", "O", "O"],
];

/// A name as names are compared: capitals, no punctuation, no accents, no legal form.
pub fn plain_name(name: &str) -> String {
    let spelled: String = name.to_uppercase().chars().flat_map(spelled_out).collect();
    let mut words: Vec<&str> = spelled.split_whitespace().collect();
    while let Some(form) = LEGAL_FORMS.iter().find(|form| words.ends_with(form)) {
        if form.len() >= words.len() {
            break;
        }
        words.truncate(words.len() - form.len());
    }
    words.join(" ")
}

/// Payments travel in a small alphabet, so banks spell out what is beyond it.
fn spelled_out(character: char) -> Vec<char> {
    let plain = match character {
        'Ä' | 'Æ' => "AE",
        'Ö' | 'Ø' | 'Œ' => "OE",
        'Ü' => "UE",
        'ß' | 'ẞ' => "SS",
        'À' | 'Á' | 'Â' | 'Ã' | 'Å' | 'Ą' => "A",
        'Ç' | 'Ć' | 'Č' => "C",
        'È' | 'É' | 'Ê' | 'Ë' | 'Ę' | 'Ě' => "E",
        'Ì' | 'Í' | 'Î' | 'Ï' => "I",
        'Ł' => "L",
        'Ñ' | 'Ń' => "N",
        'Ò' | 'Ó' | 'Ô' | 'Õ' => "O",
        'Ř' => "R",
        'Ś' | 'Š' => "S",
        'Ù' | 'Ú' | 'Û' | 'Ů' => "U",
        'Ý' => "Y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        '.' | '\'' | '’' => "",
        other if other.is_alphanumeric() => return vec![other],
        _ => " ",
    };
    plain.chars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::new(&["INV".into()]);
        names.add("INV-2026-000123", 0);
        names.add("INV-2026-000124", 1);
        names.add("RF18539007547034", 1);
        names
    }

    fn check(references: &[&str], lines: &[&str], known: &[usize], unknown: &[&str]) {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let named = names().read(&owned(references), &owned(lines));
        assert_eq!(named.known, known.iter().copied().collect(), "{lines:?}");
        assert_eq!(named.unknown, unknown, "{lines:?}");
        assert!(!named.is_ambiguous, "{lines:?}");
    }

    #[test]
    fn a_number_is_found_however_it_is_spaced() {
        check(&[], &["Invoice INV-2026-000123 thank you"], &[0], &[]);
        check(&[], &["inv 2026 000123"], &[0], &[]);
        check(&[], &["INV2026000123"], &[0], &[]);
        check(&[], &["INV-2026-0001", "23"], &[0], &[]);
        check(&[], &["Inv.2026/000123, 4 pieces"], &[0], &[]);
        check(&[], &["INV-2026-000123 2 pieces"], &[0], &[]);
    }

    #[test]
    fn a_list_names_every_invoice_on_it() {
        check(&[], &["INV-2026-000123, INV-2026-000124"], &[0, 1], &[]);
        check(&[], &["INV-2026-000123INV-2026-000124"], &[], &[]);
        check(&[], &["INV-2026-000123 INV-2026-", "000124"], &[0, 1], &[]);
    }

    #[test]
    fn a_part_of_a_longer_number_names_nothing() {
        check(&[], &["XINV-2026-000123"], &[], &[]);
        check(&[], &["2026-000123"], &[], &[]);
    }

    #[test]
    fn a_number_of_ours_that_is_not_open_is_reported() {
        check(&[], &["INV-2026-999999"], &[], &["INV2026999999"]);
        check(
            &[],
            &["INV-2026-000123 and INV-2026-999999"],
            &[0],
            &["INV2026999999"],
        );
        check(&[], &["INV-2026-0001234"], &[], &["INV20260001234"]);
        check(&["4711"], &[], &[], &["4711"]);
        check(&[], &["RF471 1"], &[], &[]);
    }

    #[test]
    fn a_creditor_reference_counts_in_every_writing() {
        check(&["RF18 5390 0754 7034"], &[], &[1], &[]);
        check(&["rf18000000000539007547034"], &[], &[1], &[]);
        check(&[], &["Ref: RF18 5390 0754 7034"], &[1], &[]);
        check(&[], &["RF18539007547034"], &[1], &[]);
        check(&[], &["RF712348231"], &[], &["RF712348231"]);
    }

    #[test]
    fn check_digits_are_checked() {
        assert!(is_creditor_reference("RF18539007547034"));
        assert!(is_creditor_reference("RF712348231"));
        assert!(!is_creditor_reference("RF19539007547034"));
        assert!(!is_creditor_reference("RF18"));
    }

    #[test]
    fn one_text_that_reads_as_two_numbers_is_ambiguous() {
        let mut names = Names::default();
        names.add("INV-100", 0);
        names.add("INV-100-2", 1);
        let read = names.read(&[], &["INV-100 2 pieces".into()]);
        assert!(read.is_ambiguous);
    }

    #[test]
    fn names_are_compared_without_legal_form_case_or_accents() {
        let check = |left: &str, right: &str| assert_eq!(plain_name(left), plain_name(right));
        check("Müller & Söhne GmbH & Co. KG", "MUELLER SOEHNE");
        check("Alpenrose e.U.", "ALPENROSE");
        check("Nordwind S.r.l.", "nordwind srl");
        check("Café Zürich AG", "CAFE ZUERICH");
        assert_ne!(plain_name("Alpha GmbH"), plain_name("Beta GmbH"));
        assert_eq!(plain_name("AG"), "AG");
    }
}
