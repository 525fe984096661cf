//! The Staffroom node: every clock, socket, file and task.

pub mod blobs;
mod clock;
pub mod contacts;
pub mod groups;
pub mod home;
pub mod import;
pub mod indexer;
pub mod intake;
pub mod network;
pub mod node;
pub mod publish;
pub mod records;
pub mod store;
