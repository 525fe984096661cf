use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreHmacKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};

use super::*;
use crate::people::Role;

const PAGES: &str = "https://staffroom.alder.example/";
const CLIENT: &str = "a-client";
const SECRET: &str = "a client secret of some length for signatures";

/// Keys for these tests alone.
const KEYS: [&str; 2] = [
    "MC4CAQAwBQYDK2VwBCIEIFVbhtuFVApHp+JbEhCOkHeiQme0DqQwFezh9FhnbRUN",
    "MC4CAQAwBQYDK2VwBCIEIPtbKv1Z90FEXyZB/yrnzRT0zKzCeaBckMvHIij/Zf3M",
];

fn key(which: usize, id: &str) -> CoreEdDsaPrivateSigningKey {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", KEYS[which]);
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new(id.to_owned())))
        .unwrap()
}

/// What the provider answers, which a test may change: it is one that can lie.
#[derive(Default)]
struct Answers {
    published: Value,
    keys: Value,
    token: Value,
    /// How often it was asked for its keys.
    asked_for_keys: usize,
}

struct Lying {
    issuer: String,
    answers: Arc<Mutex<Answers>>,
}

impl Lying {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let at = |path: &str| format!("{issuer}{path}");
        let published = json!({
            "issuer": issuer, "authorization_endpoint": at("/auth"),
            "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        });
        let answers = Arc::new(Mutex::new(Answers { published, ..Answers::default() }));
        let answering = Arc::clone(&answers);
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &answering);
            }
        });
        let lying = Self { issuer, answers };
        lying.publishes(&key(0, "first"));
        lying
    }

    fn publishes(&self, key: &CoreEdDsaPrivateSigningKey) {
        self.answers.lock().unwrap().keys = json!({ "keys": [key.as_verification_key()] });
    }

    fn settings(&self) -> ProviderSettings {
        ProviderSettings {
            name: "Trust".to_owned(),
            issuer: self.issuer.clone(),
            client_id: CLIENT.to_owned(),
            staff: Staff::EmailDomains(vec!["alder.example".to_owned()]),
            roles: [Role::Reader].into(),
            role_claim: None,
        }
    }

    /// A token that is right, but for these claims.
    fn claims(&self, nonce: &str, lies: &Value) -> Value {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "sub": "1234", "nonce": nonce, "iat": now,
            "exp": now + 60, "email": "head@alder.example", "email_verified": true,
        });
        for (name, value) in lies.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }
}

fn answer(stream: TcpStream, answers: &Mutex<Answers>) {
    let mut reader = BufReader::new(&stream);
    let (mut path, mut length) = (String::new(), 0);
    for line in reader.by_ref().lines() {
        let line = line.unwrap().to_lowercase();
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap().to_owned();
        }
        if let Some(given) = line.strip_prefix("content-length: ") {
            length = given.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let mut answers = answers.lock().unwrap();
    let body = match path.as_str() {
        "/token" => answers.token.to_string(),
        "/keys" => {
            answers.asked_for_keys += 1;
            answers.keys.to_string()
        }
        _ => answers.published.to_string(),
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    let whole = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    (&stream).write_all(whole.as_bytes()).unwrap();
}

fn signed(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = BASE64URL_NOPAD.encode(&sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn signed_by(key: &CoreEdDsaPrivateSigningKey, id: &str, claims: &Value) -> String {
    let header = json!({ "alg": "EdDSA", "kid": id });
    signed(&header, claims, |message| key.sign(&CoreJwsSigningAlgorithm::EdDsa, message).unwrap())
}

/// A school that uses the provider, and signs somebody in there.
struct Signing {
    _folder: tempfile::TempDir,
    provider: Provider,
    lying: Lying,
}

fn purpose() -> Purpose {
    Purpose::SignIn { own_computer: false, to: "/search".to_owned() }
}

impl Signing {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (provider, lying) = (Provider::open(&Home::new(folder.path())), Lying::start());
        provider.set(lying.settings(), SECRET.to_owned()).unwrap();
        Self { _folder: folder, provider, lying }
    }

    /// Goes to the provider and comes back, where it gives this token for the code.
    fn finish(
        &self,
        token: impl FnOnce(&str) -> Option<String>,
    ) -> Result<(Purpose, Told), ProviderError> {
        let (address, browser) = self.provider.begin(PAGES, purpose()).unwrap();
        let sent = |wanted: &str| {
            let mut pairs = address.query_pairs();
            pairs.find(|(name, _)| name == wanted).unwrap().1.into_owned()
        };
        self.lying.answers.lock().unwrap().token = json!({
            "access_token": "x", "token_type": "Bearer", "id_token": token(&sent("nonce")),
        });
        let back =
            CameBack { state: sent("state"), code: Some("code".to_owned()), ..CameBack::default() };
        self.provider.finish(browser.as_str(), back)
    }

    fn finish_as(
        &self,
        key: &CoreEdDsaPrivateSigningKey,
        id: &str,
        lies: &Value,
    ) -> Result<(Purpose, Told), ProviderError> {
        self.finish(|nonce| Some(signed_by(key, id, &self.lying.claims(nonce, lies))))
    }
}

/// Of what the technician is told.
fn refused(finished: Result<(Purpose, Told), ProviderError>) -> &'static str {
    match finished {
        Err(ProviderError::Provider { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn people_are_sent_away_with_what_they_must_come_back_with() {
    let signing = Signing::start();
    let (address, _) = signing.provider.begin(PAGES, purpose()).unwrap();
    let asked: std::collections::BTreeMap<_, _> = address.query_pairs().into_owned().collect();
    let has = |name: &str| asked.get(name).map_or("", String::as_str);
    assert!(address.as_str().starts_with(&format!("{}/auth?", signing.lying.issuer)), "{address}");
    assert_eq!(has("redirect_uri"), "https://staffroom.alder.example/sign-in/return");
    assert_eq!((has("response_type"), has("client_id")), ("code", CLIENT));
    assert_eq!((has("scope"), has("prompt")), ("openid email profile", "select_account"));
    assert_eq!(has("code_challenge_method"), "S256");
    for random in ["state", "nonce", "code_challenge"] {
        assert!(has(random).len() >= 22, "{random}: {address}");
    }
}

#[test]
fn a_token_is_believed_only_where_all_of_it_is_right() {
    let signing = Signing::start();
    let (own, other) = (key(0, "first"), key(1, "first"));
    let (came_for, told) = signing.finish_as(&own, "first", &json!({})).unwrap();
    assert_eq!((came_for, told.user_name.as_str()), (purpose(), "head@alder.example"));
    assert_eq!(
        (told.account.issuer, told.account.subject.as_str()),
        (signing.lying.issuer.clone(), "1234")
    );

    let lie = |lies: Value| refused(signing.finish_as(&own, "first", &lies));
    assert_eq!(lie(json!({ "iss": "http://127.0.0.1:1" })), known::ANOTHER_ISSUER);
    assert!(lie(json!({ "aud": "another-client" })).contains("for another client"));
    assert!(lie(json!({ "aud": [CLIENT, "another-client"] })).contains("for another client"));
    assert!(lie(json!({ "exp": 1_700_000_000 })).contains("has expired"));
    assert!(lie(json!({ "nonce": "another" })).contains("the nonce is another"));
    assert!(lie(json!({ "nonce": null })).contains("the nonce is another"));

    let signature = "the signature cannot be checked";
    assert!(refused(signing.finish_as(&other, "first", &json!({}))).contains(signature));
    let under = |alg: &'static str, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        refused(signing.finish(|nonce| {
            let claims = signing.lying.claims(nonce, &json!({}));
            Some(signed(&json!({ "alg": alg }), &claims, sign))
        }))
    };
    let with_secret = |message: &[u8]| {
        let key = CoreHmacKey::new(SECRET);
        key.sign(&CoreJwsSigningAlgorithm::HmacSha256, message).unwrap()
    };
    assert!(under("HS256", &with_secret).contains(signature));
    assert!(under("none", &|_| Vec::new()).contains(signature));
    assert!(refused(signing.finish(|_| None)).contains("gave no token"));
    assert!(refused(signing.finish(|_| Some("a.b.c".to_owned()))).contains("gave no token"));
}

#[test]
fn a_key_that_is_not_known_is_asked_for_once_a_minute() {
    let signing = Signing::start();
    let asked = || signing.lying.answers.lock().unwrap().asked_for_keys;
    let new = key(1, "second");
    signing.lying.publishes(&new);
    for _ in 0..3 {
        refused(signing.finish_as(&new, "second", &json!({})));
    }
    assert_eq!(asked(), 1, "it was asked a moment ago");
    let held = signing.provider.known.lock().unwrap().take().unwrap();
    let older = Arc::into_inner(held).unwrap().asked_before(known::BETWEEN_ASKING);
    *signing.provider.known.lock().unwrap() = Some(Arc::new(older));
    signing.finish_as(&new, "second", &json!({})).unwrap();
    assert_eq!(asked(), 2);
    signing.finish_as(&new, "second", &json!({})).unwrap();
    refused(signing.finish_as(&new, "third", &json!({})));
    assert_eq!(asked(), 2);
}

#[test]
fn a_provider_to_which_secrets_would_travel_in_the_clear_is_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let (provider, lying) = (Provider::open(&Home::new(folder.path())), Lying::start());
    lying.answers.lock().unwrap().published["token_endpoint"] = "http://id.example/token".into();
    let error = provider.set(lying.settings(), SECRET.to_owned()).unwrap_err().to_string();
    assert!(error.contains("http://id.example/token is not encrypted"), "{error}");
    assert!(provider.settings().is_none() && !folder.path().join("provider.json").exists());
    lying.answers.lock().unwrap().published["token_endpoint"] =
        format!("{}/token", lying.issuer).into();
    provider.set(lying.settings(), SECRET.to_owned()).unwrap();
    assert_eq!(Provider::open(&Home::new(folder.path())).settings(), Some(lying.settings()));
    provider.forget().unwrap();
    assert!(matches!(provider.begin(PAGES, purpose()), Err(ProviderError::NotSet)));
    assert_eq!(Provider::open(&Home::new(folder.path())).settings(), None);
}

#[test]
fn whoever_is_under_way_when_the_provider_is_set_anew_begins_again() {
    let signing = Signing::start();
    let key = key(0, "first");
    let finished = signing.finish(|nonce| {
        signing.provider.set(signing.lying.settings(), SECRET.to_owned()).unwrap();
        Some(signed_by(&key, "first", &signing.lying.claims(nonce, &json!({}))))
    });
    assert!(matches!(finished, Err(ProviderError::NotBegun)), "{finished:?}");
}
