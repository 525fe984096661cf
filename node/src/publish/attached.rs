//! The files of a record that is to be published: none that would run, and what else to tell of them.

use staffroom_protocol::record::File;

use super::PublishError;
use crate::blobs::BlobError;
use crate::file_texts::KnownTexts;
use crate::intake::KeepError;
use crate::media;
use crate::node::Node;

impl Node {
    /// Judges files that are held; returns what their author should look at.
    pub(super) fn judge_attached(
        &self,
        files: &[File],
        known: &KnownTexts,
        allow_macros: bool,
    ) -> Result<Vec<String>, PublishError> {
        let mut notes = Vec::new();
        let mut refused = Vec::new();
        for file in files {
            let missing = || PublishError::FileMissing(file.name.clone());
            let mut opened = self.blobs().open_blob(&file.hash)?.ok_or_else(missing)?;
            let start = media::beginning(&mut opened).map_err(|source| {
                let path = self.home().blobs();
                KeepError::from(BlobError::Io { action: "read a file in", path, source })
            })?;
            let about = known.get(&file.hash).and_then(|known| known.about.as_ref());
            let judged = media::refuse_programs(&start, &file.name)
                .and_then(|()| media::refuse_what_runs(&start, &file.name, about, allow_macros));
            if let Err(error) = judged {
                refused.push(error);
                continue;
            }
            notes.extend(media::contradiction(&start, &file.name));
            if let Some((about, names)) =
                about.and_then(|about| Some((about, about.names_people()?)))
            {
                let how = if about.has_removable_names() {
                    "share it with --remove-names to take them out"
                } else {
                    "if they should not be shared, take them out in the program that it comes from \
                     (in Word: File, Info, Check for issues, Inspect document), and save it again"
                };
                notes.push(format!("{} {names}; {how}", file.name));
            }
        }
        if refused.is_empty() { Ok(notes) } else { Err(PublishError::Files(refused)) }
    }
}
