//! How two nodes find what one of them lacks.
//!
//! [`Session`](session::Session) is the asking side as a state machine: it compares the membership
//! statements first, then the content sets, then asks for what it lacks. Few differences are found by
//! a [`sketch`] wherever they lie; many by ranges, as in Meyer, *Range-Based Set Reconciliation*
//! (2023), and what one side has none of is fetched without a word about each entry. The answering side
//! keeps no state: each [`Request`](message::Request) is answered from what is held. Both sides ask in
//! their own sessions, so each only ever pulls.

pub mod answer;
pub mod message;
pub mod session;
pub mod set;
pub mod sketch;

pub use set::ContentSet;
