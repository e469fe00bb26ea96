//! How the real program is to be started.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use harness::servers::Authority;
use tempfile::TempDir;

use super::Server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_duet");
const ANY_PORT: &str = "127.0.0.1:0";

/// How a server is to be started.
#[derive(Clone, Default)]
pub struct Setup {
    settings: Vec<(String, String)>,
    arguments: Vec<String>,
    shell: Option<String>,
    folder: Option<Arc<TempDir>>,
}

impl Setup {
    /// The defaults, at a free port.
    pub fn new() -> Self {
        Self::default().set("server.bind", ANY_PORT)
    }

    /// Whether nothing else was said about where it listens.
    pub(super) fn is_at_any_port(&self) -> bool {
        let bind = ("DUET_SERVER__BIND".into(), ANY_PORT.into());
        self.settings.contains(&bind)
    }

    /// A setting, by the name it has in the settings file.
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        let (section, key) = key.split_once('.').unwrap();
        let name = format!("DUET_{}__{}", section.to_uppercase(), key.to_uppercase());
        self.settings.retain(|(known, _)| *known != name);
        self.env(&name, value)
    }

    /// Any variable of the environment.
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((name.into(), value.to_string()));
        self
    }

    /// An argument of the command line.
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// A settings file with this content, in the server's folder.
    pub fn file(mut self, content: &str) -> Self {
        let path = self.folder().join("duet.toml");
        fs::write(&path, content).unwrap();
        self.arg("--config").arg(path.to_str().unwrap())
    }

    /// No address is exempt from the limits, this machine's own included.
    pub fn no_exemptions(self) -> Self {
        self.file("[limits]\nexempt_addresses = []\n")
    }

    /// By TLS, with a certificate of this authority for this machine.
    pub fn tls(self, authority: &Authority) -> Self {
        let identity = authority.issue(&["localhost", "127.0.0.1"]).unwrap();
        self.set("server.tls_cert", identity.certificate.display())
            .set("server.tls_key", identity.key.display())
    }

    /// Commands of the shell that starts it, such as `umask 000`.
    pub fn after(mut self, commands: &str) -> Self {
        self.shell = Some(commands.into());
        self
    }

    /// Where it is started, and where its data goes.
    pub fn folder(&mut self) -> PathBuf {
        let made = || Arc::new(tempfile::Builder::new().prefix("duet-").tempdir().unwrap());
        self.folder.get_or_insert_with(made).path().into()
    }

    /// The command, with an environment that holds nothing of the outer one's.
    pub fn command(&mut self) -> Command {
        let folder = self.folder();
        let mut command = match &self.shell {
            None => Command::new(PROGRAM),
            Some(commands) => {
                let mut command = Command::new("/bin/sh");
                let script = format!("{commands}; exec \"$0\" \"$@\"");
                command.args(["-c", &script, PROGRAM]);
                command
            }
        };
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.settings.iter().cloned())
            .current_dir(folder)
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Output {
        self.command().output().unwrap()
    }

    /// Starts a server and waits until it says that it runs.
    pub async fn start(self) -> Server {
        Server::run(self).await
    }
}
