//! What the commands about groups print.

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::statement::Parting;

use crate::cli::output::{minute, table};
use crate::http::{GroupStatus, JoinReport, MemberReport};
use crate::invites::{InviteMade, InviteState};
use crate::joining::Asking;
use crate::root::{Keyholder, RootAct, RootReport};
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
                match (group.role, &group.waiting_for, &group.merged_into) {
                    (Some(_), _, Some(into)) => format!("merged into {into}"),
                    (Some(role), _, None) => role.to_string(),
                    (None, Some(from), _) => format!("waits for {from}"),
                    (None, None, _) => "left".to_owned(),
                },
                group.members.to_string(),
                group.connected.to_string(),
                group.entries.to_string(),
                group.bodies_missing.to_string(),
            ]
        }),
    )
}

pub(super) fn root_act(act: &RootAct) -> String {
    let RootAct { name, what, signed, needed, proposal, .. } = act;
    match proposal {
        None => format!("Done in {name}: {what}."),
        Some(line) => format!(
            "Signed: {what} in {name}. {signed} of {needed} keyholders have signed. Send this line \
             to another keyholder, who runs: staffroom group sign LINE\n{line}"
        ),
    }
}

pub(super) fn root_report(root: &RootReport) -> String {
    let holder = |holder: &Keyholder| {
        let name = holder.name.clone().unwrap_or_else(|| holder.school.short());
        if holder.own { format!("{name} (this school)") } else { name }
    };
    let names: Vec<String> = root.keyholders.iter().map(holder).collect();
    match root.keyholders.len() {
        1 => format!("The root is held by {} alone.", names.join("")),
        count => format!(
            "The root is held by {}. {} of these {count} must sign what it does.",
            names.join(", "),
            root.threshold
        ),
    }
}

pub(super) fn next_keys(said: &[NextKey]) -> String {
    if said.is_empty() {
        return "Nobody says that a school goes on under another key.".to_owned();
    }
    let one = |said: &NextKey| {
        let NextKey { school, name, next, next_name, .. } = said;
        let admins = said.by.join(" and ");
        let by = match (said.by_root, admins.is_empty()) {
            (true, true) => "the root".to_owned(),
            (true, false) => format!("{admins} and the root"),
            (false, _) => admins,
        };
        let stands = match (&said.effective, said.objected) {
            (_, true) => "Its old key objected, so nothing comes of it.".to_owned(),
            (None, false) => "A second admin must say so, or the root.".to_owned(),
            (Some(when), false) => format!(
                "It counts from {}, unless the old key objects: staffroom group object",
                minute(when)
            ),
        };
        format!(
            "{name} ({}) goes on as {next_name} ({}), by the word of {by}. {stands}",
            school.short(),
            next.short()
        )
    };
    said.iter().map(one).collect::<Vec<_>>().join("\n")
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
            let now = match &invite.state {
                InviteState::Open => "open".to_owned(),
                InviteState::Used { by } => format!("used by {by}"),
                InviteState::Expired => "expired".to_owned(),
                InviteState::Revoked => "taken back".to_owned(),
            };
            [
                invite.id.short(),
                invite.role.to_string(),
                expires.get(..10).unwrap_or_default().to_owned(),
                now,
            ]
        }),
    )
}

pub(super) fn member_list(members: &[MemberReport]) -> String {
    let list = table(
        ["School", "URN", "Role", "Since", "Now", "Up to date since"],
        members.iter().map(|member| {
            let now = match (&member.left, &member.removed_by, member.own, member.connected) {
                (Some(when), Some(by), ..) => {
                    format!("removed on {} by {by}", when.get(..10).unwrap_or_default())
                }
                (Some(when), None, ..) => {
                    let what = match (member.why, &member.next) {
                        (_, Some(next)) => format!("goes on as {next}"),
                        (Some(Parting::Moved), None) => "moved to another group".to_owned(),
                        (Some(Parting::Closed), None) => "closed".to_owned(),
                        (None, None) => "left".to_owned(),
                    };
                    format!("{what} on {}", when.get(..10).unwrap_or_default())
                }
                (None, _, true, _) => "this school".to_owned(),
                (None, _, false, true) => "connected".to_owned(),
                (None, _, false, false) => match &member.heard {
                    Some(heard) => heard.sentence(),
                    None => "not connected".to_owned(),
                },
            };
            let name = &member.claims.name;
            let same = members.iter().filter(|other| other.claims.name == *name).count();
            [
                // A school that was set up anew has the name of what it was.
                if same > 1 { format!("{name} ({})", member.school.short()) } else { name.clone() },
                member.claims.urn.map(|urn| urn.to_string()).unwrap_or_default(),
                member.role.to_string(),
                member.since.get(..10).unwrap_or_default().to_owned(),
                now,
                match (&member.up_to_date_since, member.own || member.left.is_some()) {
                    (_, true) => String::new(),
                    (Some(since), false) => minute(since),
                    (None, false) => "not yet".to_owned(),
                },
            ]
        }),
    );
    let removals = members.iter().filter(|member| !member.heard_by.is_empty()).map(heard);
    std::iter::once(list).chain(removals).collect::<Vec<_>>().join("\n")
}

/// Who has heard of a removal, and who may still share with the school.
fn heard(removed: &MemberReport) -> String {
    let (count, name) = (removed.heard_by.len(), &removed.claims.name);
    let outstanding: Vec<&str> = removed
        .heard_by
        .iter()
        .filter(|one| one.since.is_none())
        .map(|one| one.school.as_str())
        .collect();
    if outstanding.is_empty() {
        let last = removed.heard_by.iter().filter_map(|one| one.since.as_deref()).max();
        return format!(
            "All other schools have heard that {name} was removed, the last one at {}.",
            minute(last.unwrap_or_default())
        );
    }
    format!(
        "{} of {count} other schools have heard that {name} was removed. Not yet: {}. Until they \
         hear of it they may go on sharing with {name}.",
        count - outstanding.len(),
        outstanding.join(", ")
    )
}
