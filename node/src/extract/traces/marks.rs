//! Which elements and attributes of a document's XML name people, and the XML without them.

use encoding_rs::Encoding;
use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

use super::{Found, Names};

/// What stands in the place of a name where there must be one; Word writes the same.
const NOBODY: &str = "Author";

/// An element whose words are somebody's name: what it is in (any where empty), what it is called,
/// and what it tells.
type Element = (&'static str, &'static str, Names);

/// An attribute that is somebody's name: of which element (any where empty), what it is called, and
/// what it tells; nothing where another attribute of the element tells it.
type Attribute = (&'static str, &'static str, Option<Names>);

/// The parts of a document with what names people there: how the part's name begins, where to say
/// it was found.
pub(super) struct Part {
    pub(super) begins: &'static str,
    place: &'static str,
    elements: &'static [Element],
    attributes: &'static [Attribute],
}

const fn part(
    begins: &'static str,
    place: &'static str,
    elements: &'static [Element],
    attributes: &'static [Attribute],
) -> Part {
    Part { begins, place, elements, attributes }
}

/// The first that fits counts.
pub(super) const PARTS: [Part; 14] = [
    part(
        "docProps/core",
        "docProps/core.xml",
        &[("", "creator", Names::Author), ("", "lastModifiedBy", Names::LastEditor)],
        &[],
    ),
    part("docProps/app", "docProps/app.xml", &[("", "Manager", Names::Manager)], &[]),
    part("word/people", "word/people.xml", &[], &PEOPLE),
    part("word/", "word", &[], &WORD),
    part("ppt/commentAuthors", "ppt/commentAuthors.xml", &[], &PEOPLE),
    part("ppt/authors", "ppt/authors.xml", &[], &PEOPLE),
    part("xl/persons/", "xl/persons", &[], &PEOPLE),
    part("xl/comments", "xl/comments", &[("authors", "author", Names::People)], &[]),
    part("xl/revisions/", "xl/revisions", &[], &PEOPLE),
    part(
        "xl/workbook.xml",
        "xl/workbook.xml",
        &[],
        &[("fileSharing", "userName", Some(Names::LastEditor))],
    ),
    part(
        "meta.xml",
        "meta.xml",
        &[
            ("", "initial-creator", Names::Author),
            ("", "creator", Names::LastEditor),
            ("", "printed-by", Names::Printer),
        ],
        &[],
    ),
    part("content.xml", "content.xml", &OPEN, &[]),
    part("styles.xml", "styles.xml", &OPEN, &[]),
    part("current.xml", "current.xml", &OPEN, &[]),
];

const WORD: [Attribute; 3] = [
    ("comment", "author", Some(Names::Comments)),
    ("", "author", Some(Names::Changes)),
    ("", "initials", None),
];

const PEOPLE: [Attribute; 8] = [
    ("person", "author", Some(Names::People)),
    ("cmAuthor", "name", Some(Names::People)),
    ("author", "name", Some(Names::People)),
    ("person", "displayName", Some(Names::People)),
    ("", "userName", Some(Names::People)),
    ("", "initials", None),
    ("", "userId", None),
    ("", "providerId", None),
];

const OPEN: [Element; 4] = [
    ("annotation", "creator", Names::Comments),
    ("annotation", "creator-initials", Names::Comments),
    ("annotation", "sender-initials", Names::Comments),
    ("change-info", "creator", Names::Changes),
];

/// The part that has this name, if there is one that may name people.
pub(super) fn part_of(name: &str) -> Option<&'static Part> {
    let is_xml = name.ends_with(".xml");
    PARTS.iter().find(|part| is_xml && name.starts_with(part.begins))
}

impl Part {
    /// The XML of such a part without names, and which there were; none if it is no XML that is
    /// understood.
    pub(super) fn without_names(&self, xml: &[u8], found: &mut Found) -> Option<Vec<u8>> {
        let (encoding, mark) = Encoding::for_bom(xml).unwrap_or((encoding_rs::UTF_8, 0));
        if encoding != encoding_rs::UTF_8 {
            return None;
        }
        let mut reader = Reader::from_str(std::str::from_utf8(&xml[mark..]).ok()?);
        let mut writer = Writer::new(Vec::with_capacity(xml.len()));
        let mut around: Vec<String> = Vec::new();
        // What the element names whose words are left out, and whether there were any.
        let mut silent: Option<(Names, usize, bool)> = None;
        loop {
            let event = reader.read_event().ok()?;
            match event {
                Event::Eof => break,
                Event::DocType(_) => return None,
                Event::Start(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    let inside = around.last().map(String::as_str).unwrap_or_default();
                    if silent.is_none()
                        && let Some(names) = self.silenced(inside, &name)
                    {
                        silent = Some((names, around.len(), false));
                    }
                    writer.write_event(Event::Start(self.start(&start, found)?)).ok()?;
                    around.push(name);
                }
                Event::Empty(empty) => {
                    writer.write_event(Event::Empty(self.start(&empty, found)?)).ok()?;
                }
                Event::End(end) => {
                    around.pop();
                    if let Some((names, depth, had_words)) = silent
                        && depth == around.len()
                    {
                        if had_words {
                            found.add(names, self.place);
                        }
                        silent = None;
                    }
                    writer.write_event(Event::End(end)).ok()?;
                }
                Event::Text(words) => match &mut silent {
                    Some((_, _, had_words)) => *had_words |= !words.trim_ascii_is_empty(),
                    None => writer.write_event(Event::Text(words)).ok()?,
                },
                other @ (Event::CData(_) | Event::GeneralRef(_)) => match &mut silent {
                    Some((_, _, had_words)) => *had_words = true,
                    None => writer.write_event(other).ok()?,
                },
                other @ (Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {
                    writer.write_event(other).ok()?;
                }
            }
        }
        around.is_empty().then(|| [&xml[..mark], &writer.into_inner()].concat())
    }

    fn silenced(&self, inside: &str, name: &str) -> Option<Names> {
        let fits =
            |(outer, one, _): &&Element| *one == name && (outer.is_empty() || *outer == inside);
        self.elements.iter().find(fits).map(|(_, _, names)| *names)
    }

    /// A tag with nobody in the place of somebody; as it is where it names nobody.
    fn start<'a>(&self, tag: &BytesStart<'a>, found: &mut Found) -> Option<BytesStart<'a>> {
        if self.attributes.is_empty() {
            return Some(tag.clone());
        }
        let element = tag.local_name().as_ref().to_owned();
        let mut cleaned = tag.clone();
        cleaned.clear_attributes();
        let mut changed = false;
        for attribute in tag.attributes() {
            let mut attribute = attribute.ok()?;
            let name = attribute.key.local_name().as_ref().to_owned();
            let fits =
                |(of, one, _): &&Attribute| *one == name && (of.is_empty() || *of == element);
            let rule = self.attributes.iter().find(fits);
            if let Some((_, _, names)) = rule
                && !matches!(attribute.value.as_ref(), "" | NOBODY)
            {
                changed = true;
                attribute.value = NOBODY.into();
                // Initials and ids go without a word of their own.
                if let Some(names) = names {
                    found.add(*names, self.place);
                }
            }
            cleaned.push_attribute(attribute);
        }
        Some(if changed { cleaned } else { tag.clone() })
    }
}

/// Whether words are only spaces and ends of lines.
trait Blank {
    fn trim_ascii_is_empty(&self) -> bool;
}

impl Blank for BytesText<'_> {
    fn trim_ascii_is_empty(&self) -> bool {
        self.xml10_content().trim().is_empty()
    }
}
