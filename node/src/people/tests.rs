use std::net::{IpAddr, Ipv4Addr};

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "three short words";

pub(super) fn people() -> (tempfile::TempDir, People) {
    let folder = tempfile::tempdir().unwrap();
    let people = People::open(&Home::new(folder.path()), "Alder Lane Primary").unwrap();
    (folder, people)
}

pub(super) fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn words(text: &str) -> zeroize::Zeroizing<String> {
    text.to_owned().into()
}

async fn signs_in(
    people: &People,
    user_name: &str,
    password: &str,
) -> Result<UserName, SignInError> {
    let sign_in =
        SignIn { user_name: user_name.to_owned(), password: words(password), address: HERE };
    people.sign_in(sign_in).await
}

pub(super) async fn first(people: &People) -> UserName {
    let link = people.first_link().unwrap();
    let chosen = Some((name("head"), "The headteacher".to_owned()));
    people.use_link(link.as_str(), words(PASSWORD), chosen).await.unwrap()
}

#[tokio::test]
async fn the_first_link_makes_an_administrator_once() {
    let (folder, people) = people();
    let link = people.first_link().unwrap();
    let use_it = async |password: &str| {
        let chosen = Some((name("head"), "The headteacher".to_owned()));
        people.use_link(link.as_str(), words(password), chosen).await
    };
    assert_eq!(people.welcome(link.as_str()).unwrap(), Welcome::First);
    // A password that is not taken leaves the link as it was.
    assert!(matches!(use_it("short").await, Err(PeopleError::Password(_))));
    assert!(matches!(use_it("Alder Lane Primary").await, Err(PeopleError::Password(_))));
    use_it(PASSWORD).await.unwrap();
    assert!(matches!(use_it(PASSWORD).await, Err(PeopleError::NoLink)));
    assert!(matches!(people.welcome(link.as_str()), Err(PeopleError::NoLink)));
    let file = std::fs::read_to_string(folder.path().join("people.json")).unwrap();
    assert!(!file.contains(link.as_str()) && !file.contains(PASSWORD));
    let again = People::open(&Home::new(folder.path()), "Alder Lane Primary").unwrap();
    assert_eq!(signs_in(&again, "HEAD", PASSWORD).await.unwrap(), name("head"));
    assert_eq!(again.get(&name("head")).unwrap().roles, Role::ALL.into());
}

#[tokio::test]
async fn a_new_link_replaces_the_one_before_and_goes_with_the_account() {
    let (_folder, people) = people();
    let deputy = name("deputy");
    people.add(&deputy, "The deputy", [Role::Reader].into()).unwrap();
    let (before, link) = (people.link(&deputy).unwrap(), people.link(&deputy).unwrap());
    assert!(people.welcome(before.as_str()).is_err());
    people.set_disabled(&deputy, true).unwrap();
    assert!(people.welcome(link.as_str()).is_err());
    assert!(matches!(people.link(&deputy), Err(PeopleError::Disabled(_))));
    people.set_disabled(&deputy, false).unwrap();
    assert!(people.welcome(link.as_str()).is_err(), "it does not come back");
    let link = people.link(&deputy).unwrap();
    people.use_link(link.as_str(), words(PASSWORD), None).await.unwrap();
    signs_in(&people, "deputy", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_unknown_name_is_told_and_made_to_wait_like_any_other() {
    let (_folder, people) = people();
    first(&people).await;
    for account in ["head", "nobody", "not a name"] {
        for _ in 0..10 {
            let wrong = signs_in(&people, account, "three long words").await.unwrap_err();
            assert!(matches!(wrong, SignInError::Wrong), "{account}: {wrong}");
        }
        let wait = signs_in(&people, account, PASSWORD).await.unwrap_err().to_string();
        assert!(wait.contains("Wait 15 minutes"), "{account}: {wait}");
    }
}

#[tokio::test]
async fn sessions_end_when_password_roles_or_account_change() {
    let (_folder, people) = people();
    let head = first(&people).await;
    let deputy = name("deputy");
    people.add(&deputy, "The deputy", Role::ALL.into()).unwrap();
    let link = people.link(&deputy).unwrap();
    people.use_link(link.as_str(), words(PASSWORD), None).await.unwrap();
    let changes: [&dyn Fn(); 3] = [
        &|| people.set_roles(&deputy, [Role::Reader].into()).unwrap(),
        &|| people.set_disabled(&deputy, true).unwrap(),
        &|| people.set_disabled(&deputy, false).unwrap(),
    ];
    for change in changes {
        let now = Timestamp::now();
        let secret = people.sessions.start(deputy.clone(), false, HERE, now).unwrap();
        assert!(people.sessions.use_one(secret.as_str(), HERE, now).is_some());
        change();
        assert!(people.sessions.use_one(secret.as_str(), HERE, now).is_none());
    }
    let secret = people.start_session(&deputy, false, HERE).unwrap();
    let new = "four much longer words";
    let change =
        async |before: &str| people.change_password(&deputy, words(before), words(new), HERE).await;
    assert!(matches!(change("not the password").await, Err(SignInError::Wrong)));
    let is_live = || people.sessions.use_one(secret.as_str(), HERE, Timestamp::now()).is_some();
    assert!(is_live());
    change(PASSWORD).await.unwrap();
    assert!(!is_live());
    signs_in(&people, "deputy", new).await.unwrap();
    // Nobody else can look after people.
    for last in [people.set_disabled(&head, true), people.set_roles(&head, [].into())] {
        assert!(matches!(last, Err(PeopleError::LastAdministrator(_))));
    }
}

#[tokio::test]
async fn a_token_works_until_it_expires_is_ended_or_its_account_is_switched_off() {
    let (folder, people) = people();
    let head = first(&people).await;
    let token = people.make_token(&head, "News reader", Scope::Feed, 30).unwrap();
    let file = std::fs::read_to_string(folder.path().join("people.json")).unwrap();
    assert!(!file.contains(token.as_str()));
    let now = Timestamp::now();
    let scope = |at| people.use_token(token.as_str(), at).map(|(_, _, scope)| scope);
    assert_eq!(scope(now), Some(Scope::Feed));
    let (short, listed) = people.tokens(&head).remove(0);
    assert_eq!((listed.last_used, listed.name.as_str()), (Some(now), "News reader"));
    let later = now.saturating_add(jiff::SignedDuration::from_hours(30 * 24 + 1)).unwrap();
    assert_eq!(scope(later), None);
    people.add(&name("deputy"), "The deputy", Role::ALL.into()).unwrap();
    let deputys = people.link(&name("deputy")).unwrap();
    people.use_link(deputys.as_str(), words(PASSWORD), None).await.unwrap();
    people.set_disabled(&head, true).unwrap();
    assert_eq!(scope(now), None);
    people.set_disabled(&head, false).unwrap();
    assert!(matches!(
        people.end_token(&name("deputy"), &short),
        Err(PeopleError::Token(TokenError::Unknown))
    ));
    assert_eq!(people.end_token(&head, &short).unwrap(), "News reader");
    assert_eq!(scope(now), None);
    for days in [0, 366] {
        assert!(people.make_token(&head, "x", Scope::Read, days).is_err());
    }
    for _ in 0..token::MAX_TOKENS {
        people.make_token(&head, "x", Scope::Read, 1).unwrap();
    }
    let one_more = people.make_token(&head, "x", Scope::Read, 1).unwrap_err().to_string();
    assert!(one_more.contains("20 tokens already"), "{one_more}");
}

#[test]
fn there_are_so_many_people_and_no_more() {
    let (_folder, people) = people();
    let somebody = Person::new("Somebody".to_owned(), Roles::new(), Timestamp::now());
    let others = (1..MAX_PEOPLE).map(|number| (name(&format!("person{number}")), somebody.clone()));
    people.lock().people.extend(others);
    let add = |user_name: &str| people.add(&name(user_name), "Somebody", Roles::new());
    add("last").unwrap();
    assert!(matches!(add("one-more"), Err(PeopleError::TooMany)));
    assert!(matches!(add("last"), Err(PeopleError::Exists(_))));
}
