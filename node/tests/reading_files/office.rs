//! Documents that LibreOffice writes, as schools have them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::text;

const PHRASE: &str = "A bittern booms among the reeds";

/// A slide in the format of OpenDocument that is one plain file.
fn slides() -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.presentation"><office:body><office:presentation><draw:page draw:name="one"><draw:frame svg:width="20cm" svg:height="3cm" svg:x="2cm" svg:y="2cm"><draw:text-box><text:p>{PHRASE}</text:p></draw:text-box></draw:frame></draw:page></office:presentation></office:body></office:document>"#
    )
}

/// Makes a document of another sort from a source; whether there is a program for it.
fn convert(folder: &Path, source: &str, to: &str) -> bool {
    let profile = format!("-env:UserInstallation=file://{}", folder.join("profile").display());
    let made = Command::new("soffice")
        .args([&profile, "--headless", "--norestore", "--convert-to", to, "--outdir"])
        .arg(folder)
        .arg(folder.join(source))
        .env("HOME", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    made.is_ok_and(|status| status.success())
}

#[test]
fn documents_of_libreoffice_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let paragraphs = format!("Fen week\n\n{PHRASE}\n\nand nobody sees it.\n");
    fs::write(folder.path().join("text.txt"), paragraphs).unwrap();
    fs::write(folder.path().join("sheet.csv"), format!("Day,Words\n1,{PHRASE}\n")).unwrap();
    fs::write(folder.path().join("slides.fodp"), slides()).unwrap();
    for (source, to) in [
        ("text.txt", "docx"),
        ("text.txt", "odt"),
        ("text.txt", "pdf"),
        ("text.txt", "html"),
        ("sheet.csv", "xlsx"),
        ("sheet.csv", "xls"),
        ("sheet.csv", "ods"),
        ("slides.fodp", "pptx"),
        ("slides.fodp", "odp"),
    ] {
        if !convert(folder.path(), source, to) {
            eprintln!("skipped, LibreOffice is not installed");
            return;
        }
        let made = Path::new(source).with_extension(to);
        let read = text(&fs::read(folder.path().join(made)).unwrap());
        assert!(read.contains(PHRASE), "{source} as {to}: {read}");
    }
}
