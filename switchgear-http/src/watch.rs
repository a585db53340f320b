//! Files that change while something made of them is in use: certificates, and the keys of tokens.
//!
//! They are read again once a second, whatever the file system tells of them: a renewal may write a
//! file, rename another over it (certbot), or turn a link to a whole folder (Kubernetes).

use std::{
    array, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use switchgear_core::ErrorChain;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Some files, and what they held when it was last taken up.
pub(crate) struct Files<const N: usize> {
    paths: [PathBuf; N],
    /// Hashes, so that no private key lies here.
    taken: [Vec<u8>; N],
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub(crate) struct Unreadable {
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

impl<const N: usize> Files<N> {
    /// Reads them for the first time, and takes what they hold as taken up.
    pub(crate) fn read(paths: [PathBuf; N]) -> Result<(Self, [Vec<u8>; N]), Unreadable> {
        let contents = read(&paths)?;
        let taken = hashes(&contents);
        Ok((Self { paths, taken }, contents))
    }

    /// Gives `take` what they hold, each time that it has changed, for ever.
    ///
    /// What `take` refuses is given to it again at the next look, so that files which replace each
    /// other one by one are taken up with the last of them. A fault is told once, and not before it is
    /// there at two looks: such a renewal passes through one. `what` is the name of what stays in use.
    pub(crate) async fn watch<T>(self, what: &str, take: T)
    where
        T: Fn([Vec<u8>; N]) -> Result<(), String> + Send + Sync + 'static,
    {
        let path = self.paths.first().cloned().unwrap_or_default();
        let (mut files, take) = (self, Arc::new(take));
        let mut faults = Faults::default();
        loop {
            tokio::time::sleep(PERIOD).await;
            let take = Arc::clone(&take);
            // A disk may hang, and no thread that serves shall wait for it.
            let look = tokio::task::spawn_blocking(move || {
                let fault = files.look(&*take).err();
                (files, fault)
            });
            let Ok((looked_at, fault)) = look.await else {
                tracing::error!("{} is watched no more", path.display());
                return;
            };
            files = looked_at;
            if let Some(fault) = faults.due(fault) {
                tracing::warn!("{} keeps its old {what}: {fault}", path.display());
            }
        }
    }

    /// Gives `take` what the files hold if that has changed.
    fn look(&mut self, take: &impl Fn([Vec<u8>; N]) -> Result<(), String>) -> Result<(), String> {
        let contents = read(&self.paths).map_err(|error| ErrorChain(&error).to_string())?;
        let found = hashes(&contents);
        if found != self.taken {
            take(contents)?;
            self.taken = found;
        }
        Ok(())
    }
}

/// What has been wrong, look after look.
#[derive(Debug, Default)]
struct Faults {
    last: Option<String>,
    told: bool,
}

impl Faults {
    /// The fault, when it is time to tell it.
    fn due(&mut self, found: Option<String>) -> Option<&str> {
        if found != self.last {
            self.last = found;
            self.told = false;
            return None;
        }
        let is_new = !std::mem::replace(&mut self.told, true);
        self.last.as_deref().filter(|_| is_new)
    }
}

fn read<const N: usize>(paths: &[PathBuf; N]) -> Result<[Vec<u8>; N], Unreadable> {
    let mut contents = array::from_fn(|_| Vec::new());
    for (path, content) in paths.iter().zip(&mut contents) {
        *content = fs::read(path).map_err(|source| Unreadable {
            path: Path::to_owned(path),
            source,
        })?;
    }
    Ok(contents)
}

fn hashes<const N: usize>(contents: &[Vec<u8>; N]) -> [Vec<u8>; N] {
    contents
        .each_ref()
        .map(|content| digest(&SHA256, content).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tempfile::TempDir;
    use tracing::Level;

    use super::*;
    use crate::testing::Recorder;

    fn two_files(folder: &TempDir) -> [PathBuf; 2] {
        let paths = ["one", "two"].map(|name| folder.path().join(name));
        for path in &paths {
            fs::write(path, "old").unwrap();
        }
        paths
    }

    /// Takes what is the same in both files.
    fn same([one, two]: [Vec<u8>; 2]) -> Result<(), String> {
        if one == two {
            Ok(())
        } else {
            Err("they differ".to_owned())
        }
    }

    #[test]
    fn takes_up_what_changed_once_all_of_it_fits_together() {
        let folder = TempDir::new().unwrap();
        let paths = two_files(&folder);
        let (mut files, _) = Files::read(paths.clone()).unwrap();
        let untouched = |_| Err("nothing changed".to_owned());
        assert_eq!(files.look(&untouched), Ok(()));
        fs::write(&paths[0], "new").unwrap();
        for _ in 0..2 {
            assert_eq!(files.look(&same), Err("they differ".to_owned()));
        }
        fs::write(&paths[1], "new").unwrap();
        assert_eq!(files.look(&same), Ok(()));
        assert_eq!(files.look(&untouched), Ok(()));
    }

    #[test]
    fn a_file_that_is_gone_is_a_fault_until_it_is_back() {
        let folder = TempDir::new().unwrap();
        let paths = two_files(&folder);
        let (mut files, _) = Files::read(paths.clone()).unwrap();
        fs::remove_file(&paths[1]).unwrap();
        let fault = files.look(&same).unwrap_err();
        assert!(fault.contains("two: No such file"), "{fault}");
        fs::write(&paths[1], "old").unwrap();
        assert_eq!(files.look(&same), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn sees_files_renamed_over_and_links_turned() {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        for version in ["1", "2", "3"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("key"), version).unwrap();
        }
        let turn_to = |version: &str| {
            std::os::unix::fs::symlink(version, at("new")).unwrap();
            fs::rename(at("new"), at("current")).unwrap();
        };
        turn_to("1");
        let (mut files, contents) = Files::read([at("current").join("key")]).unwrap();
        assert_eq!(contents, [b"1".to_vec()]);
        let seen = Mutex::new(Vec::new());
        let take = |[content]: [Vec<u8>; 1]| {
            seen.lock().unwrap().push(content);
            Ok(())
        };
        turn_to("2");
        files.look(&take).unwrap();
        fs::rename(at("3").join("key"), at("2").join("key")).unwrap();
        files.look(&take).unwrap();
        assert_eq!(*seen.lock().unwrap(), [b"2", b"3"]);
    }

    #[test]
    fn a_fault_is_due_once_and_not_at_its_first_look() {
        let mut faults = Faults::default();
        let mut due = |found: &str| {
            let fault = Some(found.to_owned()).filter(|found| !found.is_empty());
            faults.due(fault).map(str::to_owned)
        };
        for (found, told) in [
            ("", None),
            ("a", None),
            ("", None),
            ("a", None),
            ("a", Some("a")),
            ("a", None),
            ("b", None),
            ("b", Some("b")),
            ("", None),
            ("", None),
            ("b", None),
            ("b", Some("b")),
        ] {
            assert_eq!(due(found).as_deref(), told);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tells_what_is_wrong_and_which_file_it_is() {
        let recorder = Recorder::default();
        let _guard = tracing::subscriber::set_default(recorder.clone());
        let folder = TempDir::new().unwrap();
        let paths = two_files(&folder);
        let (files, _) = Files::read(paths.clone()).unwrap();
        fs::write(&paths[0], "new").unwrap();
        let (seen, mut looks) = tokio::sync::mpsc::unbounded_channel();
        let watch = files.watch("pair", move |contents| {
            // Nobody listens any more when the test is over.
            let _ = seen.send(());
            same(contents)
        });
        let five_looks = async {
            for _ in 1..=5 {
                looks.recv().await.unwrap();
            }
        };
        tokio::select! {
            () = watch => panic!("it ended"),
            () = five_looks => {}
        }
        let logged = recorder.take();
        let [(Level::WARN, _, message)] = logged.as_slice() else {
            panic!("one warning, not {logged:?}");
        };
        assert!(message.ends_with("one keeps its old pair: they differ"));
    }
}
