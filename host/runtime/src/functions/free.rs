//! What needs no permission: the run's clock, its randomness, its log.

use crate::{
    contract::bursar::office::{clock, log, random, types::Pair},
    ending::Fault,
    guest::Guest,
};

/// These functions have no error that a guest could be told.
fn ended(fault: Fault) -> wasmtime::Error {
    match fault {
        Fault::End(error) => error,
        Fault::Guest(error) => {
            wasmtime::format_err!("a function without errors has one: {error:?}")
        }
    }
}

impl clock::Host for Guest {
    async fn now(&mut self) -> wasmtime::Result<i64> {
        Ok(self.called(&[]).map_err(ended)?.now_us())
    }

    async fn today(&mut self) -> wasmtime::Result<String> {
        let today = self
            .called(&[])
            .and_then(|session| Ok(session.today()?))
            .map_err(ended)?;
        self.hand(today.to_string()).map_err(ended)
    }

    async fn to_local(&mut self, at: i64, zone: String) -> Result<String, Fault> {
        let local = self.called(&[&at, &zone])?.to_local(at, &zone)?;
        self.hand(local)
    }

    async fn to_instant(&mut self, local: String, zone: String) -> Result<i64, Fault> {
        Ok(self.called(&[&local, &zone])?.to_instant(&local, &zone)?)
    }
}

impl random::Host for Guest {
    async fn number(&mut self) -> wasmtime::Result<u64> {
        Ok(self.called(&[]).map_err(ended)?.random_number())
    }

    async fn bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        let bytes = self.called(&[&length]).map_err(ended)?.random_bytes(length);
        self.hand(bytes).map_err(ended)
    }
}

impl log::Host for Guest {
    async fn write(
        &mut self,
        level: log::Level,
        message: String,
        fields: Vec<Pair>,
    ) -> wasmtime::Result<()> {
        self.called(&[&level, &message, &fields]).map_err(ended)?;
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        self.log(
            level,
            message,
            fields
                .into_iter()
                .map(|pair| (pair.name, pair.value))
                .collect(),
        );
        Ok(())
    }
}
