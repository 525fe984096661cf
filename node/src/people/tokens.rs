//! Making, using and ending a person's tokens.

use jiff::{SignedDuration, Timestamp};

use super::kept::Person;
use super::name::{UserName, display_name};
use super::secret::{Secret, SecretHash};
use super::token::{MAX_TOKEN_DAYS, MAX_TOKENS, PersonalToken, Scope, TokenError};
use super::{People, PeopleError, person};

/// How often it is written down that a token was used: a news reader asks every few minutes.
const BETWEEN_USES: SignedDuration = SignedDuration::from_hours(1);

impl People {
    /// Makes a token of a person. It is shown now and never again.
    pub(crate) fn make_token(
        &self,
        name: &UserName,
        called: &str,
        scope: Scope,
        days: u16,
    ) -> Result<Secret, PeopleError> {
        if !(1..=MAX_TOKEN_DAYS).contains(&days) {
            return Err(TokenError::Days(days).into());
        }
        let called = display_name(called)?;
        let (secret, now) = (Secret::new()?, Timestamp::now());
        let lasts = SignedDuration::from_hours(i64::from(days) * 24);
        let expires = now.saturating_add(lasts).unwrap_or(Timestamp::MAX);
        let token = PersonalToken { name: called, scope, made: now, expires, last_used: None };
        self.change(|kept| {
            let person = person(kept, name)?;
            person.tokens.retain(|_, token| token.expires > now);
            if person.tokens.len() >= MAX_TOKENS {
                return Err(TokenError::TooMany.into());
            }
            person.tokens.insert(secret.hash(), token);
            Ok(())
        })?;
        Ok(secret)
    }

    /// A person's tokens with what each is called in a form.
    pub(crate) fn tokens(&self, name: &UserName) -> Vec<(String, PersonalToken)> {
        let person = self.get(name);
        let tokens = person.iter().flat_map(|person| &person.tokens);
        let mut tokens: Vec<_> =
            tokens.map(|(hash, token)| (hash.short().to_owned(), token.clone())).collect();
        tokens.sort_by_key(|(_, token)| std::cmp::Reverse(token.made));
        tokens
    }

    /// Ends a person's token.
    pub(crate) fn end_token(&self, name: &UserName, short: &str) -> Result<String, PeopleError> {
        self.change(|kept| {
            let tokens = &mut person(kept, name)?.tokens;
            let hash = tokens.keys().find(|hash| hash.short() == short).cloned();
            let ended = hash.and_then(|hash| tokens.remove(&hash));
            Ok(ended.ok_or(TokenError::Unknown)?.name)
        })
    }

    /// Whose token this is and for what, which is used by that; none if it is nobody's, has expired, or
    /// its person's account is switched off.
    pub(crate) fn use_token(
        &self,
        secret: &str,
        now: Timestamp,
    ) -> Option<(UserName, Person, Scope)> {
        let hash = SecretHash::of(secret);
        let (name, person, token) = {
            let kept = self.lock();
            let (name, person) =
                kept.people.iter().find(|(_, person)| person.tokens.contains_key(&hash))?;
            (name.clone(), person.clone(), person.tokens.get(&hash)?.clone())
        };
        if person.disabled || token.expires <= now {
            return None;
        }
        if token.last_used.is_none_or(|used| now.duration_since(used) >= BETWEEN_USES) {
            let noted = self.change(|kept| {
                let tokens = kept.people.get_mut(&name).map(|person| &mut person.tokens);
                if let Some(token) = tokens.and_then(|tokens| tokens.get_mut(&hash)) {
                    token.last_used = Some(now);
                }
                Ok(())
            });
            if let Err(error) = noted {
                tracing::warn!(%error, "the use of a token could not be written down");
            }
        }
        Some((name, person, token.scope))
    }
}
