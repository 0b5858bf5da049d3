//! `bursar aging` and `bursar balance`: what parties owe, as of any date.

use bursar_domain::money::Money;
use bursar_office::aging::{AgedBooks, Aging, Balance, Balances, Bucket};

use crate::{
    arguments::{self, Accounts},
    client::{Client, query},
    failure::Failure,
    output::{Style, print, table},
};

/// Accounts asked for at a time.
const PAGE_ROWS: usize = 1000;

pub async fn aging(
    client: &Client,
    style: Style,
    command: arguments::Aging,
) -> Result<(), Failure> {
    let mut parameters = parameters(command.accounts).to_vec();
    parameters.push(("buckets", command.buckets));
    let found: Aging = client.get(&query("/v1/aging", &parameters)).await?;
    print(style, &found, describe)
}

pub async fn balance(
    client: &Client,
    style: Style,
    command: arguments::Balance,
) -> Result<(), Failure> {
    let parameters = parameters(command.accounts);
    let mut found: Vec<Balance> = Vec::new();
    let mut after = None;
    while found.len() < command.limit {
        let wanted = command.limit.saturating_sub(found.len()).min(PAGE_ROWS);
        let mut asked = parameters.to_vec();
        asked.push(("limit", Some(wanted.to_string())));
        asked.push(("after", after));
        let page: Balances = client.get(&query("/v1/balances", &asked)).await?;
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    print(style, &found, |found| accounts(found))
}

fn parameters(accounts: Accounts) -> [(&'static str, Option<String>); 4] {
    let flow = match accounts.flow {
        arguments::Flow::Receivable => "receivable",
        arguments::Flow::Payable => "payable",
    };
    [
        ("flow", Some(flow.to_owned())),
        ("as_of", accounts.as_of),
        ("party", accounts.party),
        ("legal_entity", accounts.legal_entity),
    ]
}

fn describe(aging: &Aging) -> String {
    let Some(first) = aging.books.first() else {
        return format!("nothing is open or unapplied as of {}\n", aging.as_of);
    };
    let days: Vec<String> = first.buckets.iter().map(span).collect();
    let mut headings = vec!["legal entity", "currency"];
    headings.extend(days.iter().map(String::as_str));
    headings.extend(["open", "unapplied", "balance"]);
    let rows: Vec<_> = aging.books.iter().map(line).collect();
    format!("as of {}\n\n{}", aging.as_of, table(&headings, &rows))
}

fn span(bucket: &Bucket) -> String {
    match (bucket.from_days, bucket.to_days) {
        (None, _) => "not due".to_owned(),
        (Some(from), Some(to)) => format!("{from}-{to}"),
        (Some(from), None) => format!("over {}", from.saturating_sub(1)),
    }
}

fn line(books: &AgedBooks) -> Vec<String> {
    let mut cells = vec![books.legal_entity.clone(), books.currency.to_string()];
    let amounts = books.buckets.iter().map(|bucket| bucket.amount);
    let sums = [books.open, books.unapplied, books.balance];
    cells.extend(amounts.chain(sums).map(Money::amount_text));
    cells
}

fn accounts(found: &[Balance]) -> String {
    let row = |account: &Balance| {
        let party = account.party.as_deref().unwrap_or("(unknown)");
        let sums = [
            account.issued,
            account.credited,
            account.received,
            account.refunded,
            account.written_off,
            account.settled_before,
            account.carried,
            account.balance,
        ];
        let mut cells = vec![
            party.to_owned(),
            account.legal_entity.clone(),
            account.currency.to_string(),
        ];
        cells.extend(sums.map(Money::amount_text));
        cells
    };
    let headings = [
        "party",
        "legal entity",
        "currency",
        "issued",
        "credited",
        "received",
        "refunded",
        "written off",
        "settled before",
        "carried",
        "balance",
    ];
    table(&headings, &found.iter().map(row).collect::<Vec<_>>())
}
