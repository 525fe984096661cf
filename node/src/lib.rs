//! The Staffroom node: every clock, socket, file and task.

pub mod blobs;
pub mod store;
