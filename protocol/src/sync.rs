//! How two nodes find what one of them lacks.
//!
//! [`Session`](session::Session) is the asking side as a state machine: it compares the membership
//! statements first, then the content set by range-based reconciliation, then asks for what it
//! lacks. The answering side keeps no state: each [`Request`](message::Request) is answered from
//! what is held. Both sides ask in their own sessions, so each only ever pulls.

pub mod message;
pub mod session;
mod set;

pub use set::{ContentSet, ReconcileError};
