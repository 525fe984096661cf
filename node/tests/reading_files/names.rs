//! Who is named beside the text of a file, and the file without them; what in a file would run.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::{Bytes, ImageEXIF};
use staffroom_node::extract::{About, CannotRemove, Extractor, Runs};

use super::PROGRAM;
use super::documents::{archive, docx, drawn, open_document, paragraph, pdf};

const CORE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<cp:coreProperties xmlns:cp="cp" xmlns:dc="dc"><dc:title>Plan &amp; more</dc:title><dc:creator>Amy Hill</dc:creator><cp:lastModifiedBy>B. Moss</cp:lastModifiedBy></cp:coreProperties>"#;
const BODY: &str = r#"<w:document xmlns:w="w"><w:body><w:p><w:ins w:id="1" w:author="Amy Hill" w:date="2026-01-05"><w:r><w:t>Two &lt; three</w:t></w:r></w:ins><w:del w:id="2" w:author="B. Moss"><w:r><w:delText>gone</w:delText></w:r></w:del></w:p></w:body></w:document>"#;
const COMMENTS: &str = r#"<w:comments xmlns:w="w"><w:comment w:id="0" w:author="Amy Hill" w:initials="AH"><w:p><w:r><w:t>Why?</w:t></w:r></w:p></w:comment></w:comments>"#;
const PEOPLE: &str = r#"<w15:people xmlns:w15="w15"><w15:person w15:author="Amy Hill"><w15:presenceInfo w15:providerId="AD" w15:userId="S::amy@ash.example"/></w15:person></w15:people>"#;

fn file(bytes: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

fn extractor() -> Extractor {
    Extractor::new(PROGRAM, Duration::from_secs(30))
}

fn about(bytes: &[u8]) -> About {
    extractor().read(file(bytes)).about.unwrap()
}

fn said(bytes: &[u8]) -> String {
    about(bytes).names_people().unwrap_or_default()
}

fn without_names(bytes: &[u8]) -> Vec<u8> {
    extractor().without_names(file(bytes)).unwrap()
}

fn part(document: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(document)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn word() -> Vec<u8> {
    archive(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("docProps/core.xml", CORE.as_bytes()),
        (
            "docProps/app.xml",
            b"<Properties><Manager>C. Webb</Manager><Company>Ash</Company></Properties>",
        ),
        ("word/document.xml", BODY.as_bytes()),
        ("word/comments.xml", COMMENTS.as_bytes()),
        ("word/people.xml", PEOPLE.as_bytes()),
        ("word/media/image1.jpeg", &photo()),
    ])
}

/// A JPEG with the place where it was taken, who took it, and which way up it is.
fn photo() -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    exif.extend(3_u16.to_le_bytes());
    exif.extend(entry(0x0112, 3, 1, [6, 0, 0, 0]));
    exif.extend(entry(0x013b, 2, 4, *b"Amy\0"));
    exif.extend(entry(0x8825, 4, 1, 50_u32.to_le_bytes()));
    exif.extend([0; 4]);
    assert_eq!(exif.len(), 50);
    exif.extend(1_u16.to_le_bytes());
    exif.extend(entry(0x0002, 5, 3, 68_u32.to_le_bytes()));
    exif.extend([0; 4]);
    for number in [52_u32, 1, 28, 1, 30, 1] {
        exif.extend(number.to_le_bytes());
    }
    let mut jpeg = Jpeg::from_bytes(Bytes::from_static(b"\xff\xd8\xff\xd9")).unwrap();
    let quantum = JpegSegment::new_with_contents(markers::DQT, Bytes::from(vec![1; 65]));
    let scan = JpegSegment::new_with_entropy(
        markers::SOS,
        Bytes::from_static(&[1, 1, 0, 0, 63, 0]),
        Bytes::from_static(b"picture\xff\xd9"),
    );
    jpeg.segments_mut().extend([quantum, scan]);
    jpeg.set_exif(Some(Bytes::from(exif)));
    jpeg.encoder().bytes().to_vec()
}

#[test]
fn a_word_document_names_people_in_many_places_and_in_none_afterwards() {
    let document = word();
    let found = said(&document);
    assert_eq!(
        found,
        "names people: author (docProps/core.xml), who saved it last (docProps/core.xml), manager \
         (docProps/app.xml), 1 comment (word), 2 tracked changes (word), 1 name of who worked on it \
         (word/people.xml), GPS position (EXIF), who took or owns the picture (EXIF)"
    );
    assert!(!found.contains("Amy"));
    let cleaned = without_names(&document);
    assert_eq!(said(&cleaned), "");
    let mut all = Vec::new();
    let mut archive = zip::ZipArchive::new(Cursor::new(&cleaned)).unwrap();
    for index in 0..archive.len() {
        archive.by_index(index).unwrap().read_to_end(&mut all).unwrap();
    }
    for name in ["Amy", "Moss", "Webb", "amy@ash", "\"AH\""] {
        assert!(!all.windows(name.len()).any(|part| part == name.as_bytes()), "{name}");
    }
    // All else is as it was.
    assert_eq!(
        part(&cleaned, "docProps/core.xml"),
        CORE.replace("Amy Hill", "").replace("B. Moss", "")
    );
    assert_eq!(
        part(&cleaned, "word/document.xml"),
        BODY.replace("Amy Hill", "Author").replace("B. Moss", "Author")
    );
    assert_eq!(without_names(&document), cleaned, "the same file each time");
    assert_eq!(extractor().without_names(file(&cleaned)), Err(CannotRemove::Failed));
}

#[test]
fn an_open_document_names_its_author_and_who_changed_it() {
    let body = r#"<text:tracked-changes><office:change-info><dc:creator>Amy Hill</dc:creator></office:change-info></text:tracked-changes><text:p>A plan<office:annotation><dc:creator>B. Moss</dc:creator><text:p>Why?</text:p></office:annotation></text:p>"#;
    let content = open_document("text", body);
    let content = part(&content, "content.xml");
    let meta = r#"<office:document-meta><office:meta><meta:initial-creator>Amy</meta:initial-creator><dc:creator>B. Moss</dc:creator></office:meta></office:document-meta>"#;
    let document = archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", content.as_bytes()),
        ("meta.xml", meta.as_bytes()),
    ]);
    assert_eq!(
        said(&document),
        "names people: author (meta.xml), who saved it last (meta.xml), 1 comment (content.xml), 1 \
         tracked change (content.xml)"
    );
    let cleaned = without_names(&document);
    assert_eq!(said(&cleaned), "");
    assert!(part(&cleaned, "content.xml").contains("<text:p>Why?</text:p>"));
}

#[test]
fn a_photo_loses_where_it_was_taken_and_stays_the_right_way_up() {
    let taken = photo();
    assert_eq!(
        said(&taken),
        "names people: GPS position (EXIF), who took or owns the picture (EXIF)"
    );
    let cleaned = without_names(&taken);
    assert_eq!(said(&cleaned), "");
    let exif = Jpeg::from_bytes(Bytes::from(cleaned.clone())).unwrap().exif().unwrap();
    assert_eq!(exif.len(), 26);
    assert_eq!(exif[18], 6, "which way up");
    assert!(cleaned.ends_with(b"picture\xff\xd9"));
    let mut png = Png::from_bytes(Bytes::from_static(
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\0IEND\xae\x42\x60\x82",
    ))
    .unwrap();
    png.chunks_mut().insert(1, PngChunk::new(*b"tEXt", Bytes::from_static(b"Author\0Amy Hill")));
    let png = png.encoder().bytes().to_vec();
    assert_eq!(said(&png), "names people: who took or owns the picture (PNG text)");
    assert_eq!(said(&without_names(&png)), "");
}

#[test]
fn a_pdf_names_its_author_and_is_left_as_it_is() {
    let page = drawn(&[(72, 700, "A plan for the week.")]);
    let note = "<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /T (Amy) /Contents (a note) >>";
    let field = "<< /Subtype /Widget /Rect [0 0 9 9] /FT /Tx /T (box) /V (typed in) >>";
    let info = "<< /Author (Amy Hill) /Producer (Word) >>";
    let objects = [note.to_owned(), field.to_owned(), info.to_owned()];
    let document = String::from_utf8(pdf(&[page], "", &objects)).unwrap();
    let document = document.replace("/Root 1 0 R", "/Root 1 0 R /Info 8 0 R");
    assert_eq!(
        said(document.as_bytes()),
        "names people: author (Info dictionary), 1 note (annotations)"
    );
    assert!(!about(document.as_bytes()).has_removable_names());
}

#[test]
fn a_signed_document_is_left_as_it_is() {
    let document = archive(&[
        ("docProps/core.xml", CORE.as_bytes()),
        ("word/document.xml", BODY.as_bytes()),
        ("_xmlsignatures/sig1.xml", b"<Signature/>"),
    ]);
    assert!(said(&document).contains("author"));
    assert!(!about(&document).has_removable_names());
}

#[test]
fn macros_and_programs_are_found_however_they_are_called() {
    let plain = docx(&paragraph("words"), "");
    assert_eq!(about(&plain), About::default());
    for parts in [
        &[("word/document.xml", b"<w/>".as_slice()), ("word/vbaProject.bin", b"x")][..],
        &[
            (
                "[Content_Types].xml",
                b"<Override ContentType=\"application/vnd.ms-office.vbaProject\"/>".as_slice(),
            ),
            ("word/document.xml", b"<w/>"),
            ("word/other.bin", b"x"),
        ],
        &[
            ("mimetype", b"m".as_slice()),
            ("content.xml", b"<c/>"),
            ("Basic/Standard/Module1.xml", b"x"),
        ],
    ] {
        assert_eq!(about(&archive(parts)).runs, Some(Runs::Macros), "{parts:?}");
    }
    let empty = [
        ("content.xml", b"<c/>".as_slice()),
        ("Basic/script-lc.xml", b"x"),
        ("Basic/Standard/script-lb.xml", b"x"),
    ];
    assert_eq!(about(&archive(&empty)).runs, None);
    // Damaged, as programs repair it when it is opened.
    let whole = archive(&[("word/vbaProject.bin", b"x"), ("word/document.xml", b"<w/>")]);
    assert_eq!(about(&whole[..whole.len() - 40]).runs, Some(Runs::Macros));
    let packed = archive(&[("read me.txt", b"x"), ("tools/setup.EXE", b"x")]);
    let found = about(&packed).runs;
    assert_eq!(found, Some(Runs::Holds("\"tools/setup.EXE\", a program for Windows".into())));
    let mut old = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    old.create_storage("/Macros").unwrap();
    old.create_storage("/Macros/VBA").unwrap();
    assert_eq!(about(old.into_inner().get_ref()).runs, Some(Runs::Macros));
    let mut old = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let installer = "000C1084-0000-0000-C000-000000000046".parse().unwrap();
    old.set_storage_clsid("/", installer).unwrap();
    assert_eq!(about(old.into_inner().get_ref()).runs, Some(Runs::Installer));
}

#[test]
fn what_is_too_large_to_be_read_is_told_and_still_looked_through_for_macros() {
    let mut film = vec![0; 65 << 20];
    film[..12].copy_from_slice(b"\0\0\0\x18ftypmp42");
    let looked = extractor().read(file(&film));
    assert_eq!(looked.about, Some(About::default()));
    let reading = format!("{:?}", looked.reading);
    assert!(reading.contains("more than 64 MiB"), "{reading}");
    let looked = extractor().read(file(&film[..60 << 20]));
    let reading = format!("{:?}", looked.reading);
    assert!(reading.contains("it is a film"), "{reading}");
    film[..4].copy_from_slice(b"PK\x03\x04");
    let end = film.len() - 100;
    film[end..end + 14].copy_from_slice(b"vbaProject.bin");
    assert_eq!(about(&film).runs, Some(Runs::Macros));
}
