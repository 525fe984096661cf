//! stand-in
use serde_json::{Map, Value};
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct MarkdownError;
#[derive(Debug)]
pub struct Manuscript {
    pub fields: Map<String, Value>,
    pub files: Vec<String>,
}
pub fn read(text: &str) -> Result<Manuscript, MarkdownError> {
    let text = text.strip_prefix("---\n").ok_or(MarkdownError)?;
    let (front, body) = text.split_once("\n---\n").ok_or(MarkdownError)?;
    let mut fields: Map<String, Value> =
        serde_saphyr::from_str(front).map_err(|_| MarkdownError)?;
    let files =
        fields.remove("files").and_then(|f| serde_json::from_value(f).ok()).unwrap_or_default();
    let body = format!("\n{body}");
    let mut parts = body.split("\n## ");
    if let Some(a) = parts.next() {
        if !a.trim().is_empty() {
            fields.insert("abstract".into(), a.trim().into());
        }
    }
    for p in parts {
        let (h, b) = p.split_once('\n').unwrap_or((p, ""));
        fields.insert(h.trim().to_lowercase().replace(' ', "_"), b.trim().into());
    }
    Ok(Manuscript { fields, files })
}
