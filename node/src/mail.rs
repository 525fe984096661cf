//! The mail server by which this node writes to the school's own staff, where an administrator has set one.
//! Nobody outside the domains that were given is written to.

mod settings;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Category, Code};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::home::{Home, HomeError, private_json};

pub use self::settings::{Encryption, MailSettings, SettingsError};

use self::settings::Kept;

/// How long a server may take for one step, and for a whole letter.
const LONGEST_STEP: Duration = Duration::from_secs(30);
const LONGEST_LETTER: Duration = Duration::from_secs(90);

/// Why a letter was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    /// Nothing was set.
    #[error("no mail server is set; an administrator sets one with: staffroom mail set")]
    NotSet,
    /// Not an address of the school's staff.
    #[error(
        "{given:?} is not an e-mail address of {}; give one that ends with that", domains.join(" or ")
    )]
    To {
        /// What was given.
        given: String,
        /// The domains of the school's staff.
        domains: Vec<String>,
    },
    /// Settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The letter cannot be written.
    #[error("the e-mail could not be written: {0}")]
    Letter(#[from] lettre::error::Error),
    /// The server did not take it.
    #[error("{server} did not take the e-mail: {error}")]
    Server {
        /// The mail server.
        server: String,
        /// What it said, or what is in the way.
        error: lettre::transport::smtp::Error,
    },
    /// The server was too slow.
    #[error("{server} did not take the e-mail within {} seconds", LONGEST_LETTER.as_secs())]
    TooSlow {
        /// The mail server.
        server: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] HomeError),
}

impl MailError {
    /// Whether the server will not have this letter, such as for a mailbox that is not there, and may take the
    /// next one.
    pub(crate) fn is_about_the_letter(&self) -> bool {
        let Self::Server { error, .. } = self else { return false };
        // RFC 5321, section 4.2.1: 55x is the state of the mail system at the other end.
        let is_of_mailbox = |code: Code| code.category == Category::MailSystem;
        error.is_permanent() && error.status().is_some_and(is_of_mailbox)
    }
}

/// What is sent: plain text, which every program shows and in which nothing is loaded or run.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) to: Address,
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// The mail server that a school has set, if it has.
#[derive(Debug)]
pub(crate) struct Mail {
    path: PathBuf,
    kept: RwLock<Option<Arc<Kept>>>,
    /// What was in the way of the last letter; none once one was sent.
    problem: Mutex<Option<String>>,
}

impl Mail {
    /// Reads what was set.
    pub(crate) fn open(home: &Home) -> Self {
        let path = home.mail();
        let kept = Kept::read(&path).map(Arc::new);
        Self { kept: RwLock::new(kept), path, problem: Mutex::default() }
    }

    fn kept(&self) -> Option<Arc<Kept>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was set, but for the password.
    pub(crate) fn settings(&self) -> Option<MailSettings> {
        self.kept().map(|kept| kept.settings.clone())
    }

    /// Sets the server.
    ///
    /// # Errors
    /// [`MailError`] if the settings cannot be used or written.
    pub(crate) fn set(
        &self,
        settings: MailSettings,
        password: Option<String>,
    ) -> Result<(), MailError> {
        let new = Kept::new(settings, password)?;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        new.write(&self.path)?;
        *kept = Some(Arc::new(new));
        self.noted(None);
        Ok(())
    }

    /// Forgets the server.
    ///
    /// # Errors
    /// [`MailError::File`] if the file cannot be removed.
    pub(crate) fn forget(&self) -> Result<(), MailError> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        private_json::remove(&self.path)?;
        *kept = None;
        self.noted(None);
        Ok(())
    }

    /// What was in the way of the last letter.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn noted(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// The address of somebody of the school's staff.
    ///
    /// # Errors
    /// [`MailError::To`] for any other, [`MailError::NotSet`] where no mail server is set.
    pub(crate) fn address(&self, given: &str) -> Result<Address, MailError> {
        let kept = self.kept().ok_or(MailError::NotSet)?;
        kept.settings.staff(given)
    }

    /// Sends a letter, and keeps what is in the way for whoever looks at the settings.
    ///
    /// # Errors
    /// [`MailError`] if no server is set or it does not take the letter.
    pub(crate) async fn send(&self, school: &str, letter: Letter) -> Result<(), MailError> {
        let kept = self.kept().ok_or(MailError::NotSet)?;
        let sent = send(&kept, school, letter).await;
        self.noted(sent.as_ref().err().map(ToString::to_string));
        sent
    }
}

async fn send(kept: &Kept, school: &str, letter: Letter) -> Result<(), MailError> {
    let Letter { to, subject, text } = letter;
    let from = kept.settings.sender()?;
    let id = format!("<{}@{}>", unique_number()?, from.domain());
    // So that nobody's "out of office" answers (RFC 3834).
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let message = Message::builder()
        .from(Mailbox::new(Some(school.to_owned()), from.clone()))
        .to(Mailbox::new(None, to))
        .subject(subject)
        .message_id(Some(id))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .header(ContentType::TEXT_PLAIN)
        .body(text)?;
    let server = &kept.settings.server;
    let failed = |error| MailError::Server { server: server.clone(), error };
    let transport = transport(kept, from.domain()).map_err(failed)?;
    let sent = tokio::time::timeout(LONGEST_LETTER, transport.send(message)).await;
    sent.map_err(|_| MailError::TooSlow { server: server.clone() })?.map_err(failed)?;
    Ok(())
}

/// A number that no other letter has.
fn unique_number() -> Result<String, HomeError> {
    let bytes = crate::home::random::<16>(std::path::Path::new("a new e-mail"))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

fn transport(
    kept: &Kept,
    own_domain: &str,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
    type Transport = AsyncSmtpTransport<Tokio1Executor>;
    let MailSettings { server, port, encryption, user, .. } = &kept.settings;
    let transport = match encryption {
        Encryption::Starttls => Transport::starttls_relay(server)?,
        Encryption::Tls => Transport::relay(server)?,
        Encryption::None => Transport::builder_dangerous(server),
    };
    let mut transport = transport
        .port(*port)
        .timeout(Some(LONGEST_STEP))
        .hello_name(ClientId::Domain(own_domain.to_owned()));
    if let (Some(user), Some(password)) = (user, &kept.password) {
        transport = transport.credentials(Credentials::new(user.clone(), password.0.clone()));
    }
    Ok(transport.build())
}
