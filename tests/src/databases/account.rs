//! Which user a server runs as: PostgreSQL refuses to be root.

use std::{
    fs::Permissions,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use anyhow::Context;

/// `nobody` and its group, wherever there are such.
const NOBODY: u32 = 65_534;

/// The user that a server's processes run as, and whom its files belong to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    is_root: bool,
}

impl Account {
    /// This process's own user, but for root, who becomes nobody.
    pub(super) fn for_servers() -> Self {
        Self {
            is_root: rustix::process::geteuid().is_root(),
        }
    }

    /// Gives a file or folder to the user, and to nobody else.
    pub(super) fn own(self, path: &Path, mode: u32) -> anyhow::Result<()> {
        let given = || {
            std::fs::set_permissions(path, Permissions::from_mode(mode))?;
            if self.is_root {
                chown(path, Some(NOBODY), Some(NOBODY))?;
            }
            std::io::Result::Ok(())
        };
        given().with_context(|| format!("{} cannot be given away", path.display()))
    }

    /// Lets a command run as the user.
    pub(super) fn take(self, command: &mut Command) {
        if self.is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
    }

    /// What tells `nsenter` to become the user.
    pub(super) fn nsenter_arguments(self) -> Vec<String> {
        if self.is_root {
            vec![format!("--setuid={NOBODY}"), format!("--setgid={NOBODY}")]
        } else {
            Vec::new()
        }
    }
}
