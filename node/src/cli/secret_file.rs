//! Secrets that are given in a file, so that they stand in no list of processes and in no history.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;

/// The longest file with a secret: it holds one line.
const MAX_SECRET_BYTES: u64 = 4 * 1024;

/// The secret in a file, or in what is typed where the file is `-`, without the line break behind it.
pub(super) fn read(file: &Path, what: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(MAX_SECRET_BYTES).read_to_string(&mut text)
    } else {
        File::open(file).and_then(|file| file.take(MAX_SECRET_BYTES).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read {what} from {}", file.display()))?;
    Ok(text.trim().to_owned())
}
