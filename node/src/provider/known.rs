//! What a provider publishes of itself, and talking to it by that.

use std::fmt;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::url::Url;
use openidconnect::{
    AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, Client, ClientId,
    CsrfToken, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IdToken, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadataWithLogout, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    StandardErrorResponse, StandardTokenResponse, TokenResponse,
};

use super::ProviderError;
use super::asked::{AskError, ask};
use super::settings::{Kept, SettingsError, Staff, is_encrypted};
use super::told::{Claims, OtherClaims};

/// For how long it is believed: a key that the provider takes back counts no longer than that.
const OLD: Duration = Duration::from_secs(60 * 60);

/// How long it is not asked again, whatever key a token names.
pub(super) const BETWEEN_ASKING: Duration = Duration::from_secs(60);

/// Signatures that anybody can check and only the provider can make. Those under the client secret would be
/// as good as the secret, and `none` is no signature.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Said of an answer that names another issuer.
pub(super) const ANOTHER_ISSUER: &str = "the answer came from another issuer";

type Token = IdToken<
    OtherClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Tokens = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// This node, as the provider knows it.
type AsClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What is wrong with a provider, or with what it said.
#[derive(Debug, thiserror::Error)]
pub(super) enum KnownError {
    #[error("{0}; check the address, the line and the firewall")]
    Asked(#[from] AskError),
    #[error("{0}")]
    Address(#[from] SettingsError),
    #[error("it publishes no settings of a provider there ({0}); check the address")]
    NoProvider(String),
    #[error("it calls itself another name: {0}; give the address by which it calls itself")]
    AnotherName(String),
    #[error("it does not say where tokens are given out")]
    NoTokens,
    #[error("it gave no token for the code: {0}")]
    NoToken(String),
    #[error("its ID token is refused: {0:?}")]
    Refused(ClaimsVerificationError),
}

impl KnownError {
    /// Whether the signature is of a key that was not published when the provider was last asked.
    pub(super) fn is_unknown_key(&self) -> bool {
        matches!(
            self,
            Self::Refused(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey
            ))
        )
    }

    /// What people are told; all of it goes to the log.
    pub(super) fn told(&self, name: &str) -> ProviderError {
        tracing::warn!(error = %self, provider = name, "somebody could not sign in");
        let what = match self {
            Self::Asked(_) => "it cannot be reached",
            Self::Address(_) => "one of its addresses is not encrypted",
            Self::NoProvider(_) | Self::AnotherName(_) | Self::NoTokens => {
                "its settings have changed"
            }
            Self::NoToken(_) => "it gave no token for the code; check the client secret",
            Self::Refused(ClaimsVerificationError::InvalidNonce(_)) => {
                "its ID token is refused: the nonce is another"
            }
            Self::Refused(ClaimsVerificationError::Expired(_)) => {
                "its ID token is refused: it has expired; check the clock of this server"
            }
            Self::Refused(ClaimsVerificationError::InvalidAudience(_)) => {
                "its ID token is refused: it is for another client"
            }
            Self::Refused(ClaimsVerificationError::InvalidIssuer(_)) => ANOTHER_ISSUER,
            Self::Refused(_) => "its ID token is refused: the signature cannot be checked",
        };
        ProviderError::Provider { name: name.to_owned(), what }
    }
}

/// What a provider published, when it was asked.
#[derive(Debug)]
pub(super) struct Known {
    metadata: ProviderMetadataWithLogout,
    asked: Instant,
}

impl Known {
    /// Asks the provider of some settings.
    pub(super) fn ask(kept: &Kept) -> Result<Self, KnownError> {
        let given = kept.settings.issuer.clone();
        let issuer =
            IssuerUrl::new(given.clone()).map_err(|wrong| SettingsError::address(given, wrong))?;
        let metadata = ProviderMetadataWithLogout::discover(&issuer, &ask)?;
        let tokens = metadata.token_endpoint().ok_or(KnownError::NoTokens)?;
        for address in [tokens.url(), metadata.authorization_endpoint().url()] {
            is_encrypted(address)?;
        }
        Ok(Self { metadata, asked: Instant::now() })
    }

    #[cfg(test)]
    pub(super) fn asked_before(self, ago: Duration) -> Self {
        Self { asked: self.asked.checked_sub(ago).unwrap(), ..self }
    }

    pub(super) fn is_of(&self, issuer: &str) -> bool {
        self.metadata.issuer().as_str() == issuer
    }

    pub(super) fn is_old(&self) -> bool {
        self.asked.elapsed() >= OLD
    }

    pub(super) fn may_have_new_keys(&self) -> bool {
        self.asked.elapsed() >= BETWEEN_ASKING
    }

    /// Where people end their session at the provider.
    pub(super) fn sign_out_page(&self) -> Option<String> {
        let address = self.metadata.additional_metadata().end_session_endpoint.as_ref()?.url();
        is_encrypted(address).ok().map(|()| address.to_string())
    }

    fn client(&self, kept: &Kept) -> AsClient {
        let client = AsClient::from_provider_metadata(
            self.metadata.clone(),
            ClientId::new(kept.settings.client_id.clone()),
            Some(kept.client_secret.clone()),
        );
        let methods = self.metadata.token_endpoint_auth_methods_supported();
        let has = |method| methods.is_none_or(|methods| methods.contains(&method));
        if has(CoreClientAuthMethod::ClientSecretBasic) {
            client
        } else {
            client.set_auth_type(AuthType::RequestBody)
        }
    }

    /// Where the browser is to go, and what it must come back with. The provider asks which account, since
    /// on a computer that others use the one before may still be signed in there.
    pub(super) fn address(
        &self,
        kept: &Kept,
        redirect: &RedirectUrl,
        challenge: PkceCodeChallenge,
    ) -> (Url, CsrfToken, Nonce) {
        let client = self.client(kept).set_redirect_uri(redirect.clone());
        let request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .add_prompt(CoreAuthPrompt::SelectAccount)
            .set_pkce_challenge(challenge);
        match &kept.settings.staff {
            // Only a hint that saves a click: what counts is the claim.
            Staff::HostedDomains(domains) if let [domain] = domains.as_slice() => {
                request.add_extra_param("hd", domain.clone()).url()
            }
            Staff::HostedDomains(_) | Staff::EmailDomains(_) | Staff::Tenant(_) => request.url(),
        }
    }

    /// The token that the provider gives for a code.
    pub(super) fn token(
        &self,
        kept: &Kept,
        code: String,
        verifier: PkceCodeVerifier,
        redirect: &RedirectUrl,
    ) -> Result<Token, KnownError> {
        let client = self.client(kept).set_redirect_uri(redirect.clone());
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| KnownError::NoTokens)?
            .set_pkce_verifier(verifier);
        let answer = request.request(&ask).map_err(|error| match error {
            RequestTokenError::Request(error) => KnownError::Asked(error),
            RequestTokenError::ServerResponse(said) => KnownError::NoToken(shortened(&said)),
            RequestTokenError::Parse(error, _) => KnownError::NoToken(error.to_string()),
            RequestTokenError::Other(said) => KnownError::NoToken(said),
        })?;
        let token = answer.id_token().cloned();
        token.ok_or_else(|| KnownError::NoToken("the answer holds no ID token".to_owned()))
    }

    /// What a token says, once its signature, issuer, audience, nonce and time are found to be right.
    pub(super) fn claims(
        &self,
        kept: &Kept,
        token: &Token,
        nonce: &Nonce,
    ) -> Result<Claims, KnownError> {
        let client = self.client(kept);
        let verifier = client.id_token_verifier().set_allowed_algs(SIGNATURES);
        token.claims(&verifier, nonce).cloned().map_err(KnownError::Refused)
    }
}

/// What a provider says of what went wrong, for the log.
fn shortened(said: &impl fmt::Display) -> String {
    const MAX_SAID_CHARS: usize = 300;
    let said: String = said.to_string().chars().take(MAX_SAID_CHARS).collect();
    said.escape_debug().to_string()
}

impl From<DiscoveryError<AskError>> for KnownError {
    fn from(error: DiscoveryError<AskError>) -> Self {
        match error {
            DiscoveryError::Request(error) => Self::Asked(error),
            DiscoveryError::Validation(said) => Self::AnotherName(said),
            DiscoveryError::Response(status, ..) => {
                Self::NoProvider(format!("it answers {status}"))
            }
            DiscoveryError::Other(_)
            | DiscoveryError::Parse(_)
            | DiscoveryError::UrlParse(_)
            | _ => Self::NoProvider(error.to_string()),
        }
    }
}
