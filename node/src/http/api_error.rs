//! What the API says when it cannot do what was asked.

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use staffroom_search::QueryError;
use utoipa::ToSchema;

use crate::adaptations::AdaptationsError;
use crate::backup::BackupError;
use crate::blobs::BlobError;
use crate::bundle::CarryError;
use crate::drafts::{ApprovalError, AttachError, DraftError, StartError};
use crate::groups::GroupError;
use crate::home::HomeError;
use crate::intake::KeepError;
use crate::keeping::KeepingError;
use crate::mail::MailError;
use crate::media::RefusedFile;
use crate::membership::StatementsError;
use crate::own_resources::OwnResourcesError;
use crate::people::{PasswordError, PeopleError, TokenError};
use crate::provider::ProviderError;
use crate::publish::PublishError;
use crate::published::ListError;
use crate::question::QuestionError;
use crate::records::RecordError;
use crate::recovery::RecoveryError;
use crate::saved_searches::SavedSearchError;
use crate::store::{StoreError, is_full};

/// The JSON that a failed request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiErrorBody {
    /// What went wrong and what to do, for a person.
    pub error: String,
}

#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: message.into() }
    }

    pub(super) fn unauthorised() -> Self {
        let message = "it is not known who asks: sign in, or show a token. Make one on your own \
                       page; the command line's is in the file api-token of the data directory, \
                       which only its owner can read";
        Self { status: StatusCode::UNAUTHORIZED, message: message.into() }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, message: message.into() }
    }

    fn conflict(message: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, message: message.into() }
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, message: message.into() }
    }

    pub(super) fn stopping() -> Self {
        Self::unavailable("the node is stopping; try again when it runs")
    }

    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into() }
    }

    /// What is said before it is known who asks.
    pub(super) fn at_the_door(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned() }
    }

    /// The message, for a page.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The status, for a page.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response =
            (self.status, Json(ApiErrorBody { error: self.message })).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1: whoever is not known is told how to become so.
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store");
        let status = match &error {
            StoreError::DiskFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
            StoreError::InUse { .. }
            | StoreError::Newer { .. }
            | StoreError::Stopped { .. }
            | StoreError::TooLarge { .. }
            | StoreError::WrongHash { .. }
            | StoreError::Damaged { .. }
            | StoreError::Io { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, message: error.to_string() }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<QuestionError> for ApiError {
    fn from(error: QuestionError) -> Self {
        match error {
            QuestionError::Wrong(message) => Self::bad_request(message),
            QuestionError::NoSchool(message) => Self::not_found(message),
            QuestionError::Group(error) => error.into(),
        }
    }
}

impl From<SavedSearchError> for ApiError {
    fn from(error: SavedSearchError) -> Self {
        match error {
            SavedSearchError::Name { .. }
            | SavedSearchError::TooLong { .. }
            | SavedSearchError::Everything => Self::bad_request(error.to_string()),
            SavedSearchError::TooMany => Self::conflict(error.to_string()),
            SavedSearchError::Unknown(_) => Self::not_found(error.to_string()),
            SavedSearchError::Question(error) => error.into(),
            SavedSearchError::Query(error) => error.into(),
            SavedSearchError::File(error) => {
                tracing::error!(%error, "the saved searches");
                Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: error.to_string() }
            }
        }
    }
}

/// What was given could not be read, such as a form that is too long.
macro_rules! unreadable {
    ($($rejection:ty),+) => {
        $(impl From<$rejection> for ApiError {
            fn from(rejection: $rejection) -> Self {
                Self { status: rejection.status(), message: rejection.body_text() }
            }
        })+
    };
}

unreadable!(FormRejection, JsonRejection, PathRejection, QueryRejection);

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Name(_) => Self::bad_request(error.to_string()),
            PeopleError::Unknown(_) | PeopleError::NoLink => Self::not_found(error.to_string()),
            PeopleError::Exists(_)
            | PeopleError::TooMany
            | PeopleError::LastAdministrator(_)
            | PeopleError::HasAdministrator(_)
            | PeopleError::NotLinked(_)
            | PeopleError::OfAnother
            | PeopleError::OnlyWayIn(_)
            | PeopleError::Disabled(_) => Self::conflict(error.to_string()),
            PeopleError::Password(error) => error.into(),
            PeopleError::Token(TokenError::Unknown) => Self::not_found(error.to_string()),
            PeopleError::Token(TokenError::TooMany) => Self::conflict(error.to_string()),
            PeopleError::Token(TokenError::Scope(_) | TokenError::Days(_)) => {
                Self::bad_request(error.to_string())
            }
            PeopleError::File(error) => {
                tracing::error!(%error, "the people who may sign in");
                Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: error.to_string() }
            }
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Length(_)
            | PasswordError::Common
            | PasswordError::Name
            | PasswordError::Differ => Self::bad_request(error.to_string()),
            PasswordError::Busy | PasswordError::Failed(_) => Self::unavailable(error.to_string()),
        }
    }
}

impl From<MailError> for ApiError {
    fn from(error: MailError) -> Self {
        let status = match &error {
            MailError::NotSet => StatusCode::NOT_FOUND,
            MailError::To { .. } | MailError::Settings(_) => StatusCode::BAD_REQUEST,
            MailError::Server { .. } | MailError::TooSlow { .. } => StatusCode::SERVICE_UNAVAILABLE,
            MailError::Letter(error) => {
                tracing::error!(%error, "an e-mail");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            MailError::File(error) => {
                tracing::error!(%error, "the mail server");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self { status, message: error.to_string() }
    }
}

impl From<BackupError> for ApiError {
    fn from(error: BackupError) -> Self {
        let status = match &error {
            BackupError::NotAbsolute(_)
            | BackupError::NoFolder(_)
            | BackupError::InData(_)
            | BackupError::KeepDays(_)
            | BackupError::NoBackup { .. }
            | BackupError::NotEmpty(_) => StatusCode::BAD_REQUEST,
            BackupError::NotSet | BackupError::Busy => StatusCode::CONFLICT,
            BackupError::File { error: what, .. } if is_full(what) => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            BackupError::File { .. } | BackupError::Changed(_) | BackupError::Home(_) => {
                tracing::error!(%error, "the backups");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self { status, message: error.to_string() }
    }
}

impl From<ProviderError> for ApiError {
    fn from(error: ProviderError) -> Self {
        let status = match &error {
            ProviderError::NotSet => StatusCode::NOT_FOUND,
            ProviderError::NotBegun
            | ProviderError::TurnedBack { .. }
            | ProviderError::Settings(_)
            | ProviderError::Unusable { .. } => StatusCode::BAD_REQUEST,
            ProviderError::Stranger(_) => StatusCode::FORBIDDEN,
            ProviderError::Busy | ProviderError::Provider { .. } => StatusCode::SERVICE_UNAVAILABLE,
            ProviderError::File(error) => {
                tracing::error!(%error, "the provider of accounts");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self { status, message: error.to_string() }
    }
}

impl From<DraftError> for ApiError {
    fn from(error: DraftError) -> Self {
        let status = match &error {
            DraftError::Unknown(_) => StatusCode::NOT_FOUND,
            DraftError::TooMany => StatusCode::CONFLICT,
            DraftError::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            DraftError::Damaged { .. } | DraftError::File(_) => {
                tracing::error!(%error, "the drafts");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self { status, message: error.to_string() }
    }
}

impl From<ApprovalError> for ApiError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::NotNeeded | ApprovalError::NotWaiting => {
                Self::conflict(error.to_string())
            }
            ApprovalError::Own => Self::forbidden(error.to_string()),
            ApprovalError::NoNote | ApprovalError::LongNote(_) => {
                Self::bad_request(error.to_string())
            }
            ApprovalError::Draft(error) => error.into(),
        }
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Kind { .. }
            | StartError::AboutNothing
            | StartError::NotTried
            | StartError::NotAResource
            | StartError::Own
            | StartError::NotToChange => Self::bad_request(error.to_string()),
            StartError::Record(error) => error.into(),
            StartError::Draft(error) => error.into(),
            StartError::Home(error) => error.into(),
        }
    }
}

impl From<AttachError> for ApiError {
    fn from(error: AttachError) -> Self {
        match error {
            AttachError::SameName(_) | AttachError::TooMany(_) | AttachError::NotAResource => {
                Self::conflict(error.to_string())
            }
            AttachError::Start(error) => error.into(),
            AttachError::Draft(error) => error.into(),
            AttachError::Keep(error) => error.into(),
        }
    }
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Query(error) => error.into(),
            ListError::Record(error) => error.into(),
        }
    }
}

impl From<KeepError> for ApiError {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Store(error) => error.into(),
            KeepError::Blob(error) => error.into(),
        }
    }
}

impl From<KeepingError> for ApiError {
    fn from(error: KeepingError) -> Self {
        match error {
            KeepingError::Store(error) => error.into(),
            KeepingError::Keep(error) => error.into(),
            KeepingError::Home(error) => error.into(),
        }
    }
}

impl From<CarryError> for ApiError {
    fn from(error: CarryError) -> Self {
        match error {
            CarryError::Group(error) => error.into(),
            CarryError::Store(error) => error.into(),
            CarryError::Keep(error) => error.into(),
            CarryError::Home(error) => error.into(),
            CarryError::Bundle { .. }
            | CarryError::Read { .. }
            | CarryError::IsRequest
            | CarryError::NoRequest
            | CarryError::NoFiles(_)
            | CarryError::Statement(_) => Self::bad_request(error.to_string()),
            CarryError::Statements(StatementsError::Store(error)) => error.into(),
            CarryError::Statements(StatementsError::Invalid(_))
            | CarryError::MakerNoMember(_)
            | CarryError::NotJoined(_)
            | CarryError::NoMember(_)
            | CarryError::Waiting
            | CarryError::Joined => Self::conflict(error.to_string()),
        }
    }
}

impl From<RefusedFile> for ApiError {
    fn from(error: RefusedFile) -> Self {
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, message: error.to_string() }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        let status = match &error {
            BlobError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BlobError::DiskFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
            BlobError::OutOfRange { .. } | BlobError::Io { .. } => {
                tracing::error!(%error, "the files");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self { status, message: error.to_string() }
    }
}

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Store(error) => error.into(),
            RecordError::Keep(error) => error.into(),
            RecordError::Unknown(_)
            | RecordError::Ambiguous { .. }
            | RecordError::SeveralSchools(_)
            | RecordError::NoVersion { .. }
            | RecordError::OlderFileGone(_) => Self::not_found(error.to_string()),
            RecordError::NotOwn(_)
            | RecordError::Withdrawn
            | RecordError::NotWithdrawn
            | RecordError::VersionsElsewhere
            | RecordError::CurrentVersion(_) => Self::conflict(error.to_string()),
            RecordError::NoNetwork | RecordError::Fetch { .. } => {
                Self::unavailable(error.to_string())
            }
        }
    }
}

impl From<AdaptationsError> for ApiError {
    fn from(error: AdaptationsError) -> Self {
        match error {
            AdaptationsError::Record(error) => error.into(),
            AdaptationsError::Query(error) => error.into(),
        }
    }
}

impl From<OwnResourcesError> for ApiError {
    fn from(error: OwnResourcesError) -> Self {
        match error {
            OwnResourcesError::Group(error) => error.into(),
            OwnResourcesError::Record(error) => error.into(),
        }
    }
}

impl From<GroupError> for ApiError {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Store(error) => error.into(),
            GroupError::Unknown { .. }
            | GroupError::NoMember { .. }
            | GroupError::NoRequest { .. }
            | GroupError::NoInvite { .. } => Self::not_found(error.to_string()),
            GroupError::Ask { .. } | GroupError::NoNetwork | GroupError::NoAddress => {
                Self::unavailable(error.to_string())
            }
            GroupError::Name(_)
            | GroupError::Proposal(_)
            | GroupError::Invite(_)
            | GroupError::Ambiguous { .. } => Self::bad_request(error.to_string()),
            GroupError::NameTaken(_)
            | GroupError::NotAdmin(_)
            | GroupError::NotRoot(_)
            | GroupError::NoEffect(_)
            | GroupError::OnlyReads(_)
            | GroupError::Senior { .. }
            | GroupError::RemovesItself(_)
            | GroupError::NotMember(_)
            | GroupError::Objected(_)
            | GroupError::NoNextKey(_)
            | GroupError::NotNextThere(_)
            | GroupError::Refused(_)
            | GroupError::Statement(_)
            | GroupError::Statements(_) => Self::conflict(error.to_string()),
            GroupError::Keep(error) => error.into(),
            GroupError::Home(error) => error.into(),
        }
    }
}

impl From<HomeError> for ApiError {
    fn from(error: HomeError) -> Self {
        if let HomeError::Locked = error {
            return Self { status: StatusCode::LOCKED, message: error.to_string() };
        }
        Self::conflict(error.to_string())
    }
}

impl From<RecoveryError> for ApiError {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Group(error) => error.into(),
            RecoveryError::Store(error) => error.into(),
            RecoveryError::NoNodeOfSchool { .. } => Self::not_found(error.to_string()),
            RecoveryError::Itself
            | RecoveryError::NoNode(_)
            | RecoveryError::NoContact(_)
            | RecoveryError::NoGroup(_)
            | RecoveryError::Interrupted(_) => Self::conflict(error.to_string()),
        }
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Store(error) => error.into(),
            PublishError::Record(error) => error.into(),
            PublishError::Group(error) => error.into(),
            PublishError::Blob(error) => error.into(),
            PublishError::Keep(error) => error.into(),
            PublishError::Home(error) => {
                tracing::error!(%error, "publishing");
                Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: error.to_string() }
            }
            error @ (PublishError::Authored(_)
            | PublishError::Refused(_)
            | PublishError::Clock(_)
            | PublishError::WhichGroups(_)
            | PublishError::NoGroup
            | PublishError::Reference { .. }
            | PublishError::SameTitle(_)
            | PublishError::Withdrawn(_)
            | PublishError::KindChanged { .. }
            | PublishError::FileMissing(_)
            | PublishError::Files(_)
            | PublishError::Entry(_)) => Self::bad_request(error.to_string()),
        }
    }
}

/// Runs what blocks on the disk on the blocking pool.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::stopping())
}

pub(super) async fn no_such_address() -> ApiError {
    ApiError::not_found("there is nothing at this address of the API")
}
