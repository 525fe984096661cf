//! What the commands about groups print.

use staffroom_protocol::clock::Timestamp;

use crate::ago::minute;
use crate::cli::output::table;
use crate::http::{GroupStatus, JoinReport, MemberReport};
use crate::invites::InviteMade;
use crate::joining::Asking;
use crate::succession::NextKey;

/// Groups as a table.
pub(in crate::cli) fn list(groups: &[GroupStatus]) -> String {
    if groups.is_empty() {
        return "This school is in no group yet. Create one with: staffroom group create NAME, or \
                join one with: staffroom group join INVITE"
            .to_owned();
    }
    table(
        ["Group", "Kind", "Role", "Schools", "Connected", "Records", "Texts to come"],
        groups.iter().map(|group| {
            [
                group.name.clone(),
                group.kind.map(|kind| kind.to_string()).unwrap_or_default(),
                group.standing(),
                group.members.to_string(),
                group.connected.to_string(),
                group.entries.to_string(),
                group.bodies_missing.to_string(),
            ]
        }),
    )
}

pub(super) fn next_keys(said: &[NextKey]) -> String {
    if said.is_empty() {
        return "Nobody says that a school goes on under another key.".to_owned();
    }
    said.iter().map(NextKey::sentence).collect::<Vec<_>>().join("\n")
}

pub(super) fn join_report(joined: &JoinReport, running: bool) -> String {
    let JoinReport { name, from, waiting, .. } = joined;
    match (waiting, running) {
        (false, true) => format!("Joined {name}."),
        (false, false) => format!(
            "Joined {name}.\nStart the node to receive what its schools share: staffroom serve"
        ),
        (true, true) => format!(
            "{from} has been asked and has not answered yet. This node goes on asking; see how it \
             stands with: staffroom group list"
        ),
        (true, false) => format!(
            "{from} has been asked and has not answered yet. Start the node, which goes on asking: \
             staffroom serve"
        ),
    }
}

pub(super) fn request_list(requests: &[Asking]) -> String {
    if requests.is_empty() {
        return "No school asks to be let in.".to_owned();
    }
    table(
        ["School", "URN", "Phase", "Location", "As a", "Id"],
        requests.iter().map(|asking| {
            [
                asking.claims.name.clone(),
                asking.claims.urn.map(|urn| urn.to_string()).unwrap_or_default(),
                asking.claims.phase.clone().unwrap_or_default(),
                asking.claims.location.clone().unwrap_or_default(),
                asking.role.to_string(),
                asking.school.short(),
            ]
        }),
    )
}

pub(super) fn invite_list(invites: &[InviteMade]) -> String {
    if invites.is_empty() {
        return "This school has made no invite to this group. Make one with: staffroom group \
                invite GROUP"
            .to_owned();
    }
    table(
        ["Invite", "Lets in a", "Expires", "Now"],
        invites.iter().map(|invite| {
            let expires = Timestamp::from_millis(invite.expires_millis).to_string();
            [
                invite.id.short(),
                invite.role.to_string(),
                expires.get(..10).unwrap_or_default().to_owned(),
                invite.state.to_string(),
            ]
        }),
    )
}

pub(super) fn member_list(members: &[MemberReport]) -> String {
    let list = table(
        ["School", "URN", "Role", "Since", "Now", "Up to date since"],
        members.iter().map(|member| {
            [
                member.shown_name(members),
                member.claims.urn.map(|urn| urn.to_string()).unwrap_or_default(),
                member.role.to_string(),
                member.since.get(..10).unwrap_or_default().to_owned(),
                member.standing(),
                match (&member.up_to_date_since, member.own || member.left.is_some()) {
                    (_, true) => String::new(),
                    (Some(since), false) => minute(since),
                    (None, false) => "not yet".to_owned(),
                },
            ]
        }),
    );
    let removals = members.iter().filter_map(MemberReport::who_heard);
    std::iter::once(list).chain(removals).collect::<Vec<_>>().join("\n")
}
