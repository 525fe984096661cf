//! The text inside this school's own files: read once, kept under the file's hash.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use staffroom_protocol::entry::BlobRef;
use staffroom_protocol::hash::Hash;
use staffroom_protocol::publish::FileText;
use staffroom_protocol::record::File;
use staffroom_protocol::wire;

use crate::extract::Reading;
use crate::intake::KeepError;
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, Table};

/// Goes up when more can be read, so that what had no text before is read again.
const VERSION: u8 = 1;

/// What is known of the text of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Known {
    /// There is one, which is kept as a blob.
    Text(BlobRef),
    /// There is none, and why.
    NoText(String),
}

/// What is known of the files of records that are to be published, by the files' hashes.
pub(crate) type KnownTexts = BTreeMap<Hash, Known>;

impl Node {
    /// Reads the text of a file that is held, unless it was read before.
    ///
    /// # Errors
    /// [`KeepError`] if the file cannot be opened or its text cannot be kept.
    pub(crate) fn read_text_of(&self, file: &Hash) -> Result<Known, KeepError> {
        if let Some(known) = self.known_text(file)? {
            return Ok(known);
        }
        let Some(opened) = self.blobs().open_blob(file)? else {
            return Ok(Known::NoText("it was not uploaded".to_owned()));
        };
        let (known, lasting) = match self.extractor().read(opened) {
            Reading::Text(text) => {
                let size = text.len() as u64;
                let hash = self.blobs().put(text.as_bytes())?;
                (Known::Text(BlobRef { hash, size }), true)
            }
            Reading::NoText { reason, lasting } => (Known::NoText(reason), lasting),
        };
        if lasting {
            let value = Some(wire::encode(&known));
            self.store().apply(vec![Change::Local {
                table: Table::FileTexts,
                key: key(file),
                value,
            }])?;
        }
        Ok(known)
    }

    fn known_text(&self, file: &Hash) -> Result<Option<Known>, KeepError> {
        let kept = self.store().local_get(Table::FileTexts, &key(file))?;
        let known = kept.and_then(|kept| wire::decode(&kept, MAX_LOCAL_VALUE_BYTES).ok());
        // Texts go with the last record that has them, while another may get the file again.
        if let Some(Known::Text(text)) = &known
            && self.small_content(&text.hash)?.is_none()
        {
            return Ok(None);
        }
        Ok(known)
    }

    /// Reads the texts of all files that records name as people wrote them.
    pub(crate) fn read_texts_in(&self, written: &[Value]) -> Result<KnownTexts, KeepError> {
        let mut known = KnownTexts::new();
        for hash in written.iter().flat_map(hashes_of_files) {
            if let Entry::Vacant(unknown) = known.entry(hash) {
                unknown.insert(self.read_text_of(&hash)?);
            }
        }
        Ok(known)
    }

    /// The texts of files, as far as they are known.
    pub(crate) fn texts_of(
        &self,
        files: &[File],
        known: &KnownTexts,
    ) -> Result<BTreeMap<Hash, FileText>, KeepError> {
        let mut texts = BTreeMap::new();
        for file in files {
            let text = match known.get(&file.hash) {
                Some(Known::NoText(reason)) => FileText::NoText(reason.clone()),
                Some(Known::Text(text)) => match self.small_content(&text.hash)? {
                    Some(bytes) => FileText::Text(String::from_utf8_lossy(&bytes).into_owned()),
                    None => continue,
                },
                None => continue,
            };
            texts.insert(file.hash, text);
        }
        Ok(texts)
    }
}

/// The change that lets go of what is known of a file.
pub(crate) fn forget(file: &Hash) -> Change {
    Change::Local { table: Table::FileTexts, key: key(file), value: None }
}

fn key(file: &Hash) -> Vec<u8> {
    [&[VERSION], file.as_bytes().as_slice()].concat()
}

fn hashes_of_files(written: &Value) -> Vec<Hash> {
    let fields = written.as_object().into_iter().flatten();
    let files = fields.filter(|(name, _)| name.trim().eq_ignore_ascii_case("files"));
    let files = files.filter_map(|(_, files)| files.as_array()).flatten();
    files.filter_map(|file| file.get("hash")?.as_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_found_however_their_field_is_written() {
        let hash = Hash::of(b"a plan");
        let one = json!({ "hash": hash });
        assert_eq!(hashes_of_files(&json!({ " Files": [one, {}, 3] })), [hash]);
        assert_eq!(hashes_of_files(&json!({ "files": { "hash": hash } })), []);
        assert_eq!(hashes_of_files(&json!([])), []);
    }

    #[test]
    fn what_is_known_is_kept_in_few_bytes() {
        let text = BlobRef { hash: Hash::of(b"words"), size: 5 };
        for known in [Known::Text(text), Known::NoText("it is a picture".into())] {
            let kept = wire::encode(&known);
            assert_eq!(wire::decode::<Known>(&kept, 100).unwrap(), known);
        }
    }
}
