//! What parties owe, added up.

use crate::{
    contract::bursar::office::{
        ledger::{self, Accounts, Aged, Listing},
        types::Page,
    },
    convert,
    ending::Fault,
    guest::Guest,
};

impl ledger::Host for Guest {
    async fn aging(&mut self, accounts: Accounts, buckets: Vec<u32>) -> Result<Aged, Fault> {
        let session = self.called(&[&accounts, &buckets])?;
        let (accounts, buckets) = (convert::accounts(accounts)?, convert::buckets(buckets)?);
        let aging = session
            .aging(&accounts, &buckets)
            .await
            .map_err(convert::hyphenated)?;
        self.hand(convert::aged(aging))
    }

    async fn balances(&mut self, accounts: Accounts, page: Page) -> Result<Listing, Fault> {
        let session = self.called(&[&accounts, &page])?;
        let balances = session
            .balances(&convert::accounts(accounts)?, &convert::paging(page))
            .await
            .map_err(convert::hyphenated)?;
        self.hand(convert::balances(balances))
    }
}
