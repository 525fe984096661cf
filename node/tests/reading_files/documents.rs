//! Documents as office programs write them, as small as they can be.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A ZIP archive of named parts.
pub(crate) fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A DOCX document whose body and header have this XML.
pub(crate) fn docx(body: &str, header: &str) -> Vec<u8> {
    const NAMES: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main""#;
    let document = format!("<w:document {NAMES}><w:body>{body}</w:body></w:document>");
    let header = format!("<w:hdr {NAMES}>{header}</w:hdr>");
    archive(&[("word/document.xml", document.as_bytes()), ("word/header1.xml", header.as_bytes())])
}

/// A paragraph of a DOCX document.
pub(crate) fn paragraph(words: &str) -> String {
    format!(r#"<w:p><w:r><w:t xml:space="preserve">{words}</w:t></w:r></w:p>"#)
}

/// A table of a DOCX document.
pub(crate) fn table(rows: &[&[&str]]) -> String {
    let cell = |words: &&str| format!("<w:tc>{}</w:tc>", paragraph(words));
    let row =
        |cells: &&[&str]| format!("<w:tr>{}</w:tr>", cells.iter().map(cell).collect::<String>());
    format!("<w:tbl>{}</w:tbl>", rows.iter().map(row).collect::<String>())
}

/// A PPTX presentation of slides with these words.
pub(crate) fn pptx(slides: &[&str]) -> Vec<u8> {
    const NAMES: &str =
        r#"xmlns:p="p" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main""#;
    let slide = |words: &&str| {
        format!(
            "<p:sld {NAMES}><p:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:txBody></p:sld>"
        )
    };
    let mut parts = vec![("ppt/presentation.xml".to_owned(), format!("<p:presentation {NAMES}/>"))];
    let named = slides.iter().map(slide).enumerate();
    parts.extend(named.map(|(place, xml)| (format!("ppt/slides/slide{}.xml", place + 1), xml)));
    let parts: Vec<_> = parts.iter().map(|(name, xml)| (name.as_str(), xml.as_bytes())).collect();
    archive(&parts)
}

/// An XLSX workbook of one sheet with this XML of rows; style 1 is a date.
pub(crate) fn xlsx(rows: &str) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let workbook = format!(
        r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="Autumn" sheetId="1" r:id="rId1"/></sheets></workbook>"#
    );
    let relations = format!(
        r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>"#
    );
    let root = format!(
        r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
    );
    let styles = format!(
        r#"<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#
    );
    let sheet = format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#);
    archive(&[
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// An OpenDocument file of a kind (`text`, `spreadsheet`) with this XML of its body.
pub(crate) fn open_document(kind: &str, body: &str) -> Vec<u8> {
    const OASIS: &str = "urn:oasis:names:tc:opendocument:xmlns";
    let content = format!(
        r#"<office:document-content xmlns:office="{OASIS}:office:1.0" xmlns:text="{OASIS}:text:1.0" xmlns:table="{OASIS}:table:1.0"><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"#
    );
    let kind = format!("application/vnd.oasis.opendocument.{kind}");
    let manifest = format!(
        r#"<manifest:manifest xmlns:manifest="{OASIS}:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>"#
    );
    archive(&[
        ("mimetype", kind.as_bytes()),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", manifest.as_bytes()),
    ])
}

/// A PDF whose pages draw this, with what else the resources of all pages have.
pub(crate) fn pdf(pages: &[String], resources: &str, more: &[String]) -> Vec<u8> {
    let count = pages.len();
    // The first object is the catalogue, the second the tree of pages, the third the font.
    let first = 4;
    let kids: String = (0..count).map(|page| format!("{} 0 R ", first + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [ {kids}] /Count {count} >>"),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    for (place, drawn) in pages.iter().enumerate() {
        let content = first + 2 * place + 1;
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R \
             /Resources << /Font << /F1 3 0 R >> {resources} >> >>"
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{drawn}\nendstream", drawn.len()));
    }
    objects.extend(more.iter().cloned());
    let mut file = String::from("%PDF-1.7\n");
    let mut places = Vec::new();
    for (place, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", place + 1));
    }
    let table = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}

/// Draws words at places of a page, in points from its lower left corner.
pub(crate) fn drawn(words: &[(u32, u32, &str)]) -> String {
    let one =
        |(x, y, words): &(u32, u32, &str)| format!("BT /F1 12 Tf {x} {y} Td ({words}) Tj ET\n");
    words.iter().map(one).collect()
}
