//! The command line.
//!
//! A command talks to the running node through its API. Where no node runs, it opens the data
//! directory itself and asks the very same API inside this process, so both give the same answers.

mod add_resources;
mod approval;
mod audit;
mod backup;
mod bundle;
mod client;
mod close;
mod demo;
mod doctor;
mod effect;
mod get;
mod group;
mod import;
mod init;
mod kit;
mod line;
mod mail;
mod node;
mod output;
mod passphrase;
mod person;
mod pool;
mod publish;
mod qr;
mod recover;
mod resource;
mod saved;
mod search;
mod secret_file;
mod serve;
mod show;
mod sign_in_with;
mod similar;
mod status;
mod storage;
mod withdraw;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use output::Output;

/// Staffroom: what schools tried and what came of it, shared between schools.
#[derive(Debug, Parser)]
#[command(name = "staffroom", version, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// The data directory of this school's node
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "STAFFROOM_DATA",
        default_value = "staffroom-data"
    )]
    data: PathBuf,
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it out: a trust of fictional schools on this machine, gone when it ends
    Demo(demo::Demo),
    /// Set up a new school: its keys and its data directory
    Init(init::Init),
    /// Run this school's node
    Serve(serve::Serve),
    /// Set up a new server for a school with the words of its recovery kit, or a standby
    Recover(recover::Recover),
    /// Write the school's recovery kit again, to print it
    Kit(kit::Kit),
    /// Look after the nodes of this school: its server, and a standby
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Look after the people who sign in to the pages
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Let staff sign in with accounts that they have already, such as Microsoft's or Google's
    #[command(subcommand)]
    SignInWith(sign_in_with::SignInWith),
    /// Set the mail server by which staff are told each week what is new
    #[command(subcommand)]
    Mail(mail::Mail),
    /// Show who did what
    Audit(audit::Audit),
    /// Create, join and look after groups: trusts, clusters and networks
    #[command(subcommand)]
    Group(group::Group),
    /// Say in every group that this school closes, and leave them all
    Close(close::Close),
    /// Share records written in Markdown, a record a file
    Publish(publish::Publish),
    /// Share the rows of a CSV or JSONL file, a record a row
    Import(import::Import),
    /// Share the files of a folder, a resource a file
    AddResources(Box<add_resources::AddResources>),
    /// Take back a record that this school shared
    Withdraw(withdraw::Withdraw),
    /// Show which schools have erased a record that this school took back
    Receipts(withdraw::Receipts),
    /// Search what all schools shared
    Search(Box<search::Search>),
    /// List the saved searches, or show what one has found since it was saved
    Saved(saved::Saved),
    /// Show a record
    Show(show::Show),
    /// List records that are about the same as one
    Similar(similar::Similar),
    /// Save the files of a record, from whichever school has them
    Get(get::Get),
    /// Show which schools hold the files of a record, and pin them so that they stay here
    Resource(resource::Resource),
    /// Carry what a group shares to a school with a slow line, or none, in a file
    #[command(subcommand)]
    Bundle(bundle::Bundle),
    /// Say how the node is doing
    Status(status::Status),
    /// Say whether this server has what Staffroom needs, and what to do where it has not
    Doctor(doctor::Doctor),
    /// Show or set how much room other schools' files have on this server
    Storage(storage::Storage),
    /// Make backups, look after them, and set up a new server from one
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Show or set how much may pass on the line to other schools, and when
    Line(line::Line),
    /// Show or set whether what staff share needs a colleague's approval
    Approval(approval::Approval),
    /// Make the search index again from what is stored
    Reindex(status::Reindex),
    /// Work out effect sizes from group sizes, means and standard deviations in a CSV file
    Effect(effect::Effect),
    /// Pool effects with their variances from a CSV file: a meta-analysis
    Pool(pool::Pool),
    /// Print the description of the API for programs (OpenAPI 3.1)
    Api,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Read a whole record store and say whether it is sound; the node runs this itself
    #[command(hide = true)]
    VerifyStore {
        /// The data directory
        dir: PathBuf,
    },
    #[command(flatten)]
    Limited(Limited),
}

/// What a process does that limits itself first, for which it must have one thread; the node runs these.
#[derive(Debug, Subcommand)]
enum Limited {
    /// Read a file from standard input and write its text; the node runs this itself
    #[command(hide = true)]
    ReadFile,
    /// Write the file on standard input without the names of people; the node runs this itself
    #[command(hide = true)]
    WriteFileWithoutNames,
    /// Write a small copy of the picture on standard input; the node runs this itself
    #[command(hide = true)]
    WriteThumbnail,
    /// Run another program with no access to this school's files; the node runs this itself
    #[command(hide = true)]
    RunConfined(crate::preview::confine::Confined),
}

impl Limited {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::ReadFile => crate::extract::read_file(),
            Self::WriteFileWithoutNames => crate::extract::write_file_without_names(),
            Self::WriteThumbnail => crate::extract::write_thumbnail(),
            Self::RunConfined(confined) => confined.run(),
        }
    }
}

/// Reads the arguments and does what they say. Ends with 0, with 1 after a failure, and with 2 if
/// the arguments cannot be understood.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.common.json);
    if let Command::Limited(limited) = arguments.command {
        return ended(limited.run(), &output);
    }
    ended(run(arguments.command, &arguments.common.data, &output), &output)
}

fn ended(result: anyhow::Result<()>, output: &Output) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, data: &Path, output: &Output) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Demo(demo) => demo.run(output).await,
            Command::Init(init) => init.run(data, output),
            Command::Serve(serve) => serve.run(data, output).await,
            Command::Recover(recover) => recover.run(data, output).await,
            Command::Kit(kit) => kit.run(data, output),
            Command::Node(node) => node.run(data, output).await,
            Command::Person(person) => person.run(data, output).await,
            Command::SignInWith(sign_in_with) => sign_in_with.run(data, output).await,
            Command::Mail(mail) => mail.run(data, output).await,
            Command::Audit(audit) => audit.run(data, output).await,
            Command::Group(group) => group.run(data, output).await,
            Command::Close(close) => close.run(data, output).await,
            Command::Publish(publish) => publish.run(data, output).await,
            Command::Import(import) => import.run(data, output).await,
            Command::AddResources(add) => add.run(data, output).await,
            Command::Withdraw(withdraw) => withdraw.run(data, output).await,
            Command::Receipts(receipts) => receipts.run(data, output).await,
            Command::Search(search) => search.run(data, output).await,
            Command::Saved(saved) => saved.run(data, output).await,
            Command::Show(show) => show.run(data, output).await,
            Command::Similar(similar) => similar.run(data, output).await,
            Command::Get(get) => get.run(data, output).await,
            Command::Resource(resource) => resource.run(data, output).await,
            Command::Bundle(bundle) => bundle.run(data, output).await,
            Command::Status(status) => status.run(data, output).await,
            Command::Doctor(doctor) => doctor.run(data, output).await,
            Command::Storage(storage) => storage.run(data, output).await,
            Command::Backup(backup) => backup.run(data, output).await,
            Command::Line(line) => line.run(data, output).await,
            Command::Approval(approval) => approval.run(data, output).await,
            Command::Reindex(reindex) => reindex.run(data, output).await,
            Command::Effect(effect) => effect.run(output),
            Command::Pool(pool) => pool.run(output),
            Command::Api => {
                let description = crate::http::description();
                let text = description.to_pretty_json()?;
                output.answer(description, || text)
            }
            Command::Completions { shell } => {
                let mut arguments = Arguments::command();
                clap_complete::generate(shell, &mut arguments, "staffroom", &mut std::io::stdout());
                Ok(())
            }
            Command::VerifyStore { dir } => Ok(crate::store::verify(&dir).map(|_| ())?),
            Command::Limited(limited) => limited.run(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
