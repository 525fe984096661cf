//! Whether a colleague looks at what staff share before it leaves the school.
//!
//! Off until a school wants it. Who approved what is in the audit log alone; nobody's name leaves the
//! school.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::settings;
use crate::store::{Store, StoreError};

/// Under which the setting lies among those of the node.
const KEY: &[u8] = b"approval";

/// The setting, kept across restarts.
#[derive(Debug)]
pub(crate) struct Approval {
    store: Arc<dyn Store>,
    needed: AtomicBool,
}

impl Approval {
    pub(crate) fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let needed = settings::read(store.as_ref(), KEY, "staffroom approval")?;
        Ok(Self { store, needed: AtomicBool::new(needed.unwrap_or(false)) })
    }

    /// Whether what is shared needs a colleague's approval.
    pub(crate) fn is_needed(&self) -> bool {
        self.needed.load(Ordering::Acquire)
    }

    /// Sets it; where it cannot be kept, what was set before holds.
    pub(crate) fn set(&self, needed: bool) -> Result<(), StoreError> {
        settings::write(self.store.as_ref(), KEY, needed.then_some(&true))?;
        self.needed.store(needed, Ordering::Release);
        Ok(())
    }
}
