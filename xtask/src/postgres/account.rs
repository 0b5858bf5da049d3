//! Who runs the cluster.
//!
//! Job: PostgreSQL refuses to run as root, so root lends its children another user's id. The standard library can do
//! that by itself, which spares `runuser`, `setpriv` and `sudo`: not every machine has them. It does not know what is
//! started. Entered at [`Account::ordinary`].

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// In this order: the user that packages make for PostgreSQL, and the one that owns nothing.
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// The ids of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    user_id: u32,
    group_id: u32,
}

impl Account {
    /// The user to become; none when we are an ordinary user already.
    pub fn ordinary() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let account = NAMES.iter().find_map(|name| find(&users, name));
        account
            .map(Some)
            .context("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
    }

    /// Gives this user a folder or file.
    pub fn own(self, path: &Path) -> Result<()> {
        chown(path, Some(self.user_id), Some(self.group_id))
            .with_context(|| format!("cannot give {} to user {}", path.display(), self.user_id))
    }

    /// Has this user run a command.
    pub fn lend(self, command: &mut Command) {
        command.uid(self.user_id).gid(self.group_id);
    }
}

/// A user in the text of `/etc/passwd`: name, password, user id, group id, ...
fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let user_id = fields.nth(1)?.parse().ok()?;
        let group_id = fields.next()?.parse().ok()?;
        Some(Account { user_id, group_id })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/nonexistent:/usr/sbin/nologin\nshort:x\n";

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        assert_eq!(
            find(USERS, "nobody"),
            Some(Account {
                user_id: 65534,
                group_id: 65533
            })
        );
        assert_eq!(find(USERS, "no"), None);
        assert_eq!(find(USERS, "postgres"), None);
    }

    #[test]
    fn a_line_without_ids_is_no_user() {
        assert_eq!(find(USERS, "short"), None);
    }
}
