//! The program `staffroom`.

use std::process::ExitCode;

/// Text is taken apart on one thread and freed on another all the time, for which the system's
/// allocator on Linux makes indexing take two fifths more of the processor.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    staffroom_node::cli::main()
}
