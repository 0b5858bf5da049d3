//! Installs PostgreSQL on Debian and its relatives.
//!
//! Job: the server's programs, without the system-wide cluster that the package would make and start: the tests bring
//! their own. It does not know which release it gets. Entered at [`with_apt`].

use std::fs;

use anyhow::{Context, Result};

use crate::apt;
use crate::foreground::Foreground;

/// Read by the packages' scripts when they decide whether to make a cluster.
const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";
const MAIN_CLUSTER: &str = "create_main_cluster";

/// Installs the newest release that the machine's package sources offer; only root can.
pub fn with_apt(foreground: &mut Foreground) -> Result<()> {
    apt::check()?;
    eprintln!("installing PostgreSQL with apt-get");
    apt::run(foreground, &["update"])?;
    // The settings come with this package, and must be changed before the server's scripts read them.
    apt::install(foreground, &["postgresql-common"])?;
    let settings = fs::read_to_string(CLUSTER_SETTINGS)
        .with_context(|| format!("cannot read {CLUSTER_SETTINGS}"))?;
    let changed = fs::write(CLUSTER_SETTINGS, without_main_cluster(&settings));
    let installed = changed
        .with_context(|| format!("cannot change {CLUSTER_SETTINGS}"))
        .and_then(|()| apt::install(foreground, &["postgresql"]));
    // The machine is not ours: what its owner had set there is put back, whatever happened.
    fs::write(CLUSTER_SETTINGS, settings)
        .with_context(|| format!("cannot restore {CLUSTER_SETTINGS}"))?;
    installed
}

/// The same settings, but for the main cluster, which is not made.
fn without_main_cluster(settings: &str) -> String {
    let others = settings
        .lines()
        .filter(|line| !line.trim_start().starts_with(MAIN_CLUSTER));
    let switch = format!("{MAIN_CLUSTER} = false");
    others
        .chain([switch.as_str()])
        .fold(String::new(), |text, line| text + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_cluster_is_switched_off_and_the_rest_stays() {
        for (settings, expected) in [
            ("", "create_main_cluster = false\n"),
            (
                "# create_main_cluster = true\nssl = on\n",
                "# create_main_cluster = true\nssl = on\ncreate_main_cluster = false\n",
            ),
            (
                "create_main_cluster = true\nssl = on",
                "ssl = on\ncreate_main_cluster = false\n",
            ),
        ] {
            assert_eq!(without_main_cluster(settings), expected);
        }
    }
}
