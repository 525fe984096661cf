//! The data directory: a school's keys and what it says of itself.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use staffroom_protocol::group::{Claims, NameError};
use staffroom_protocol::hash::SchoolId;
use staffroom_protocol::identity::{CertificateError, NodeCertificate, SecretKey};
use zeroize::Zeroizing;

use crate::clock::now_millis;

/// The data directory and the paths in it.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
}

/// Who this node is.
#[derive(Debug, Clone)]
pub struct Identity {
    node: SecretKey,
    certificate: NodeCertificate,
    claims: Claims,
}

impl Identity {
    /// The school that this node publishes for.
    pub fn school(&self) -> SchoolId {
        self.certificate.school()
    }

    /// The key that authenticates this node and signs its entries.
    pub fn node_key(&self) -> &SecretKey {
        &self.node
    }

    /// The school's word that this node may publish for it.
    pub fn certificate(&self) -> &NodeCertificate {
        &self.certificate
    }

    /// What the school says of itself.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// Why a data directory cannot be set up or read.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// It is set up already.
    #[error("{} is set up already; use it as it is, or choose another directory with --data", .0.display())]
    Exists(PathBuf),
    /// It is not set up.
    #[error("{} holds no school yet; set it up with: staffroom init --name NAME --data {}", .0.display(), .0.display())]
    Missing(PathBuf),
    /// A name cannot be used.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} is damaged: {reason}; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Home {
    /// A data directory that may not exist yet.
    pub fn new(dir: &Path) -> Self {
        // The path is shown in messages and compared between processes.
        Self { dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf()) }
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of the search index.
    pub fn index(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// The folder of the blobs.
    pub fn blobs(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    /// The file with the token that the command line shows to the running node.
    pub fn token(&self) -> PathBuf {
        self.dir.join("api-token")
    }

    /// The file with the address at which the running node answers the command line.
    pub fn api_address(&self) -> PathBuf {
        self.dir.join("api-address")
    }

    fn claims(&self) -> PathBuf {
        self.dir.join("school.json")
    }

    fn key(&self, name: &str) -> PathBuf {
        self.dir.join("keys").join(name)
    }

    /// Whether a school was set up here.
    pub fn is_set_up(&self) -> bool {
        self.claims().exists()
    }

    /// Makes the keys of a new school and of its first node.
    ///
    /// # Errors
    /// [`HomeError`] if the directory is in use or cannot be written, or a name cannot be used.
    pub fn init(&self, claims: Claims) -> Result<Identity, HomeError> {
        claims.check()?;
        if self.is_set_up() {
            return Err(HomeError::Exists(self.dir.clone()));
        }
        let keys = self.dir.join("keys");
        fs::create_dir_all(&keys).map_err(|error| HomeError::File { path: keys, error })?;
        let school = SecretKey::from_seed(&random(&self.dir)?);
        let node = SecretKey::from_seed(&random(&self.dir)?);
        let certificate = NodeCertificate::issue(&school, node.public(), now_millis());
        write_private(&self.key("school.key"), school.seed().as_slice())?;
        write_private(&self.key("node.key"), node.seed().as_slice())?;
        write_private(&self.key("node.certificate"), certificate.as_bytes())?;
        let said = serde_json::to_vec_pretty(&claims).unwrap_or_default();
        // Written last: its presence says that the rest is complete.
        write_private(&self.claims(), &said)?;
        Ok(Identity { node, certificate, claims })
    }

    /// Reads who this node is.
    ///
    /// # Errors
    /// [`HomeError`] if nothing was set up or a file is damaged.
    pub fn identity(&self) -> Result<Identity, HomeError> {
        if !self.is_set_up() {
            return Err(HomeError::Missing(self.dir.clone()));
        }
        let path = self.claims();
        let claims = serde_json::from_slice(&read(&path)?)
            .map_err(|error| HomeError::Damaged { path, reason: error.to_string() })?;
        let node = self.secret_key("node.key")?;
        let path = self.key("node.certificate");
        let certificate =
            NodeCertificate::verify(&read(&path)?).map_err(|error: CertificateError| {
                HomeError::Damaged { path: path.clone(), reason: error.to_string() }
            })?;
        if certificate.node() != node.public() {
            let reason = "it was issued for another key than node.key".into();
            return Err(HomeError::Damaged { path, reason });
        }
        Ok(Identity { node, certificate, claims })
    }

    /// The school's own key, for what no node may do: to certify and revoke nodes, and to act for
    /// a group's root.
    ///
    /// # Errors
    /// [`HomeError`] if the file is not there or damaged.
    pub(crate) fn school_key(&self) -> Result<SecretKey, HomeError> {
        self.secret_key("school.key")
    }

    fn secret_key(&self, name: &str) -> Result<SecretKey, HomeError> {
        let path = self.key(name);
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(read(&path)?.try_into().map_err(|_| {
            HomeError::Damaged { path: path.clone(), reason: "a key has 32 bytes".into() }
        })?);
        Ok(SecretKey::from_seed(&seed))
    }
}

/// Bytes from the operating system's random source.
///
/// # Errors
/// [`HomeError`] if the operating system has none to give.
pub(crate) fn random<const N: usize>(dir: &Path) -> Result<[u8; N], HomeError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| HomeError::File {
        path: dir.to_path_buf(),
        error: io::Error::other(format!("no random numbers: {error}")),
    })?;
    Ok(bytes)
}

/// Writes a file that only its owner may read: complete under its name, or not there.
///
/// # Errors
/// [`HomeError`] names the file and what the operating system says.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let wrong = |error| HomeError::File { path: path.to_path_buf(), error };
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(wrong)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(wrong)?;
    fs::rename(&temporary, path).map_err(wrong)
}

fn read(path: &Path) -> Result<Vec<u8>, HomeError> {
    fs::read(path).map_err(|error| HomeError::File { path: path.to_path_buf(), error })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn claims(name: &str) -> Claims {
        Claims { name: name.into(), urn: None, phase: None, location: None }
    }

    #[test]
    fn a_school_is_set_up_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        assert!(matches!(home.identity(), Err(HomeError::Missing(_))));
        let made = home.init(claims("Ash Primary")).unwrap();
        let read = home.identity().unwrap();
        assert_eq!((read.school(), read.claims()), (made.school(), &claims("Ash Primary")));
        assert!(matches!(home.init(claims("Again")), Err(HomeError::Exists(_))));
        for name in ["school.key", "node.key"] {
            let mode = fs::metadata(home.key(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_damaged_key_or_a_bad_name_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        assert!(home.init(claims(" ")).unwrap_err().to_string().contains("the school's name"));
        home.init(claims("Ash Primary")).unwrap();
        fs::write(home.key("node.key"), b"short").unwrap();
        let error = home.identity().unwrap_err().to_string();
        assert!(error.contains("node.key is damaged: a key has 32 bytes"), "{error}");
    }
}
