//! A school that lost its key and its kit goes on under its next key, where enough others say so, its
//! old key does not object, and seven days have passed.

use super::*;
use crate::identity::Objection;
use crate::limits::BINDING_WAIT_MILLIS;

/// Ash founded the group; Beech and Cedar are admins, Dale lost its key, Elm is Dale's next key.
struct Setting {
    ash: School,
    beech: School,
    cedar: School,
    dale: School,
    elm: School,
    set: Membership,
}

impl Setting {
    fn new() -> Self {
        let [ash, beech, cedar, dale, elm] = [1, 2, 3, 4, 5].map(School::new);
        let mut set = founded(&ash, &[&beech, &cedar, &dale, &elm]);
        name(&mut set, &ash, &beech);
        name(&mut set, &ash, &cedar);
        Self { ash, beech, cedar, dale, elm, set }
    }

    fn binding(&self) -> Act {
        Act::Bind { school: self.dale.id(), next: self.elm.id() }
    }

    fn bind(&mut self, by: &[u8]) {
        for seed in by {
            let statement = School::new(*seed).says(&self.set, self.binding());
            self.set.extend([statement]);
        }
    }

    fn inherit(&mut self, millis: u64, standing: &[&Entry]) {
        let standing = standing.iter().map(|entry| entry.hash()).collect();
        let act = Act::Inherit { school: self.dale.id(), standing };
        let statement = self.elm.says_at(millis, &self.set, act);
        self.set.extend([statement]);
    }

    fn inherited(&self) -> bool {
        let roster = self.set.roster();
        let goes_on = roster.goes_on_for(&self.elm.id(), &self.dale.id());
        assert_eq!(
            goes_on,
            !is_member(&self.set, &self.dale),
            "the old key ends as the next begins"
        );
        goes_on
    }

    /// An entry of Elm's on one of Dale's records.
    fn for_dale(&self, withdraw: bool) -> Entry {
        let content =
            (!withdraw).then(|| (Summary::default(), BlobRef { hash: Hash::of(b""), size: 0 }));
        let draft = Draft {
            group: self.set.group(),
            record: RecordId::from_bytes([1; 16]),
            clock: Timestamp::from_millis(50),
            kind: "comment".into(),
            content,
            school: Some(self.dale.id()),
        };
        Entry::sign(draft, &self.elm.certificate, &self.elm.node).unwrap()
    }
}

const DUE: u64 = 20 + BINDING_WAIT_MILLIS;

#[test]
fn two_admins_bind_a_next_key_that_goes_on_after_seven_days() {
    let mut one = Setting::new();
    let group = one.set.group();
    let (kept, lost) = (one.dale.entry(group, 5, false), one.dale.entry(group, 6, false));
    one.bind(&[2]);
    one.inherit(DUE, &[&kept]);
    assert!(!one.inherited(), "one admin is too few");
    one.bind(&[2]);
    one.inherit(DUE, &[&kept]);
    assert!(!one.inherited(), "one admin twice is one");
    one.bind(&[3]);
    let known = &one.set.roster().bindings()[&(one.dale.id(), one.elm.id())];
    assert_eq!(known.effective(), Some(Timestamp::from_millis(DUE)));
    one.inherit(DUE - 1, &[&kept]);
    assert!(!one.inherited(), "too early");
    let edit = one.for_dale(false);
    assert_eq!(one.set.roster().standing(&edit), Standing::Unknown);

    one.inherit(DUE, &[&kept]);
    assert!(one.inherited());
    let roster = one.set.roster();
    assert!(roster.bindings().is_empty(), "nothing is open");
    assert_eq!(edit.key().school, one.dale.id());
    assert_eq!(roster.standing(&edit), Standing::Honoured);
    assert_eq!(roster.standing(&one.for_dale(true)), Standing::Honoured);
    assert_eq!(roster.standing(&kept), Standing::Honoured);
    assert_eq!(roster.standing(&lost), Standing::Dropped, "what the next key does not list");
    assert_eq!(roster.school_of(&one.dale.node.public()), None, "the lost node counts no more");
    assert_eq!(roster.standing(&one.elm.entry(group, 7, false)), Standing::Honoured);
}

#[test]
fn the_root_binds_alone_and_only_the_root_an_admin() {
    let mut one = Setting::new();
    let statement = root_does(&one.set, one.binding(), &[&one.ash]);
    one.set.extend([statement]);
    one.inherit(DUE, &[]);
    assert!(one.inherited());

    // Dale, an admin named before Beech and Cedar could say anything of it.
    let mut one = Setting::new();
    let (dale, ash) = (School::new(4), School::new(1));
    name(&mut one.set, &ash, &dale);
    one.bind(&[2, 3]);
    one.inherit(DUE, &[]);
    assert!(one.inherited(), "admins named before it");
    assert!(!one.set.roster().is_admin(&one.elm.id()), "the next key is no admin by that");

    let mut one = Setting::new();
    one.dale = School::new(2);
    let act = Act::Bind { school: one.dale.id(), next: one.elm.id() };
    for admin in [3, 1] {
        let statement = School::new(admin).says(&one.set, act.clone());
        one.set.extend([statement]);
    }
    one.inherit(DUE, &[]);
    assert!(!one.inherited(), "Cedar was not named before Beech");
    let statement = root_does(&one.set, act, &[&one.ash]);
    one.set.extend([statement]);
    one.inherit(DUE, &[]);
    assert!(one.inherited());
}

#[test]
fn the_old_keys_objection_undoes_it_whenever_it_comes() {
    let mut one = Setting::new();
    let group = one.set.group();
    one.bind(&[2, 3]);
    one.inherit(DUE, &[]);
    assert!(one.inherited());
    let after = one.dale.entry(group, 90, false);
    assert_eq!(one.set.roster().standing(&after), Standing::Dropped);

    let word = |next: SchoolId, key: &SecretKey, group| Act::Object {
        objection: ByteBuf::from(Objection::issue(key, group, next).as_bytes()),
    };
    for wrong in [
        word(one.cedar.id(), &one.dale.key, group),
        word(one.elm.id(), &one.elm.key, group),
        word(one.elm.id(), &one.dale.node, group),
    ] {
        let statement = one.dale.says(&one.set, wrong);
        one.set.extend([statement]);
        assert!(one.inherited(), "an objection to something else");
    }
    let elsewhere = word(one.elm.id(), &one.dale.key, GroupId::from_bytes([7; 32]));
    let clock = Timestamp::from_millis(30);
    let refused = one.set.sign(elsewhere, clock, &one.dale.certificate, &one.dale.node);
    assert_eq!(refused, Err(StatementError::Group));

    // Beech carries it, for a school whose own nodes are shut out.
    let statement = one.beech.says(&one.set, word(one.elm.id(), &one.dale.key, group));
    one.set.extend([statement]);
    assert!(!one.inherited());
    assert_eq!(one.set.roster().standing(&after), Standing::Honoured);
    assert_eq!(one.set.roster().standing(&one.for_dale(true)), Standing::Unknown);
    one.bind(&[2, 3]);
    one.inherit(10 * DUE, &[]);
    assert!(!one.inherited(), "the same next key is refused for ever");
}

#[test]
fn bindings_of_a_removed_admin_and_inheritances_apart_from_them_are_void() {
    let mut one = Setting::new();
    let apart = one.set.clone();
    one.bind(&[3]);
    let statement = one.beech.says(&one.set, one.binding());
    let before = one.set.clone();
    one.set.extend([statement]);
    // The founder, apart from that, puts Beech out.
    let removal = one.ash.removal(&before, &one.beech, &[]);
    one.set.extend([removal]);
    one.inherit(DUE, &[]);
    assert!(!one.inherited(), "a binding that is not before its admin's removal");

    let mut one = Setting::new();
    one.bind(&[2, 3]);
    let act = Act::Inherit { school: one.dale.id(), standing: Vec::new() };
    let statement = one.elm.says_at(DUE, &apart, act);
    one.set.extend([statement]);
    assert!(!one.inherited(), "an inheritance that does not follow the bindings");
}

#[test]
fn a_next_key_that_is_lost_too_has_a_next_one() {
    let mut one = Setting::new();
    one.bind(&[2, 3]);
    one.inherit(DUE, &[]);
    let fir = School::new(6);
    let admission = one.ash.admits(&one.set, &fir, 90);
    one.set.extend([admission]);
    let act = Act::Bind { school: one.elm.id(), next: fir.id() };
    for admin in [2, 3] {
        let statement = School::new(admin).says_at(DUE, &one.set, act.clone());
        one.set.extend([statement]);
    }
    let act = Act::Inherit { school: one.elm.id(), standing: Vec::new() };
    let statement = fir.says_at(2 * DUE, &one.set, act);
    one.set.extend([statement]);
    assert!(one.set.roster().goes_on_for(&fir.id(), &one.dale.id()));
    assert!(one.set.roster().goes_on_for(&fir.id(), &one.elm.id()));
    assert_eq!(one.set.roster().standing(&one.for_dale(false)), Standing::Dropped);
}

#[test]
fn an_admin_withdraws_for_a_school_that_departed() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    let entry = beech.entry(set.group(), 5, false);
    let withdraw =
        Act::Withdraw { school: beech.id(), records: vec![RecordId::from_bytes([1; 16])] };
    ash.does(&mut set, withdraw.clone());
    assert_eq!(set.roster().standing(&entry), Standing::Honoured, "a member does so itself");
    beech.does(&mut set, Act::Leave { standing: vec![entry.hash()], why: None });
    assert_eq!(set.roster().standing(&entry), Standing::Dropped);

    let mut set = founded(&ash, &[&beech, &cedar]);
    beech.does(&mut set, Act::Leave { standing: vec![entry.hash()], why: None });
    cedar.does(&mut set, withdraw);
    let entry = beech.entry(set.group(), 5, false);
    assert_eq!(set.roster().standing(&entry), Standing::Honoured, "Cedar is no admin");
}
