//! Parse the command line, run the command, exit.

use std::process::ExitCode;

use duet::{
    cli::{self, Cli},
    telemetry,
};

fn main() -> ExitCode {
    match cli::run(Cli::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            telemetry::report_fatal(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
