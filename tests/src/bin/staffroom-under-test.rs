//! The program `staffroom`, built again in this package: cargo tells tests and benchmarks of a
//! package only where the programs of that package are, and rebuilds only those for them.

use std::process::ExitCode;

// As in the program itself.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    staffroom_node::cli::main()
}
