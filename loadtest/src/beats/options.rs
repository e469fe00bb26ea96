//! What a run of `beats` is told to do; the field comments are the command line's help.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Args;

use super::BeatsError;
use crate::options::{at_least_one, seconds};

/// Options of `beats`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// A program that runs many instances' ends of the bus, and a name for it: before=PATH. Several are compared.
    /// Without it, the `bus_instances` among the examples that lie beside this tool.
    #[arg(long = "program", value_name = "NAME=PATH")]
    pub programs: Vec<Program>,

    /// How many instances, several numbers separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "10,50,100,200", value_parser = at_least_two, value_name = "N")]
    pub instances: Vec<usize>,

    /// How many seconds of each are measured.
    #[arg(long, default_value = "60", value_parser = seconds, value_name = "S")]
    pub seconds: Duration,

    /// How often an instance is killed.
    #[arg(long, default_value_t = 3, value_parser = at_least_one, value_name = "N")]
    pub tries: usize,
}

/// A program under test.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl FromStr for Program {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, path) = text
            .split_once('=')
            .ok_or("give a name and a path: before=PATH")?;
        Ok(Self {
            name: name.into(),
            path: path.into(),
        })
    }
}

impl Options {
    pub(super) fn programs(&self) -> Result<Vec<Program>, BeatsError> {
        let mut programs = self.programs.clone();
        if programs.is_empty() {
            programs.push(Program {
                name: "duet".into(),
                path: std::env::current_exe()?.with_file_name("examples/bus_instances"),
            });
        }
        match programs.iter().find(|program| !program.path.is_file()) {
            Some(missing) => Err(BeatsError::NoProgram(missing.path.display().to_string())),
            None => Ok(programs),
        }
    }
}

fn at_least_two(text: &str) -> Result<usize, String> {
    let count = at_least_one(text).ok().filter(|count| *count > 1);
    count.ok_or_else(|| "give a whole number from 2 up: one has nobody to watch".to_owned())
}
