//! The text inside files, read by processes of the real program.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod documents;
mod guards;
mod hostile;
mod names;
mod office;

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use documents::{archive, docx, drawn, open_document, paragraph, pdf, pptx, table, xlsx};
use staffroom_node::extract::{Extractor, Reading};

const PROGRAM: &str = env!("CARGO_BIN_EXE_staffroom");

fn read_with(extractor: &Extractor, bytes: &[u8]) -> Reading {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    extractor.read(file).reading
}

fn read(bytes: &[u8]) -> Reading {
    read_with(&Extractor::new(PROGRAM, Duration::from_secs(30)), bytes)
}

#[track_caller]
fn text(bytes: &[u8]) -> String {
    match read(bytes) {
        Reading::Text(text) => text,
        Reading::NoText { reason, .. } => panic!("no text: {reason}"),
    }
}

#[track_caller]
fn reason(bytes: &[u8]) -> String {
    match read(bytes) {
        Reading::Text(text) => {
            panic!("{} bytes of text: {:?}", text.len(), text.chars().take(200).collect::<String>())
        }
        Reading::NoText { reason, lasting } => {
            assert!(lasting, "{reason}");
            reason
        }
    }
}

#[test]
fn plain_text_is_read_in_the_encodings_that_schools_have() {
    assert_eq!(text(b"# Caf\xc3\xa9\r\n\r\nOne\r\n"), "# Café\n\nOne\n");
    assert_eq!(text(b"\xef\xbb\xbfName,Mark\nA,1"), "Name,Mark\nA,1");
    assert_eq!(
        text(b"Caf\xe9 \x96 \xa35 a pupil, in the summer term"),
        "Café – £5 a pupil, in the summer term"
    );
    let wide: Vec<u8> =
        [0xfeff_u16].into_iter().chain("Café".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(text(&wide), "Café");
    assert_eq!(text(b"BMI,Week\n1,2"), "BMI,Week\n1,2", "no picture of the sort BMP");
}

#[test]
fn a_web_page_is_read_without_its_scripts_and_with_its_tables() {
    let page = "<!-- saved --><!DOCTYPE html><html><head><title>Sound &amp; letter</title><style>p {}</style>\
                <script>if (1 < 2) { alert('</p>') }</script></head><body><p>Say  it\n<b>aloud</b>.</p>\
                <table><tr><th><p>Week</p><p>number</p></th><th>Sound<tr><td>1<td>sh</td></tr></table>\
                <img alt=\"a grid\"><p>End</p>";
    assert_eq!(
        text(page.as_bytes()),
        "Sound & letter\nSay it aloud.\n\nWeek number\tSound\n1\tsh\n\na grid\nEnd"
    );
}

#[test]
fn a_document_is_read_with_its_tables_headers_and_what_was_deleted() {
    let deleted = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>";
    let body = [
        paragraph("Read &amp; talk &#233;"),
        table(&[&["Week", "Book"], &["1", "Skellig"]]),
        deleted.to_owned(),
    ];
    let read = text(&docx(&body.concat(), &paragraph("Ash Primary")));
    assert_eq!(read, "Read & talk é\nWeek\tBook\n1\tSkellig\n\ngone\n\nAsh Primary");
}

#[test]
fn slides_are_read_in_order() {
    let slides: Vec<String> = (1..=11).map(|number| format!("Slide {number}")).collect();
    let read = text(&pptx(&slides.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(read.replace("\n\n", ","), slides.join(","));
}

const SHEET: &str = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>Unit</t></is></c><c r="B1" t="inlineStr"><is><t>From</t></is></c></row>
    <row r="2"><c r="A2" t="inlineStr"><is><t>Forces</t></is></c><c r="B2" s="1"><v>41701</v></c><c r="C2"><v>9434765919</v></c></row>"#;

#[test]
fn workbooks_are_read_with_dates_as_they_are_written_here() {
    assert_eq!(text(&xlsx(SHEET)), "Autumn\n\nUnit\tFrom\nForces\t03/03/2014\t9434765919");
    let body = r#"<table:table table:name="Autumn"><table:table-row><table:table-cell office:value-type="string"><text:p>Unit</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="3"><text:p>3</text:p></table:table-cell></table:table-row></table:table>"#;
    assert_eq!(text(&open_document("spreadsheet", body)), "Autumn\n\nUnit\t3");
}

#[test]
fn an_open_document_is_read() {
    let body = "<text:h>Plan</text:h><text:p>Two<text:s text:c=\"3\"/>words<text:line-break/>and <text:span>more</text:span></text:p>";
    assert_eq!(text(&open_document("text", body)), "Plan\nTwo   words\nand more");
}

#[test]
fn a_pdf_is_read_with_its_columns_forms_and_notes() {
    let page = drawn(&[
        (72, 720, "The heron waits at the edge of the reeds."),
        (72, 700, "Name"),
        (200, 700, "Mark"),
        (72, 680, "Amy"),
        (200, 680, "34"),
    ]);
    let note = "<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /Contents (a note) >>";
    let field = "<< /FT /Tx /T (box) /V (typed in) >>";
    let read =
        text(&pdf(&[page, drawn(&[(72, 700, "Page two")])], "", &[note.into(), field.into()]));
    let lines: Vec<&str> = read.split('\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            "The heron waits at the edge of the reeds.",
            "Name  Mark",
            "Amy  34",
            "Page two",
            "a note",
            "typed in"
        ]
    );
}

#[test]
fn a_document_inside_a_document_is_read_and_none_inside_that() {
    let slides = |inner: &[u8]| {
        archive(&[
            ("ppt/presentation.xml", b"<p/>"),
            ("ppt/slides/slide1.xml", b"<s><t>Results</t></s>"),
            ("ppt/embeddings/Microsoft_Excel_Sheet1.xlsx", inner),
        ])
    };
    let chart = slides(&xlsx(SHEET));
    assert!(text(&chart).contains("Forces\t03/03/2014"));
    assert_eq!(reason(&slides(&chart)), "it holds other files, which are not read");
    assert_eq!(reason(&slides(b"\x89PNG\r\n\x1a\n")), "it holds other files, which are not read");
}

#[test]
fn what_is_no_document_has_no_text() {
    for (bytes, why) in [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), "it is a picture, which is not read"),
        (b"ID3\x03\0\0\0\0\0\0", "it is a sound, which is not read"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "it is a film, which is not read"),
        (
            &[b"\x7fELF\x02\x01\x01".as_slice(), &[0; 60]].concat(),
            "it is a program, which is not read",
        ),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "it is an archive, which is not read"),
        (&archive(&[("a.docx", b"x")]), "it is an archive, which is not read"),
        (b"{\\rtf1 Amy}", "it is of a sort that is not read"),
        (b"\x01\x02\x03\x00\x05", "it is of a sort that is not read"),
        (b" \n ", "no text was found in it; it may be a scan of paper, or pictures"),
        (b"", "no text was found in it; it may be a scan of paper, or pictures"),
        (
            &pdf(&["0 0 9 9 re f".into()], "", &[]),
            "no text was found in it; it may be a scan of paper, or pictures",
        ),
        (&docx("<w:p/>", ""), "no text was found in it; it may be a scan of paper, or pictures"),
    ] {
        assert_eq!(reason(bytes), why);
    }
}
