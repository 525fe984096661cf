//! What the provider says of somebody, once it is certain that the provider says it: whether the person
//! belongs to the school, and what the person may do.

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AdditionalClaims, IdTokenClaims};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::settings::{ProviderSettings, RoleClaim, Staff};
use crate::people::{Account, Roles, UserName, display_name};

/// The claims that OpenID Connect has no name for, such as `hd`, `tid` and groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OtherClaims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for OtherClaims {}

/// All claims of one person.
pub(super) type Claims = IdTokenClaims<OtherClaims, CoreGenderClaim>;

/// Somebody who came from the provider and belongs to the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) account: Account,
    /// What somebody new is called here.
    pub(crate) user_name: UserName,
    pub(crate) name: String,
    /// What the person may do.
    pub(crate) roles: Roles,
    /// Whether the roles of somebody who is known here follow as well.
    pub(crate) roles_follow: bool,
}

/// Why somebody whom the provider knows may not come in. The words are for that person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stranger {
    /// The address is of another domain.
    #[error(
        "Your account belongs to {0}, from which this school lets nobody in. Sign in with the account \
         that your school gave you."
    )]
    Domain(String),
    /// It is of no organisation, or of another.
    #[error(
        "Your account does not belong to this school’s organisation. Sign in with the account that your \
         school gave you."
    )]
    Organisation,
    /// The provider has not verified the address.
    #[error(
        "The e-mail address of your account has not been verified. Verify it where you have the account, \
         then sign in again."
    )]
    NotVerified,
    /// There is no name to go by.
    #[error(
        "Your account has no e-mail address that this school could know you by. Tell your technician: the \
         ID token has to hold the claim email."
    )]
    NoName,
}

/// Judges somebody by the claims.
pub(super) fn judge(settings: &ProviderSettings, claims: &Claims) -> Result<Told, Stranger> {
    let email = claims.email().map(|email| email.as_str());
    let verified = email.filter(|_| claims.email_verified() == Some(true));
    belongs(&settings.staff, claims, email, verified)?;
    // At Microsoft addresses are not verified, and the name to sign in with is of the directory.
    let in_directory = claims.preferred_username().map(|name| name.as_str()).or(email);
    let known_as = match settings.staff {
        Staff::EmailDomains(_) | Staff::HostedDomains(_) => verified,
        Staff::Tenant(_) => in_directory,
    };
    let user_name: UserName =
        known_as.and_then(|name| name.parse().ok()).ok_or(Stranger::NoName)?;
    let full_name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
    let name = full_name.and_then(|name| display_name(name).ok());
    Ok(Told {
        account: Account {
            issuer: settings.issuer.clone(),
            subject: claims.subject().as_str().to_owned(),
        },
        name: name.unwrap_or_else(|| user_name.to_string()),
        user_name,
        roles: roles(settings, &claims.additional_claims().all),
        roles_follow: settings.role_claim.is_some(),
    })
}

fn belongs(
    staff: &Staff,
    claims: &Claims,
    email: Option<&str>,
    verified: Option<&str>,
) -> Result<(), Stranger> {
    let claim = |name: &str| claims.additional_claims().all.get(name).and_then(Value::as_str);
    let is_one = |domains: &[String], found: &str| {
        domains.iter().any(|domain| domain.eq_ignore_ascii_case(found))
    };
    match staff {
        Staff::EmailDomains(domains) => {
            email.ok_or(Stranger::NoName)?;
            let email = verified.ok_or(Stranger::NotVerified)?;
            let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
            if is_one(domains, domain) { Ok(()) } else { Err(Stranger::Domain(domain.to_owned())) }
        }
        Staff::HostedDomains(domains) => match claim("hd") {
            Some(domain) if is_one(domains, domain) => Ok(()),
            Some(_) | None => Err(Stranger::Organisation),
        },
        Staff::Tenant(id) => match claim("tid") {
            Some(tenant) if tenant.eq_ignore_ascii_case(id) => Ok(()),
            Some(_) | None => Err(Stranger::Organisation),
        },
    }
}

/// What whoever comes may do, and what the values of the claim add: one, or a list.
fn roles(settings: &ProviderSettings, claims: &Map<String, Value>) -> Roles {
    let mut roles = settings.roles.clone();
    if let Some(RoleClaim { claim, gives }) = &settings.role_claim {
        let values = match claims.get(claim) {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        let given = values.iter().filter_map(Value::as_str).filter_map(|value| gives.get(value));
        roles.extend(given.flatten());
    }
    roles
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::settings::tests::settings;
    use super::*;
    use crate::people::Role;

    fn judged(settings: &ProviderSettings, says: Value) -> Result<Told, Stranger> {
        let mut claims = json!({
            "iss": settings.issuer, "sub": "1234", "aud": [settings.client_id],
            "exp": 1_800_000_000, "iat": 1_790_000_000,
        });
        for (name, value) in says.as_object().unwrap() {
            claims[name] = value.clone();
        }
        judge(settings, &serde_json::from_value(claims).unwrap())
    }

    fn of(staff: Staff) -> ProviderSettings {
        ProviderSettings { staff, ..settings() }
    }

    #[test]
    fn by_e_mail_address_only_verified_ones_of_the_domain_come_in() {
        let settings = of(Staff::EmailDomains(vec!["alder.example".to_owned()]));
        let with = |email: &str, verified: Value| {
            judged(&settings, json!({ "email": email, "email_verified": verified }))
        };
        let told = with("Head@Alder.Example", json!(true)).unwrap();
        assert_eq!(told.user_name.as_str(), "head@alder.example");
        assert_eq!((told.name.as_str(), told.roles_follow), ("head@alder.example", false));
        assert_eq!(told.account.subject, "1234");
        for unsure in [json!(false), json!(null)] {
            assert_eq!(with("head@alder.example", unsure), Err(Stranger::NotVerified));
        }
        for other in ["x@evil.example", "x@alder.example@evil.example", "x@sub.alder.example"] {
            let domain = other.rsplit_once('@').unwrap().1;
            assert_eq!(with(other, json!(true)), Err(Stranger::Domain(domain.to_owned())));
        }
        assert_eq!(with("alder.example", json!(true)), Err(Stranger::Domain(String::new())));
        assert_eq!(judged(&settings, json!({})), Err(Stranger::NoName));
    }

    #[test]
    fn by_organisation_only_its_own_people_come_in() {
        let google = of(Staff::HostedDomains(vec!["alder.example".to_owned()]));
        let email = json!({ "email": "head@alder.example", "email_verified": true });
        // Anybody can have a Google account with an address of the school, outside its organisation.
        assert_eq!(judged(&google, email.clone()), Err(Stranger::Organisation));
        let with = |hd: &str| {
            let mut says = email.clone();
            says["hd"] = hd.into();
            judged(&google, says).map(|told| told.user_name.to_string())
        };
        assert_eq!(with("evil.example"), Err(Stranger::Organisation));
        assert_eq!(with("alder.example"), Ok("head@alder.example".to_owned()));

        let microsoft = settings();
        let Staff::Tenant(tenant) = microsoft.staff.clone() else { panic!("{microsoft:?}") };
        let says = json!({ "tid": tenant, "preferred_username": "head@alder.example",
                           "email": "other@evil.example", "name": "The headteacher" });
        let told = judged(&microsoft, says.clone()).unwrap();
        assert_eq!(
            (told.user_name.as_str(), told.name.as_str()),
            ("head@alder.example", "The headteacher")
        );
        for wrong in [json!("9188040d-6c67-4c5b-b112-36a304b66dad"), json!(null), json!([tenant])] {
            let mut says = says.clone();
            says["tid"] = wrong;
            assert_eq!(judged(&microsoft, says), Err(Stranger::Organisation));
        }
    }

    #[test]
    fn values_of_the_claim_add_roles() {
        let mut settings = settings();
        let Staff::Tenant(tenant) = settings.staff.clone() else { panic!("{settings:?}") };
        let gives = [
            ("leaders".to_owned(), [Role::Contributor, Role::Approver].into()),
            ("office".to_owned(), [Role::Administrator].into()),
        ];
        settings.role_claim = Some(RoleClaim { claim: "groups".to_owned(), gives: gives.into() });
        let roles = |groups: Value| {
            let says = json!({ "tid": tenant, "preferred_username": "head", "groups": groups });
            judged(&settings, says).unwrap().roles
        };
        let leads: Roles = [Role::Reader, Role::Contributor, Role::Approver].into();
        assert_eq!(roles(json!(["leaders", "choir", 7])), leads);
        assert_eq!(roles(json!("leaders")), leads);
        assert_eq!(roles(json!(["leaders", "office"])).len(), 4);
        for none in [json!([]), json!(null), json!({ "leaders": true }), json!("Leaders")] {
            assert_eq!(roles(none), [Role::Reader].into());
        }
    }
}
