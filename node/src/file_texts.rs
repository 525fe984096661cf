//! What is known of this school's own files, their texts above all: read once, kept under the file's
//! hash.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use staffroom_protocol::entry::BlobRef;
use staffroom_protocol::hash::Hash;
use staffroom_protocol::publish::FileText;
use staffroom_protocol::record::File;
use staffroom_protocol::wire;

use crate::extract::{About, CannotRemove, Looked, Reading};
use crate::intake::KeepError;
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, Table};

/// Goes up when more can be read, so that what had no text before is read again.
const VERSION: u8 = 2;

/// Before the hash of a file from which names were taken out; under it is the hash of what it was.
const MADE_FROM: u8 = 0;

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What else is in it; none where looking at it failed.
    pub(crate) about: Option<About>,
    /// Its text.
    pub(crate) text: KnownText,
}

/// What is known of the text of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KnownText {
    /// There is one, which is kept as a blob.
    Text(BlobRef),
    /// There is none, and why.
    NoText(String),
}

/// What is known of the files of records that are to be published, by the files' hashes.
pub(crate) type KnownTexts = BTreeMap<Hash, Known>;

impl Node {
    /// Looks through a file that is held, unless that was done before.
    ///
    /// # Errors
    /// [`KeepError`] if the file cannot be opened or its text cannot be kept.
    pub(crate) fn look_through(&self, file: &Hash) -> Result<Known, KeepError> {
        if let Some(known) = self.known_text(file)? {
            return Ok(known);
        }
        let Some(opened) = self.blobs().open_blob(file)? else {
            let text = KnownText::NoText("it was not uploaded".to_owned());
            return Ok(Known { about: None, text });
        };
        let Looked { about, reading } = self.extractor().read(opened);
        let (text, lasting) = match reading {
            Reading::Text(text) => {
                let size = text.len() as u64;
                let hash = self.blobs().put(text.as_bytes())?;
                (KnownText::Text(BlobRef { hash, size }), true)
            }
            Reading::NoText { reason, lasting } => (KnownText::NoText(reason), lasting),
        };
        let known = Known { about, text };
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
        if let Some(Known { text: KnownText::Text(text), .. }) = &known
            && self.small_content(&text.hash)?.is_none()
        {
            return Ok(None);
        }
        Ok(known)
    }

    /// The hash of the text that is kept of a file.
    pub(crate) fn kept_text_of(&self, file: &Hash) -> Result<Option<Hash>, KeepError> {
        Ok(self.known_text(file)?.and_then(|known| match known.text {
            KnownText::Text(text) => Some(text.hash),
            KnownText::NoText(_) => None,
        }))
    }

    /// Reads the texts of all files that records name as people wrote them.
    pub(crate) fn read_texts_in(&self, written: &[Value]) -> Result<KnownTexts, KeepError> {
        let mut known = KnownTexts::new();
        for hash in written.iter().flat_map(hashes_of_files) {
            if let Entry::Vacant(unknown) = known.entry(hash) {
                unknown.insert(self.look_through(&hash)?);
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
            let text = match known.get(&file.hash).map(|known| &known.text) {
                Some(KnownText::NoText(reason)) => FileText::NoText(reason.clone()),
                Some(KnownText::Text(text)) => match self.small_content(&text.hash)? {
                    Some(bytes) => FileText::Text(String::from_utf8_lossy(&bytes).into_owned()),
                    None => continue,
                },
                None => continue,
            };
            texts.insert(file.hash, text);
        }
        Ok(texts)
    }

    /// Keeps a file that is held once more without the names of people that can be taken out of it,
    /// and returns the hash of that; none where nothing can be.
    ///
    /// # Errors
    /// [`KeepError`] if the file cannot be opened or kept.
    pub(crate) fn keep_without_names(&self, file: &Hash) -> Result<Option<Hash>, KeepError> {
        let Some(opened) = self.blobs().open_blob(file)? else { return Ok(None) };
        let cleaned = match self.extractor().without_names(opened) {
            Ok(cleaned) => cleaned,
            Err(CannotRemove::Nothing | CannotRemove::Failed) => return Ok(None),
        };
        let hash = self.blobs().put(&cleaned)?;
        let value = Some(file.as_bytes().to_vec());
        let key = made_from_key(&hash);
        self.store().apply(vec![Change::Local { table: Table::FileTexts, key, value }])?;
        Ok(Some(hash))
    }

    /// The file that this one was before names were taken out of it.
    pub(crate) fn made_from(&self, file: &Hash) -> Result<Option<Hash>, KeepError> {
        let kept = self.store().local_get(Table::FileTexts, &made_from_key(file))?;
        Ok(kept.and_then(|kept| kept.try_into().ok()).map(Hash::from_bytes))
    }
}

/// The changes that let go of what is known of a file.
pub(crate) fn forget(file: &Hash) -> [Change; 2] {
    [key(file), made_from_key(file)].map(|key| Change::Local {
        table: Table::FileTexts,
        key,
        value: None,
    })
}

fn made_from_key(file: &Hash) -> Vec<u8> {
    [&[MADE_FROM], file.as_bytes().as_slice()].concat()
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
        let texts = [KnownText::Text(text), KnownText::NoText("it is a picture".into())];
        for text in texts {
            let known = Known { about: Some(About::default()), text };
            let kept = wire::encode(&known);
            assert_eq!(wire::decode::<Known>(&kept, 100).unwrap(), known);
        }
    }
}
