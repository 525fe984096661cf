//! The program `staffroom`.

use std::process::ExitCode;

fn main() -> ExitCode {
    staffroom_node::cli::main()
}
