//! Stand-in.
use serde::{Deserialize, Serialize};
/// A school's unique reference number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Urn(String);
