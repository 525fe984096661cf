//! The Staffroom node: every clock, socket, file and task.

pub mod blobs;
pub mod cli;
mod clock;
mod confirmations;
pub mod contacts;
mod epochs;
pub mod erasure;
pub mod groups;
pub mod home;
pub mod http;
pub mod import;
pub mod indexer;
pub mod intake;
pub mod invites;
pub mod joining;
pub mod life;
pub mod markdown;
pub mod membership;
pub mod network;
pub mod node;
pub mod publish;
pub mod readable;
pub mod records;
pub mod recovery;
pub mod root;
pub mod store;
