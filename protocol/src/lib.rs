//! What Staffroom nodes say to each other, and what it means.

#![warn(missing_docs)]

pub mod bundle;
pub mod clock;
mod description;
pub mod entry;
pub mod gossip;
pub mod group;
pub mod hash;
pub mod identity;
pub mod intake;
pub mod keeping;
pub mod limits;
pub mod publish;
pub mod receipt;
pub mod record;
pub mod safeguard;
mod seal;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod sync;
#[cfg(test)]
mod vectors;
pub mod vocabulary;
pub mod wire;
