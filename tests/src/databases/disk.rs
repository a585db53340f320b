//! A disk that is soon full.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, bail};

use crate::{
    Process,
    programs::{program, say},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// A small file system in memory that only those see who are started through it.
///
/// It is mounted in a namespace of its own, which takes root's rights; it is gone with the last process in it.
#[derive(Debug)]
pub struct SmallDisk {
    holder: Process,
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it over `folder/disk`. Where that is not allowed, this is said and there is none; under
    /// `CI=true` it is an error.
    ///
    /// # Errors
    ///
    /// When it cannot be mounted, under `CI=true`.
    pub async fn mount_or_skip(folder: &Path, mebibytes: u32) -> anyhow::Result<Option<Self>> {
        match Self::mount(folder, mebibytes).await {
            Ok(disk) => Ok(Some(disk)),
            Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => Err(error),
            Err(error) => {
                say(&format!("UNTESTED: a full disk: {error:#}"));
                Ok(None)
            }
        }
    }

    async fn mount(folder: &Path, mebibytes: u32) -> anyhow::Result<Self> {
        const SCRIPT: &str = r#"
            mount -t tmpfs -o "size=$1m,mode=1777" tmpfs "$0" && echo mounted && exec sleep infinity
        "#;
        let disk = folder.join("disk");
        fs::create_dir_all(&disk)?;
        let mut command = Command::new(program("unshare")?);
        command
            .args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT])
            .arg(&disk)
            .arg(mebibytes.to_string());
        let mut holder = Process::spawn("the small disk", command, &folder.join("disk.log"))?;
        holder.wait_for_line("mounted", PATIENCE).await?;
        Ok(Self {
            holder,
            folder: disk,
        })
    }

    /// Where it is mounted, for those who are started through it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command that sees the disk; `options` are `nsenter`'s.
    ///
    /// # Errors
    ///
    /// When `nsenter` is missing.
    pub fn command(&self, options: &[String], program_file: &Path) -> anyhow::Result<Command> {
        let mut command = Command::new(program("nsenter")?);
        command
            .arg(format!("--target={}", self.holder.id()))
            .arg("--mount")
            .args(options)
            .arg("--")
            .arg(program_file);
        Ok(command)
    }

    /// Takes all the room that is left.
    ///
    /// # Errors
    ///
    /// When the disk is not full after all.
    pub fn fill(&self) -> anyhow::Result<()> {
        const PIECE: [u8; 4096] = [0; 4096];
        const MORE_THAN_ALL: usize = 1 << 20;

        let mut file = File::create(self.ballast())?;
        for _ in 0..MORE_THAN_ALL {
            match file.write_all(&PIECE) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        bail!("the small disk is not full")
    }

    /// Gives the room back.
    ///
    /// # Errors
    ///
    /// When it was not taken.
    pub fn free(&self) -> anyhow::Result<()> {
        fs::remove_file(self.ballast()).context("the disk was not full")
    }

    /// As seen from outside.
    fn ballast(&self) -> PathBuf {
        let below_root = self.folder.strip_prefix("/").unwrap_or(&self.folder);
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(below_root).join("ballast")
    }
}
