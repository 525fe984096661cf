//! The bytes of a file as UTF-8, whatever encoding a spreadsheet wrote.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::ImportError;

/// Read at once: large enough that system calls do not count, small beside a row's bound.
const CHUNK_BYTES: usize = 64 * 1024;

/// Stands for what cannot be read. No UTF-8 text has this byte, so the check of each row finds it.
const UNREADABLE: u8 = 0xFF;

/// A file as a stream of UTF-8 text. What is not valid in the file's encoding stays invalid.
pub(super) struct Text {
    file: File,
    encoding: &'static Encoding,
    /// None for UTF-8, which passes through.
    decoder: Option<Decoder>,
    total: u64,
    read: u64,
    ended: bool,
    raw: Vec<u8>,
    decoded: Vec<u8>,
    taken: usize,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("encoding", &self.encoding.name())
            .field("read", &self.read)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl Text {
    /// Opens a file and finds its encoding: what its byte order mark says, else what was declared,
    /// else UTF-8 where it is, else what the letters make likely.
    pub(super) fn open(
        path: &Path,
        declared: Option<&'static Encoding>,
    ) -> Result<Self, ImportError> {
        let cannot = |why| ImportError::Read { path: path.to_owned(), why };
        let metadata = std::fs::metadata(path).map_err(cannot)?;
        if !metadata.is_file() {
            return Err(ImportError::NotAFile(path.to_owned()));
        }
        let mut file = File::open(path).map_err(cannot)?;
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut head).map_err(cannot)?;
        let (encoding, mark) = match Encoding::for_bom(&head) {
            Some(found) => found,
            None => {
                refuse_other_formats(path, &head)?;
                let known = declared.or_else(|| utf16_without_mark(&head));
                (known.map_or_else(|| detect(&mut file), Ok).map_err(cannot)?, 0)
            }
        };
        if encoding.is_single_byte() || encoding == UTF_8 {
            refuse_binary(path, &head)?;
        }
        file.seek(SeekFrom::Start(mark as u64)).map_err(cannot)?;
        Ok(Self {
            file,
            encoding,
            decoder: (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling()),
            total: metadata.len(),
            read: mark as u64,
            ended: false,
            raw: vec![0; CHUNK_BYTES],
            decoded: Vec::new(),
            taken: 0,
        })
    }

    pub(super) fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// Bytes of the file.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Bytes of the file read so far, up to a chunk ahead of what was taken.
    pub(super) fn read_so_far(&self) -> u64 {
        self.read
    }

    fn decode(&mut self, count: usize, last: bool) {
        let Some(decoder) = &mut self.decoder else {
            self.decoded.extend_from_slice(&self.raw[..count]);
            return;
        };
        let mut piece = vec![0; CHUNK_BYTES];
        let mut from = 0;
        loop {
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(
                &self.raw[from..count],
                &mut piece,
                last,
            );
            from += read;
            self.decoded.extend_from_slice(&piece[..written]);
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.decoded.push(UNREADABLE),
            }
        }
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Text {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.taken == self.decoded.len() && !self.ended {
            self.decoded.clear();
            self.taken = 0;
            let count = match self.file.read(&mut self.raw) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            };
            self.read += count as u64;
            self.ended = count == 0;
            self.decode(count, self.ended);
        }
        Ok(&self.decoded[self.taken..])
    }

    fn consume(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.decoded.len());
    }
}

/// Formats that people take for a table: told by name, with the way out.
fn refuse_other_formats(path: &Path, head: &[u8]) -> Result<(), ImportError> {
    const AS_CSV: &str = "open it and save it as \"CSV UTF-8\", and use that";
    let start = head.trim_ascii_start();
    let folded = start[..start.len().min(16)].to_ascii_lowercase();
    let (what, advice) = if head.starts_with(b"PK\x03\x04") {
        match infer::get(head).map(|found| found.extension()) {
            Some("docx" | "odt") => (
                "a Word document",
                "copy its table into a spreadsheet, save that as \"CSV UTF-8\", and use that",
            ),
            Some("xlsx" | "ods") => ("an Excel workbook", AS_CSV),
            Some(_) | None => (
                "a zip archive or an Excel workbook",
                "take the table out of it, save it as \"CSV UTF-8\", and use that",
            ),
        }
    } else if head.starts_with(b"\xD0\xCF\x11\xE0") {
        ("an Excel workbook or another document of an old Office", AS_CSV)
    } else if head.starts_with(b"%PDF-") {
        (
            "a PDF",
            "a PDF has no rows to read; attach it as the file of a resource, or use the table \
             that it was made from",
        )
    } else if head.starts_with(b"\x1F\x8B") {
        ("compressed with gzip", "unpack it with gunzip, and use that")
    } else if start.starts_with(b"{\\rtf") {
        (
            "a Word document",
            "copy its table into a spreadsheet, save that as \"CSV UTF-8\", and use that",
        )
    } else if [&b"<!doctype"[..], b"<html", b"<?xml", b"<table"]
        .iter()
        .any(|tag| folded.starts_with(tag))
    {
        (
            "a web page or XML",
            "open it with a spreadsheet program, save it as \"CSV UTF-8\", and use that",
        )
    } else {
        return Ok(());
    };
    Err(ImportError::NotATable { path: path.to_owned(), what, advice })
}

fn refuse_binary(path: &Path, head: &[u8]) -> Result<(), ImportError> {
    if !head.contains(&0) {
        return Ok(());
    }
    Err(ImportError::NotATable {
        path: path.to_owned(),
        what: "not text",
        advice: "use a CSV file (\"CSV UTF-8\" in Excel) or a file with one JSON object a line",
    })
}

/// UTF-16 without its mark, as some programs export it: every other byte of plain letters is zero.
fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.len() / 2;
    let zeros = |offset: usize| head.chunks_exact(2).filter(|pair| pair[offset] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let mostly = |many: usize, few: usize| pairs >= 2 && many * 10 > pairs * 6 && few * 20 < pairs;
    if mostly(second, first) {
        Some(UTF_16LE)
    } else if mostly(first, second) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Reads the whole file, since the first letter with an accent may be in its last row.
///
/// Accents of another encoding make valid UTF-8 only by rare accident. So where most of them do,
/// the file is UTF-8 with some damage, which is refused row by row.
fn detect(file: &mut File) -> io::Result<&'static Encoding> {
    let mut valid = 0;
    let mut broken = 0;
    let mut carried = Vec::new();
    for_each_chunk(file, |chunk, last| {
        carried.extend_from_slice(chunk);
        let mut rest = carried.as_slice();
        loop {
            let (good, after) = match std::str::from_utf8(rest) {
                Ok(text) => (text.as_bytes(), &rest[rest.len()..]),
                Err(error) => {
                    let (good, after) = rest.split_at(error.valid_up_to());
                    match error.error_len() {
                        Some(length) => {
                            broken += 1;
                            (good, &after[length..])
                        }
                        None if last => {
                            broken += 1;
                            (good, &after[after.len()..])
                        }
                        None => {
                            valid += letters_beyond_ascii(good);
                            rest = after;
                            break;
                        }
                    }
                }
            };
            valid += letters_beyond_ascii(good);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        carried = rest.to_vec();
    })?;
    if broken == 0 || valid > broken {
        return Ok(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for_each_chunk(file, |chunk, last| {
        detector.feed(chunk, last);
    })?;
    Ok(detector.guess(None, Utf8Detection::Deny))
}

fn letters_beyond_ascii(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte >= 0xC0).count()
}

/// Calls with every chunk from the start of the file, and once more at its end.
fn for_each_chunk(file: &mut File, mut each: impl FnMut(&[u8], bool)) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => {
                each(&[], true);
                return Ok(());
            }
            Ok(count) => each(&chunk[..count], false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
