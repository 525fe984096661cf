//! Two threads for one search, where that is worth it.

use tantivy::TantivyError;

/// Indexes with fewer documents are searched by one thread: they take it a few milliseconds, and on
/// a busy server a second one may wait for longer than that before it starts. Tests fill less.
const DOCUMENTS_FOR_TWO_THREADS: u64 = if cfg!(test) { 2_000 } else { 200_000 };

/// Whether a search of so many documents is worth two threads.
pub(crate) fn worth_two(documents: u64) -> bool {
    documents >= DOCUMENTS_FOR_TWO_THREADS
}

/// Does two things at once.
pub(crate) fn at_once<A, B: Send>(
    first: impl FnOnce() -> tantivy::Result<A>,
    second: impl FnOnce() -> tantivy::Result<B> + Send,
) -> tantivy::Result<(A, B)> {
    std::thread::scope(|scope| {
        let beside = scope.spawn(second);
        let first = first();
        let beside = beside
            .join()
            .map_err(|_| TantivyError::InternalError("a part of a search failed".to_owned()))?;
        Ok((first?, beside?))
    })
}

/// Does something with all items, or with both halves of them at once if that is worth it.
pub(crate) fn in_parts<T: Sync, R: Send>(
    items: &[T],
    documents: u64,
    work: impl Fn(&[T]) -> tantivy::Result<R> + Sync,
) -> tantivy::Result<Vec<R>> {
    if !worth_two(documents) {
        return Ok(vec![work(items)?]);
    }
    let (first, second) = items.split_at(items.len() / 2);
    let (first, second) = at_once(|| work(first), || work(second))?;
    Ok(vec![first, second])
}
