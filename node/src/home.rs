//! The data directory: a school's keys and what it says of itself.

mod key_file;
pub(crate) mod private_json;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use staffroom_protocol::group::{Claims, NameError};
use staffroom_protocol::hash::SchoolId;
use staffroom_protocol::identity::{CertificateError, NodeCertificate, SecretKey};
use zeroize::Zeroizing;

use crate::clock::now_millis;
use key_file::{KeyError, LockedWith};

/// The shortest passphrase: three short words. Argon2id makes each try of it slow.
const MIN_PASSPHRASE_CHARS: usize = 12;

/// A key file has at least the bits of a key, and is no film.
const MIN_KEY_FILE_BYTES: usize = 16;
const MAX_KEY_FILE_BYTES: usize = 64 * 1024;

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
    /// Its school is being recovered.
    #[error("the recovery of the school in {} has not finished; go on with: staffroom recover --data {}", .0.display(), .0.display())]
    Recovering(PathBuf),
    /// The school's key is needed and locked with a passphrase.
    #[error(
        "this needs the school's key, which is locked with a passphrase; run the command at a terminal, or put the passphrase into STAFFROOM_PASSPHRASE"
    )]
    Locked,
    /// The passphrase is another.
    #[error("the passphrase is not the one that the school's key was locked with")]
    WrongPassphrase,
    /// The key file is another.
    #[error("{} is not the file that the keys were locked with; put back the one that was there when the school was set up", .0.display())]
    WrongKeyFile(PathBuf),
    /// A passphrase is too short.
    #[error(
        "the passphrase must have at least {MIN_PASSPHRASE_CHARS} characters; three or four random words are easy to keep in mind"
    )]
    ShortPassphrase,
    /// A key file holds too little or too much.
    #[error("the key file {} has {found} bytes and must have {MIN_KEY_FILE_BYTES} to {MAX_KEY_FILE_BYTES}; make one with: head -c 32 /dev/urandom > FILE", path.display())]
    KeyFileLength {
        /// The file.
        path: PathBuf,
        /// How many bytes it has.
        found: usize,
    },
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

    /// The file of words that mean the same in a search, which a trust may write.
    pub fn synonyms(&self) -> PathBuf {
        self.dir.join("synonyms.txt")
    }

    /// The folder of the search index.
    pub fn index(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// The file of the searches that the school keeps.
    pub(crate) fn saved_searches(&self) -> PathBuf {
        self.dir.join("saved-searches.json")
    }

    /// The folder of what staff are writing.
    pub(crate) fn drafts(&self) -> PathBuf {
        self.dir.join("drafts")
    }

    /// What is known of other members' copies of files.
    pub(crate) fn copies(&self) -> PathBuf {
        self.dir.join("copies")
    }

    /// The file of what staff asked lately.
    pub(crate) fn past_searches(&self) -> PathBuf {
        self.dir.join("past-searches.json")
    }

    /// The folder of pictures of files, which may be deleted at any time.
    pub(crate) fn previews(&self) -> PathBuf {
        self.dir.join("previews")
    }

    /// The file of the people who may sign in.
    pub(crate) fn people(&self) -> PathBuf {
        self.dir.join("people.json")
    }

    /// The file of the provider at which staff have accounts already, with the secret for it.
    pub(crate) fn provider(&self) -> PathBuf {
        self.dir.join("provider.json")
    }

    /// The file of where backups go.
    pub(crate) fn backup(&self) -> PathBuf {
        self.dir.join("backup.json")
    }

    /// The file that says that this is what was in a backup.
    pub(crate) fn restored(&self) -> PathBuf {
        self.dir.join("restored.json")
    }

    /// The file of the mail server, with the password for it.
    pub(crate) fn mail(&self) -> PathBuf {
        self.dir.join("mail.json")
    }

    /// The file of who is signed in.
    pub(crate) fn sessions(&self) -> PathBuf {
        self.dir.join("sessions.json")
    }

    /// The file of who did what.
    pub(crate) fn audit_log(&self) -> PathBuf {
        self.dir.join("audit.jsonl")
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

    fn recovering(&self) -> PathBuf {
        self.key("recovering")
    }

    /// Whether a school is being recovered here.
    pub(crate) fn is_recovering(&self) -> bool {
        self.recovering().exists()
    }

    /// Whether a school was set up here.
    pub fn is_set_up(&self) -> bool {
        self.claims().exists()
    }

    /// Makes the keys of a new school and of its first node; returns who the node is, and the
    /// school's key for its recovery kit.
    ///
    /// # Errors
    /// [`HomeError`] if the directory is in use or cannot be written, or a name cannot be used.
    pub fn init(&self, claims: Claims, lock: &Lock) -> Result<(Identity, SecretKey), HomeError> {
        claims.check()?;
        if self.is_set_up() || self.is_recovering() {
            return Err(HomeError::Exists(self.dir.clone()));
        }
        let school = SecretKey::from_seed(&random(&self.dir)?);
        self.make_keys(&school, lock)?;
        self.complete(&claims)?;
        Ok((self.identity()?, school))
    }

    /// Makes the keys of a new node for a school whose key is known: a new server, or a standby.
    /// Nothing else can be done here until [`complete`](Self::complete).
    ///
    /// # Errors
    /// [`HomeError`] if the directory is in use or cannot be written.
    pub(crate) fn begin_recovery(&self, school: &SecretKey, lock: &Lock) -> Result<(), HomeError> {
        if self.is_set_up() {
            return Err(HomeError::Exists(self.dir.clone()));
        }
        if self.is_recovering() && self.certificate()?.school_key() == school.public() {
            return Ok(());
        }
        self.make_keys(school, lock)?;
        write_private(&self.recovering(), &[])
    }

    fn make_keys(&self, school: &SecretKey, lock: &Lock) -> Result<(), HomeError> {
        let keys = self.dir.join("keys");
        fs::create_dir_all(&keys).map_err(|error| HomeError::File { path: keys, error })?;
        let node = SecretKey::from_seed(&random(&self.dir)?);
        let certificate = NodeCertificate::issue(school, node.public(), now_millis());
        let school = match lock {
            Lock::Open => school.seed().to_vec().into(),
            Lock::Passphrase(words) => {
                self.locked(school, LockedWith::Passphrase, words.as_bytes())?
            }
            Lock::KeyFile(file) => {
                let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
                let secret = read_key_file(&path)?;
                write_private(&self.key("key-file"), path.as_os_str().as_encoded_bytes())?;
                self.locked(school, LockedWith::KeyFile, &secret)?
            }
        };
        // A passphrase for the node's key would have to be typed at every start.
        let node = match lock {
            Lock::Open | Lock::Passphrase(_) => node.seed().to_vec().into(),
            Lock::KeyFile(file) => {
                self.locked(&node, LockedWith::KeyFile, &read_key_file(file)?)?
            }
        };
        write_private(&self.key("school.key"), &school)?;
        write_private(&self.key("node.key"), &node)?;
        write_private(&self.key("node.certificate"), certificate.as_bytes())
    }

    fn locked(
        &self,
        key: &SecretKey,
        with: LockedWith,
        secret: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HomeError> {
        let random = (random(&self.dir)?, random(&self.dir)?);
        key_file::lock(key, with, secret, random).map(Zeroizing::new).ok_or_else(|| {
            let error = io::Error::other("the key could not be locked: not enough memory");
            HomeError::File { path: self.dir.clone(), error }
        })
    }

    /// Says that the directory is ready for use, as the school with these claims.
    ///
    /// # Errors
    /// [`HomeError`] if it cannot be written.
    pub(crate) fn complete(&self, claims: &Claims) -> Result<(), HomeError> {
        // Written last: its presence says that the rest is complete.
        let said = serde_json::to_vec_pretty(claims).unwrap_or_default();
        write_private(&self.claims(), &said)?;
        match fs::remove_file(self.recovering()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(HomeError::File { path: self.recovering(), error })
            }
            _ => Ok(()),
        }
    }

    /// Reads who this node is.
    ///
    /// # Errors
    /// [`HomeError`] if nothing was set up or a file is damaged.
    pub fn identity(&self) -> Result<Identity, HomeError> {
        if self.is_recovering() {
            return Err(HomeError::Recovering(self.dir.clone()));
        }
        if !self.is_set_up() {
            return Err(HomeError::Missing(self.dir.clone()));
        }
        let path = self.claims();
        let claims = serde_json::from_slice(&read(&path)?)
            .map_err(|error| HomeError::Damaged { path, reason: error.to_string() })?;
        self.identity_of(claims)
    }

    /// Who this node is while its school is being recovered, of which its peers have still to say
    /// what it is called.
    pub(crate) fn recovering_identity(&self) -> Result<Identity, HomeError> {
        let name = "a school that is being recovered".to_owned();
        self.identity_of(Claims { name, urn: None, phase: None, location: None })
    }

    fn identity_of(&self, claims: Claims) -> Result<Identity, HomeError> {
        let node = self.secret_key("node.key", None)?;
        let certificate = self.certificate()?;
        if certificate.node() != node.public() {
            let reason = "it was issued for another key than node.key".into();
            return Err(HomeError::Damaged { path: self.key("node.certificate"), reason });
        }
        Ok(Identity { node, certificate, claims })
    }

    fn certificate(&self) -> Result<NodeCertificate, HomeError> {
        let path = self.key("node.certificate");
        NodeCertificate::verify(&read(&path)?).map_err(|error: CertificateError| {
            HomeError::Damaged { path, reason: error.to_string() }
        })
    }

    /// The school's own key, for what no node may do: to certify and revoke nodes, and to act for
    /// a group's root.
    ///
    /// # Errors
    /// [`HomeError::Locked`] where it is locked with a passphrase and none is given, and other
    /// errors if it cannot be read.
    pub(crate) fn school_key(&self, passphrase: Option<&str>) -> Result<SecretKey, HomeError> {
        self.secret_key("school.key", passphrase)
    }

    /// Whether what needs the school's key asks for a passphrase.
    pub(crate) fn asks_for_passphrase(&self) -> bool {
        let file = read(&self.key("school.key")).map(Zeroizing::new);
        let locked_with = file.ok().and_then(|file| key_file::locked_with(&file));
        locked_with == Some(LockedWith::Passphrase)
    }

    fn secret_key(&self, name: &str, passphrase: Option<&str>) -> Result<SecretKey, HomeError> {
        let path = self.key(name);
        let mut key_file_error = None;
        let secret = |with| match with {
            LockedWith::Passphrase => {
                passphrase.map(|words| Zeroizing::new(words.as_bytes().to_vec()))
            }
            LockedWith::KeyFile => {
                let found = self.key_file_path().and_then(|path| read_key_file(&path));
                found.map_err(|error| key_file_error = Some(error)).ok()
            }
        };
        let read = key_file::read(&Zeroizing::new(read(&path)?), secret);
        read.map_err(|error| match error {
            KeyError::Damaged => {
                let reason = "it holds neither 32 bytes nor a key that was locked".into();
                HomeError::Damaged { path, reason }
            }
            KeyError::Locked(_) => key_file_error.unwrap_or(HomeError::Locked),
            KeyError::WrongSecret(LockedWith::Passphrase) => HomeError::WrongPassphrase,
            KeyError::WrongSecret(LockedWith::KeyFile) => match self.key_file_path() {
                Ok(path) => HomeError::WrongKeyFile(path),
                Err(error) => error,
            },
        })
    }

    fn key_file_path(&self) -> Result<PathBuf, HomeError> {
        use std::os::unix::ffi::OsStringExt;
        Ok(std::ffi::OsString::from_vec(read(&self.key("key-file"))?).into())
    }
}

/// Reads the secret in a key file.
fn read_key_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, HomeError> {
    let secret = Zeroizing::new(read(path)?);
    if (MIN_KEY_FILE_BYTES..=MAX_KEY_FILE_BYTES).contains(&secret.len()) {
        return Ok(secret);
    }
    Err(HomeError::KeyFileLength { path: path.to_path_buf(), found: secret.len() })
}

/// What protects the keys on the disk.
#[derive(Debug, Clone)]
pub enum Lock {
    /// Nothing but the permissions of the files.
    Open,
    /// The school's key is locked with a passphrase.
    Passphrase(Zeroizing<String>),
    /// The school's key and the node's are locked with the content of a file, such as one on a
    /// drive that is there only while the node starts.
    KeyFile(PathBuf),
}

impl Lock {
    /// Locks with a passphrase, if it is long enough.
    ///
    /// # Errors
    /// [`HomeError::ShortPassphrase`] says the rule.
    pub fn passphrase(words: String) -> Result<Self, HomeError> {
        let words = Zeroizing::new(words);
        if words.chars().count() < MIN_PASSPHRASE_CHARS {
            return Err(HomeError::ShortPassphrase);
        }
        Ok(Self::Passphrase(words))
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
        let (made, _) = home.init(claims("Ash Primary"), &Lock::Open).unwrap();
        let read = home.identity().unwrap();
        assert_eq!((read.school(), read.claims()), (made.school(), &claims("Ash Primary")));
        assert!(matches!(home.init(claims("Again"), &Lock::Open), Err(HomeError::Exists(_))));
        for name in ["school.key", "node.key"] {
            let mode = fs::metadata(home.key(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_damaged_key_or_a_bad_name_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        assert!(
            home.init(claims(" "), &Lock::Open)
                .unwrap_err()
                .to_string()
                .contains("the school's name")
        );
        home.init(claims("Ash Primary"), &Lock::Open).unwrap();
        fs::write(home.key("node.key"), b"short").unwrap();
        let error = home.identity().unwrap_err().to_string();
        assert!(error.contains("node.key is damaged: it holds neither 32 bytes"), "{error}");
    }
}
