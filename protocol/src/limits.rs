//! Every bound on what a node accepts or makes, with the reason for its number.

/// A node certificate: three fields of fixed size, a signature, and room for a newer node's fields.
pub const MAX_CERTIFICATE_BYTES: usize = 512;

/// A summary. A tenth of what the gossip layer carries, so that 1.2 million of them stay near a
/// gigabyte at their usual size and the largest still fits one message with its envelope.
pub const MAX_SUMMARY_BYTES: usize = 8 * 1024;

/// An entry: a summary and its envelope, with room for a newer node's fields.
pub const MAX_ENTRY_BYTES: usize = 12 * 1024;

/// A receipt: a certificate, four fields of fixed size, and room for a newer node's fields.
pub const MAX_RECEIPT_BYTES: usize = 1024;

/// A membership statement: claims and a certificate, with room for lists in later versions.
pub const MAX_STATEMENT_BYTES: usize = 16 * 1024;

/// Entries that one membership statement lists; with 34 bytes each they fill most of it.
pub const MAX_STANDING: usize = 400;

/// Nodes that one membership statement seals an epoch key to; with 82 bytes each they fill two
/// thirds of it.
pub const MAX_SEALED_KEYS: usize = 128;

/// Nodes whose sealed epoch keys make one chunk, in a group of more nodes than
/// [`MAX_SEALED_KEYS`]: with 80 bytes each, 40 KiB.
pub const EPOCH_CHUNK_KEYS: usize = 512;

/// Chunks that one epoch has; with 34 bytes each they fill most of a statement. That is for 200,000
/// nodes.
pub const MAX_EPOCH_CHUNKS: usize = 400;

/// Nodes that one bundle is for; with 80 bytes each, 16 MiB before its content. As many as an epoch
/// is for.
pub const MAX_BUNDLE_RECIPIENTS: usize = MAX_EPOCH_CHUNKS * EPOCH_CHUNK_KEYS;

/// Bytes of a file that stand in one frame of a bundle: the frames weigh a ten-thousandth beside
/// them, and two of them in memory weigh nothing.
pub const BUNDLE_PIECE_BYTES: usize = 256 * 1024;

/// What one frame of a bundle holds: a piece of a file and its envelope.
pub const MAX_BUNDLE_FRAME_BYTES: usize = BUNDLE_PIECE_BYTES + 1024;

/// Keys of a group's root: more people than that do not meet to sign.
pub const MAX_ROOT_KEYS: usize = 16;

/// How long the old key of a school may object before the next one goes on for it: a school week and
/// the days on either side.
pub const BINDING_WAIT_MILLIS: u64 = 7 * 24 * 60 * 60 * 1000;

/// A gossip message, framing included; half of what gossipsub would allow.
pub const MAX_GOSSIP_BYTES: usize = 32 * 1024;

/// The full text of a record. The longest real plan or framework is under 60 KiB.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// One file: two hours of filmed lessons. What is larger belongs where films are kept, with a link to it.
pub const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// The text of one file, which every member keeps. The longest novels that schools read have half of
/// it, and one answer of a member carries it whole.
pub const MAX_FILE_TEXT_BYTES: usize = 1024 * 1024;

/// The texts of all files of one record, which every member keeps: a file a week for a year, with a
/// chapter in each.
pub const MAX_FILE_TEXTS_BYTES: u64 = 8 * 1024 * 1024;

/// Files of one record: a scheme of work for a year has a file a week.
pub const MAX_FILES_PER_RECORD: usize = 40;

/// Bytes of a file name: what common file systems accept.
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// How far ahead of this node's clock an entry may be before it is held aside: a server without
/// time synchronisation drifts by seconds a day, and a wrong time zone shows as an hour or more.
pub const MAX_CLOCK_AHEAD_MILLIS: u64 = 10 * 60 * 1000;

/// Entries of one school in one group. A school that recorded ten things a day for ten years would
/// reach a third of it.
pub const MAX_ENTRIES_PER_SCHOOL: usize = 100_000;

/// Statements of one group: every school of a national network, twice over.
pub const MAX_STATEMENTS_PER_GROUP: usize = 50_000;

/// A group's name as people see it.
pub const MAX_GROUP_NAME_CHARS: usize = 80;

/// A school's name as people see it.
pub const MAX_SCHOOL_NAME_CHARS: usize = 120;

/// One list inside a record: tags, subjects, links, actions. Longer lists are documents.
pub const MAX_LIST_ITEMS: usize = 100;

/// One long text inside a record, in characters: about six printed pages.
pub const MAX_TEXT_CHARS: usize = 20_000;

/// One short text inside a record (a name, a measure, a role), in characters.
pub const MAX_SHORT_TEXT_CHARS: usize = 300;
