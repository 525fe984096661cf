//! Files that are broken, or made to break what reads them.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use zip::ZipWriter;
use zip::unstable::write::FileOptionsExt;
use zip::write::SimpleFileOptions;

use super::documents::{archive, docx, drawn, open_document, paragraph, pdf, pptx, xlsx};
use super::{Reading, read, reason, text};

const DAMAGED: &str = "it is damaged, or not what it seems to be";
const GIVEN_UP: &str = "reading it failed, or needed more memory or time than a file may have";
const UNPACKS: &str = "it unpacks to more than a document may";
const STRANGE: &str =
    "its XML declares a document type or nests too deep, which no office program writes";
const TOO_LONG: &str = "it has more than 1 MiB of text";
const LOCKED: &str = "it is locked with a password";

#[test]
fn what_unpacks_to_far_more_than_it_seems_has_no_text() {
    let spaces = vec![b' '; 300 * 1024 * 1024];
    let bomb = |name: &str, beside: &str| archive(&[(beside, b"<p/>"), (name, &spaces)]);
    assert_eq!(reason(&bomb("word/header1.xml", "word/document.xml")), UNPACKS);
    assert_eq!(reason(&bomb("ppt/slides/slide1.xml", "ppt/presentation.xml")), UNPACKS);
    assert_eq!(reason(&bomb("xl/sharedStrings.xml", "xl/workbook.xml")), UNPACKS);
    let long = paragraph(&"word ".repeat(300_000));
    assert_eq!(reason(&docx(&long, "")), TOO_LONG);
    assert_eq!(reason("word ".repeat(300_000).as_bytes()), TOO_LONG);
    // Two cells, the corners of a sheet of seventeen thousand million.
    let corners = r#"<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>"#;
    assert_eq!(reason(&xlsx(corners)), GIVEN_UP);
}

#[test]
fn entities_are_never_expanded() {
    let laughs: String = (1..10)
        .map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10)))
        .collect();
    let document = format!(
        "<!DOCTYPE d [<!ENTITY l0 \"ha\">{laughs}]><w:document><w:p><w:t>&l9;</w:t></w:p></w:document>"
    );
    assert_eq!(reason(&archive(&[("word/document.xml", document.as_bytes())])), STRANGE);
    let outside = r#"<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d><t>&x;</t></d>"#;
    assert_eq!(reason(&archive(&[("word/document.xml", outside.as_bytes())])), STRANGE);
    assert_eq!(reason(&docx(&paragraph("&x;"), "")), STRANGE);
    let declared = b"<!DOCTYPE d><d><t>words</t></d>";
    assert_eq!(reason(&archive(&[("word/document.xml", declared)])), STRANGE);
}

#[test]
fn what_nests_deep_ends_the_child_at_most() {
    let deep = format!("{}{}", "<w:p>".repeat(200_000), "</w:p>".repeat(200_000));
    assert_eq!(reason(&docx(&deep, "")), STRANGE);
    assert_eq!(reason(&open_document("text", &deep.replace("w:", "text:"))), STRANGE);
    let page = format!("<html>{}words", "<div><table><tr><td>".repeat(200_000));
    assert_eq!(text(page.as_bytes()).trim(), "words");
    let nested = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(text(&pdf(&[drawn(&[(72, 700, "words")])], "", &[nested])), "words");
    // A form that draws itself.
    let form = "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 5 \
                /Resources << /XObject << /X 6 0 R >> >> >>\nstream\n/X Do\nendstream";
    let around = pdf(&["/X Do".into()], "/XObject << /X 6 0 R >>", &[form.into()]);
    assert_eq!(reason(&around), GIVEN_UP);
}

#[test]
fn a_pdf_of_a_hundred_thousand_pages_is_read_or_given_up_in_time() {
    let started = Instant::now();
    let pages = vec![drawn(&[(72, 700, "a page")]); 100_000];
    let _ = read(&pdf(&pages, "", &[]));
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
}

#[test]
fn truncated_files_have_no_text() {
    let slides = pptx(&["The first slide", "The second slide"]);
    let words = drawn(&[(72, 700, "words")]);
    let whole = [docx(&paragraph("words"), ""), slides, xlsx(""), pdf(&[words], "", &[])];
    for file in whole {
        for part in [3, 2] {
            let cut = &file[..file.len() - file.len() / part];
            match read(cut) {
                Reading::NoText { .. } => {}
                // A PDF's pages may stand before what is missing.
                Reading::Text(text) => assert_eq!(text, "words"),
            }
        }
    }
    let half = b"<w:document><w:p><w:r><w:t>half";
    assert_eq!(reason(&archive(&[("word/document.xml", half)])), DAMAGED);
    assert_eq!(reason(b"%PDF-1.7\nnothing behind it"), DAMAGED);
    assert_eq!(reason(b"PK\x03\x04nothing behind it"), DAMAGED);
}

#[test]
fn locked_files_have_no_text() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let locked = SimpleFileOptions::default().with_deprecated_encryption(b"secret").unwrap();
    writer.start_file("word/document.xml", locked).unwrap();
    writer.write_all(b"<d/>").unwrap();
    assert_eq!(reason(&writer.finish().unwrap().into_inner()), LOCKED);
    let name: Vec<u8> = "EncryptedPackage\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let office = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 900], &name].concat();
    assert_eq!(reason(&office), LOCKED);
}

#[test]
fn other_files_inside_a_pdf_are_not_passed_over() {
    let attached = "<< /Type /Filespec /F (marks.xlsx) /EF << /F 9 0 R >> >>";
    let file = pdf(&[drawn(&[(72, 700, "words")])], "", &[attached.into()]);
    assert_eq!(reason(&file), "it holds other files, which are not read");
}
