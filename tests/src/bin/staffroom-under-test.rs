//! The program `staffroom`, built again in this package: cargo tells tests and benchmarks of a
//! package only where the programs of that package are, and rebuilds only those for them.

use std::process::ExitCode;

fn main() -> ExitCode {
    staffroom_node::cli::main()
}
