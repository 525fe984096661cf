//! The folder on disk: opened if it is whole, emptied if it is not.

use std::fs;
use std::io;
use std::path::Path;

use tantivy::directory::error::LockError;
use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::schema::Schema;
use tantivy::{Index as Engine, IndexReader, ReloadPolicy};

use super::{EmptyReason, IndexError, stamp};
use crate::schema::{ANALYZER, WORD_ANALYZER};
use crate::words::{indexing_analyzer, word_analyzer};

const META: &str = "meta.json";
const MANAGED: &str = ".managed.json";

pub(super) struct Folder {
    pub(super) engine: Engine,
    pub(super) reader: IndexReader,
    /// The position in the store that it reflects, or why it had to be emptied.
    pub(super) position: Result<u64, EmptyReason>,
}

/// Opens the index in `dir`, or makes an empty one in its place.
pub(super) fn open(dir: &Path, schema: &Schema, store: [u8; 16]) -> Result<Folder, IndexError> {
    let folder = |source| IndexError::Folder { path: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(folder)?;
    refuse_second_user(dir)?;

    let position = match open_existing(dir, schema, store) {
        Ok((engine, reader, position)) => {
            return Ok(Folder { engine, reader, position: Ok(position) });
        }
        Err(reason) => Err(reason),
    };
    clear(dir).map_err(folder)?;
    let engine = Engine::create_in_dir(dir, schema.clone())?;
    register(&engine);
    let reader = reader(&engine)?;
    Ok(Folder { engine, reader, position })
}

/// Nothing may be cleared away under another process. The lock that the engine's writer takes says
/// whether there is one.
fn refuse_second_user(dir: &Path) -> Result<(), IndexError> {
    let directory = MmapDirectory::open(dir).map_err(tantivy::TantivyError::from)?;
    match directory.acquire_lock(&INDEX_WRITER_LOCK) {
        Ok(_) => Ok(()),
        Err(LockError::LockBusy) => Err(IndexError::InUse { path: dir.to_owned() }),
        Err(LockError::IoError(source)) => Err(IndexError::Folder {
            path: dir.to_owned(),
            source: io::Error::new(source.kind(), source.to_string()),
        }),
    }
}

fn open_existing(
    dir: &Path,
    schema: &Schema,
    store: [u8; 16],
) -> Result<(Engine, IndexReader, u64), EmptyReason> {
    let damaged = |error: tantivy::TantivyError| EmptyReason::Damaged { what: error.to_string() };
    if !dir.join(META).exists() {
        return Err(if has_index_files(dir) {
            EmptyReason::Damaged { what: format!("its file {META} is missing") }
        } else {
            EmptyReason::New
        });
    }
    let engine = Engine::open_in_dir(dir).map_err(damaged)?;
    let metas = engine.load_metas().map_err(damaged)?;
    let position = stamp::read(metas.payload.as_deref(), store)?;
    if engine.schema() != *schema {
        return Err(EmptyReason::Damaged { what: "its fields are not those it names".to_owned() });
    }
    let mut files: Vec<_> = engine.validate_checksum().map_err(damaged)?.into_iter().collect();
    files.sort();
    if let Some(file) = files.first() {
        let what = format!("the checksum of {} does not match", file.display());
        return Err(EmptyReason::Damaged { what });
    }
    register(&engine);
    let reader = reader(&engine).map_err(damaged)?;
    Ok((engine, reader, position))
}

fn register(engine: &Engine) {
    engine.tokenizers().register(ANALYZER, indexing_analyzer());
    engine.tokenizers().register(WORD_ANALYZER, word_analyzer());
}

fn reader(engine: &Engine) -> tantivy::Result<IndexReader> {
    engine.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()
}

fn has_index_files(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| is_index_file(&entry.file_name().to_string_lossy()))
    })
}

/// Removes the engine's files and nothing else, in case somebody pointed the setting at a folder
/// with files of their own.
fn clear(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if is_index_file(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The engine names a file by the 32 hexadecimal characters of its segment and an extension.
fn is_index_file(name: &str) -> bool {
    let segment = name.split_once('.').map_or("", |(segment, _)| segment);
    name == META
        || name == MANAGED
        || (segment.len() == 32 && segment.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
