//! The recovery kit: the school's key as words and as a QR code, on a page to print.

use std::path::{Path, PathBuf};

use anyhow::Context;
use askama::Template;
use bip39::Mnemonic;
use serde_json::json;
use staffroom_protocol::group::Claims;
use staffroom_protocol::identity::SecretKey;
use zeroize::Zeroizing;

use super::output::Output;
use super::passphrase;
use crate::home::{Home, write_private};

/// The file in the data directory that `init` writes.
pub(super) const FILE: &str = "recovery-kit.html";

/// Write the school's recovery kit again, to print it
#[derive(Debug, clap::Args)]
pub(super) struct Kit {
    /// Where to write the page; a new file
    #[arg(long, value_name = "FILE", default_value = FILE)]
    file: PathBuf,
}

impl Kit {
    pub(super) fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let home = Home::new(data);
        let identity = home.identity()?;
        let key = passphrase::unlocked(|passphrase| home.school_key(passphrase))?;
        anyhow::ensure!(
            !self.file.exists(),
            "{} is there already; choose another name with --file",
            self.file.display()
        );
        write(&key, identity.claims(), &self.file)?;
        let answer = json!({ "recovery_kit": self.file });
        output.answer(&answer, || advice(&self.file))
    }
}

/// What to do with a kit that was written.
pub(super) fn advice(file: &Path) -> String {
    format!(
        "Print {} now, put the page where the school keeps what it cannot lose, and delete the \
         file: who has the words is the school.",
        file.display()
    )
}

#[derive(Template)]
#[template(path = "kit.html")]
struct Page<'a> {
    claims: &'a Claims,
    school: String,
    words: Vec<&'static str>,
    /// An SVG, made here.
    code: String,
}

/// Writes the kit as a page that only its owner may read.
pub(super) fn write(key: &SecretKey, claims: &Claims, file: &Path) -> anyhow::Result<()> {
    let words = words(key)?;
    let line = Zeroizing::new(words.join(" "));
    let school = key.public().school_id().to_string();
    let page = Page { claims, school, words, code: crate::qr::svg(&line)? };
    let page = Zeroizing::new(page.render()?);
    Ok(write_private(file, page.as_bytes())?)
}

/// The key as 24 words of BIP 39, the last of which holds a check sum.
fn words(key: &SecretKey) -> anyhow::Result<Vec<&'static str>> {
    Ok(Mnemonic::from_entropy(key.seed().as_slice())?.words().collect())
}

/// The key behind the words of a kit, however they are set and numbered.
pub(super) fn key(text: &str) -> anyhow::Result<SecretKey> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    anyhow::ensure!(
        words.len() == 24,
        "a recovery kit has 24 words and these are {}; type them in their order, with spaces \
         between them",
        words.len()
    );
    let mnemonic = Mnemonic::parse_normalized(&words.join(" ")).map_err(|error| {
        if let bip39::Error::UnknownWord(place) = error {
            let word = words.get(place).map_or("", String::as_str);
            return anyhow::anyhow!(
                "word {} is {word:?}, which is no word of a recovery kit; look at it again",
                place + 1
            );
        }
        anyhow::anyhow!(
            "these words do not fit together; one of them is another, or two changed places"
        )
    })?;
    let seed = Zeroizing::new(mnemonic.to_entropy());
    let seed = <[u8; 32]>::try_from(seed.as_slice()).context("24 words hold 32 bytes")?;
    Ok(SecretKey::from_seed(&Zeroizing::new(seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_bring_the_key_back_and_wrong_ones_are_named() {
        let school = SecretKey::from_seed(&[7; 32]);
        let printed = words(&school).unwrap();
        let numbered: String =
            printed.iter().zip(1..).map(|(w, n)| format!("{n}. {w}\n")).collect();
        for text in [printed.join(" "), numbered, printed.join(", ").to_uppercase()] {
            assert_eq!(key(&text).unwrap().public(), school.public());
        }
        let error = key(&printed[..23].join(" ")).unwrap_err().to_string();
        assert!(error.contains("has 24 words and these are 23"), "{error}");
        let mut wrong = printed.clone();
        wrong[4] = "staffroom";
        let error = key(&wrong.join(" ")).unwrap_err().to_string();
        assert!(error.contains("word 5 is \"staffroom\""), "{error}");
        let mut swapped = printed.clone();
        swapped.swap(0, 23);
        let error = key(&swapped.join(" ")).unwrap_err().to_string();
        assert!(error.contains("do not fit together"), "{error}");
    }
}
