//! `staffroom group …`

mod printed;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;
use jiff::{Span, SpanRelativeTo, Unit};
use serde_json::json;
use staffroom_protocol::group::invite::Invite;

use super::client::{Client, segment};
use super::output::Output;
use super::qr;
use crate::http::{
    GroupReport, GroupStatus, InviteReport, InviteRevoked, JoinReport, MemberReport, NextKeyReport,
};
use crate::invites::InviteMade;
use crate::joining::Asking;
use crate::root::{RootAct, RootReport};
use crate::succession::NextKey;
pub(super) use printed::list;
use printed::{invite_list, join_report, member_list, next_keys, request_list};

/// Groups: trusts, clusters and networks
#[derive(Debug, clap::Subcommand)]
pub(super) enum Group {
    /// Found a group; this school is its first admin
    Create {
        /// Its name
        name: String,
        /// What sort of group it is
        #[arg(long, value_enum, default_value = "trust")]
        kind: Kind,
    },
    /// List the groups that this school is in
    List,
    /// Make an invite: one line that lets one school in
    Invite {
        /// The group's name
        group: String,
        /// How long it is valid, such as 14d, 36h or "2 weeks"
        #[arg(long, default_value = "14d", value_parser = read_duration)]
        valid_for: Span,
        /// What the school may do
        #[arg(long, value_enum, default_value = "member")]
        role: InvitedRole,
        /// Let the school wait until you have looked at who it is: staffroom group requests
        #[arg(long)]
        ask: bool,
        /// Draw the invite as a QR code as well
        #[arg(long)]
        qr: bool,
        /// Write the invite as a QR code to a file that ends in .svg or .png
        #[arg(long, value_name = "FILE")]
        qr_file: Option<PathBuf>,
    },
    /// List the invites that this school made, and what became of them
    Invites {
        /// The group's name
        group: String,
    },
    /// Take back an invite that nobody has used
    RevokeInvite {
        /// The group's name
        group: String,
        /// The invite's id, or the start of it, as staffroom group invites shows it
        invite: String,
    },
    /// List the schools that ask to be let in, for invites made with --ask
    Requests {
        /// The group's name
        group: String,
    },
    /// Let a school in that asks
    Admit {
        /// The group's name
        group: String,
        /// The school's name, or the start of its id
        school: String,
    },
    /// Do not let a school in that asks; its invite is taken back
    Decline {
        /// The group's name
        group: String,
        /// The school's name, or the start of its id
        school: String,
    },
    /// Join a group with an invite
    Join {
        /// The line that the inviting school sent
        invite: String,
        /// Join without being asked whether this is the right group
        #[arg(long)]
        yes: bool,
    },
    /// List the schools of a group
    Members {
        /// The group's name
        group: String,
    },
    /// Remove a school; what it shared until now stays with the members
    Remove {
        /// The group's name
        group: String,
        /// The school's name, or the start of its id
        school: String,
    },
    /// Name a school an admin, who can invite and remove schools
    Admin {
        /// The group's name
        group: String,
        /// The school's name, or the start of its id
        school: String,
        /// End it: the school stays a member, but is no admin any more
        #[arg(long)]
        dismiss: bool,
    },
    /// Show who holds the root of a group, or give it to other keyholders
    Root {
        /// The group's name
        group: String,
        /// The schools that are to hold the root from now on
        #[arg(long, value_name = "SCHOOL", num_args = 1.., requires = "threshold")]
        keyholders: Vec<String>,
        /// How many of them must sign
        #[arg(long, value_name = "NUMBER", requires = "keyholders")]
        threshold: Option<u8>,
    },
    /// Let a school that lost both its server and its recovery kit go on under a new key: two admins
    /// say so, or the root; it counts after seven days
    NextKey {
        /// The group's name
        group: String,
        /// The school as it was: its name, or the start of its id; without it, what is said so far
        #[arg(requires = "next")]
        school: Option<String>,
        /// The school as it was set up anew and let into the group
        next: Option<String>,
        /// Say so with this school's key of the root
        #[arg(long, requires = "next")]
        root: bool,
    },
    /// Object with this school's key to what others say is its next key
    Object {
        /// The group's name
        group: String,
    },
    /// Sign what another keyholder of the root proposes
    Sign {
        /// The line that the other keyholder sent
        proposal: String,
        /// Sign without being asked
        #[arg(long)]
        yes: bool,
    },
    /// Leave a group
    Leave {
        /// The group's name
        group: String,
        /// What becomes of what this school shared with it
        #[arg(long, value_enum, default_value = "stay")]
        records: Records,
    },
    /// Move this school to another group, which it shares its records with, and leave this one
    Move {
        /// The name of the group that it leaves
        group: String,
        /// The line that an admin of the other group sent
        #[arg(long)]
        invite: String,
        /// What becomes of what this school shared with the group that it leaves
        #[arg(long, value_enum, default_value = "stay")]
        records: Records,
    },
    /// Merge a group into another, for an admin of both: its schools are in the other from then on
    Merge {
        /// The name of the group that ends; what was shared with it stays readable
        group: String,
        /// The name of the group that goes on
        #[arg(long, value_name = "GROUP")]
        into: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    /// A multi-academy trust
    Trust,
    /// Schools of a trust, or of several, that work closely together
    Cluster,
    /// Subject leaders, or others with a shared purpose, across trusts
    Network,
}

/// What becomes of the records of a school that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Records {
    /// They stay with the members
    Stay,
    /// The members drop them
    Leave,
}

impl Records {
    pub(super) fn query(self) -> &'static str {
        match self {
            Self::Stay => "records_stay=true",
            Self::Leave => "records_stay=false",
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum InvitedRole {
    /// Reads and publishes
    Member,
    /// Reads
    Reader,
}

fn read_duration(text: &str) -> Result<Span, String> {
    text.parse().map_err(|_| "write it like 14d, 36h or \"2 weeks\"".to_owned())
}

impl Group {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        Client::with(data, output, async |client| self.ask(client, output).await).await
    }

    async fn ask(self, client: &Client, output: &Output) -> anyhow::Result<()> {
        match self {
            Self::Create { name, kind } => {
                let kind = kind.to_possible_value().map(|value| value.get_name().to_owned());
                let body = json!({ "name": name, "kind": kind });
                let group: GroupReport = client.post("/groups", &body).await?;
                output.answer(&group, || {
                    let name = &group.name;
                    format!(
                        "Created {name}.\nInvite a school with: staffroom group invite {name:?}"
                    )
                })
            }
            Self::List => {
                let groups: Vec<GroupStatus> = client.get("/groups").await?;
                output.answer(&groups, || list(&groups))
            }
            Self::Invite { group, valid_for, role, ask, qr, qr_file } => {
                if let Some(file) = &qr_file {
                    qr::check_name(file)?;
                }
                let seconds = valid_for
                    .total((Unit::Second, SpanRelativeTo::days_are_24_hours()))
                    .context("the time for which the invite is valid")?;
                if seconds < 1.0 {
                    bail!("--valid-for is {valid_for}; it must be at least a second");
                }
                let role = role.to_possible_value().map(|value| value.get_name().to_owned());
                let body = json!({ "valid_seconds": seconds as u64, "role": role, "ask": ask });
                let path = format!("/groups/{}/invites", segment(&group));
                let invite: InviteReport = client.post(&path, &body).await?;
                output.remark(&format!(
                    "This line lets one school into {} until {}. Send it to that school only:",
                    invite.group, invite.expires
                ));
                output.answer(&invite, || invite.invite.clone())?;
                if qr && !output.is_json() {
                    eprintln!("{}", qr::drawn(&invite.invite)?);
                }
                if let Some(file) = &qr_file {
                    qr::write(&invite.invite, file)?;
                    output.remark(&format!("The QR code is in {}.", file.display()));
                }
                Ok(())
            }
            Self::Invites { group } => {
                let path = format!("/groups/{}/invites", segment(&group));
                let invites: Vec<InviteMade> = client.get(&path).await?;
                output.answer(&invites, || invite_list(&invites))
            }
            Self::RevokeInvite { group, invite } => {
                let path = format!("/groups/{}/invites/{}", segment(&group), segment(&invite));
                let revoked: InviteRevoked = client.delete(&path).await?;
                output.answer(&revoked, || {
                    format!("Took back the invite {}. It lets nobody in.", revoked.id.short())
                })
            }
            Self::Join { invite, yes } => {
                let read: Invite = invite.parse()?;
                let own = client.school_name().await?;
                output.remark(&format!(
                    "This lets {own} into the {} {:?}. {} made the invite.",
                    read.group_kind, read.group_name, read.from
                ));
                if !yes && !output.is_json() && !confirmed("Join it?")? {
                    bail!("{own} did not join {:?}", read.group_name);
                }
                client.connect().await?;
                let body = json!({ "invite": invite });
                let joined: JoinReport = client.post("/groups/join", &body).await?;
                output.answer(&joined, || join_report(&joined, client.is_running()))
            }
            Self::Requests { group } => {
                let path = format!("/groups/{}/requests", segment(&group));
                let requests: Vec<Asking> = client.get(&path).await?;
                output.answer(&requests, || request_list(&requests))
            }
            Self::Admit { group, school } => {
                let path = format!("/groups/{}/requests/{}", segment(&group), segment(&school));
                let group: GroupReport = client.put(&path).await?;
                output.answer(&group, || format!("{school} is in {}.", group.name))
            }
            Self::Decline { group, school } => {
                let path = format!("/groups/{}/requests/{}", segment(&group), segment(&school));
                let group: GroupReport = client.delete(&path).await?;
                output.answer(&group, || {
                    format!(
                        "{school} was not let into {}, and its invite is taken back.",
                        group.name
                    )
                })
            }
            Self::Members { group } => {
                let path = format!("/groups/{}/members", segment(&group));
                let members: Vec<MemberReport> = client.get(&path).await?;
                output.answer(&members, || member_list(&members))
            }
            Self::Remove { group, school } => {
                let path = format!("/groups/{}/members/{}", segment(&group), segment(&school));
                let group: GroupReport = client.delete(&path).await?;
                output.answer(&group, || {
                    let running = if client.is_running() {
                        "The schools that are connected hear of it now, the others when they \
                         connect. See who has heard with: staffroom group members"
                    } else {
                        "The other schools hear of it when this node runs: staffroom serve"
                    };
                    format!(
                        "Removed {school} from {}. What it had shared stays with the members.\n\
                         {running}",
                        group.name
                    )
                })
            }
            Self::Admin { group, school, dismiss } => {
                let path = format!("/groups/{}/admins/{}", segment(&group), segment(&school));
                if dismiss {
                    let group: GroupReport = client.delete(&path).await?;
                    return output.answer(&group, || {
                        format!("{school} is no admin of {} any more.", group.name)
                    });
                }
                let act: RootAct = client.put_unlocked(&path, &json!({})).await?;
                output.answer(&act, || act.sentence())
            }
            Self::Root { group, keyholders, threshold } => {
                let path = format!("/groups/{}/root", segment(&group));
                let Some(threshold) = threshold else {
                    let root: RootReport = client.get(&path).await?;
                    return output.answer(&root, || root.sentence());
                };
                let body = json!({ "keyholders": keyholders, "threshold": threshold });
                let act: RootAct = client.put_unlocked(&path, &body).await?;
                output.answer(&act, || act.sentence())
            }
            Self::NextKey { group, school, next, root } => {
                let path = format!("/groups/{}/next-keys", segment(&group));
                let (Some(school), Some(next)) = (school, next) else {
                    let said: Vec<NextKey> = client.get(&path).await?;
                    return output.answer(&said, || next_keys(&said));
                };
                let path = format!("{path}/{}/{}", segment(&school), segment(&next));
                let report: NextKeyReport =
                    client.put_unlocked(&path, &json!({ "root": root })).await?;
                output.answer(&report, || {
                    let proposal = report.proposal.as_ref().map(RootAct::sentence);
                    let said = next_keys(&report.next_keys);
                    proposal.into_iter().chain([said]).collect::<Vec<_>>().join("\n")
                })
            }
            Self::Object { group } => {
                let path = format!("/groups/{}/objections", segment(&group));
                let nexts: Vec<String> = client.put_unlocked(&path, &json!({})).await?;
                output.answer(&nexts, || {
                    format!(
                        "Objected in {group}: {} does not go on for this school.",
                        nexts.join(", ")
                    )
                })
            }
            Self::Sign { proposal, yes } => {
                let body = json!({ "proposal": proposal });
                let read: RootAct = client.put_unlocked("/proposals", &body).await?;
                output.remark(&format!(
                    "This is to {} in {}. {} of {} keyholders have signed it.",
                    read.what, read.name, read.signed, read.needed
                ));
                if !yes && !output.is_json() && !confirmed("Sign it?")? {
                    bail!("it was not signed");
                }
                let body = json!({ "proposal": proposal, "sign": true });
                let act: RootAct = client.put_unlocked("/proposals", &body).await?;
                output.answer(&act, || act.sentence())
            }
            Self::Leave { group, records } => {
                let path = format!("/groups/{}/membership?{}", segment(&group), records.query());
                let group: GroupReport = client.delete(&path).await?;
                output.answer(&group, || format!("Left {}.", group.name))
            }
            Self::Move { group, invite, records } => {
                client.connect().await?;
                let path = format!("/groups/{}/move?{}", segment(&group), records.query());
                let moved: JoinReport = client.post(&path, &json!({ "invite": invite })).await?;
                output.answer(&moved, || {
                    if moved.waiting {
                        return format!(
                            "{} has been asked and has not answered yet. Run the same command \
                             again once this school is in {}.",
                            moved.from, moved.name
                        );
                    }
                    format!("Moved from {group} to {}.", moved.name)
                })
            }
            Self::Merge { group, into } => {
                let path = format!("/groups/{}/merger/{}", segment(&group), segment(&into));
                let merged: GroupReport = client.put(&path).await?;
                output.answer(&merged, || {
                    format!(
                        "Merged {} into {into}. Its schools are in {into} as soon as they hear of \
                         it, and share their records there.",
                        merged.name
                    )
                })
            }
        }
    }
}

/// Asks the person at the terminal; where there is none, whoever runs the command has decided.
pub(super) fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(true);
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
