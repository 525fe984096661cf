//! The program `staffroom`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Staffroom: what works, shared between schools.
#[derive(Debug, Parser)]
#[command(name = "staffroom", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads the whole record store of a data directory and says whether it is sound.
    VerifyStore {
        /// The data directory.
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::VerifyStore { dir } => match staffroom_node::store::verify(&dir) {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
    }
}
