//! A private PostgreSQL. Its programs refuse to run as root, so root runs them as `postgres`.

mod template;

use std::{
    fmt::Display,
    fs, io,
    net::TcpStream,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{HeldPort, Identity, Process, StartError, folder};

/// A private PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: HeldPort,
    settings: Vec<String>,
    server: Option<Process>,
}

impl Postgres {
    /// Starts a fresh server.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start() -> Result<Self, StartError> {
        let mut postgres = Self::new()?;
        postgres.resume()?;
        Ok(postgres)
    }

    /// Starts a fresh server that does not wait for its disk: what it has confirmed survives the loss of
    /// its process, and not of power.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start_without_fsync() -> Result<Self, StartError> {
        let mut postgres = Self::new()?;
        postgres.set("fsync", "off");
        postgres.resume()?;
        Ok(postgres)
    }

    /// A fresh server that [`resume`](Self::resume) starts.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn new() -> Result<Self, StartError> {
        let programs = programs()?;
        let template = template::empty(&programs)?;
        Self::copy_of(&template, programs)
    }

    /// A server that [`resume`](Self::resume) starts, with a copy of this data.
    fn copy_of(template: &Path, programs: PathBuf) -> Result<Self, StartError> {
        let postgres = Self {
            programs,
            folder: folder("postgres")?,
            port: HeldPort::any()?,
            settings: Vec::new(),
            server: None,
        };
        own(postgres.folder.path())?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(template).arg(postgres.data());
        run(copy)?;
        Ok(postgres)
    }

    /// Sets one of the server's own settings, from its next start on.
    pub fn set(&mut self, name: &str, value: impl Display) {
        self.settings.push(format!("{name}={value}"));
    }

    /// Lets it speak TLS, from its next start on.
    ///
    /// # Errors
    /// [`StartError`] when the files cannot be copied.
    pub fn use_identity(&mut self, identity: &Identity) -> Result<(), StartError> {
        for (from, name) in [
            (&identity.certificate, "server.crt"),
            (&identity.key, "server.key"),
        ] {
            let copy = self.data().join(name);
            fs::copy(from, &copy).map_err(StartError::from_io("the certificate"))?;
            own(&copy)?;
        }
        self.set("ssl", "on");
        Ok(())
    }

    /// Asks everybody for a password, from its next start on.
    ///
    /// # Errors
    /// [`StartError`] when its rules cannot be written.
    pub fn ask_for_passwords(&mut self) -> Result<(), StartError> {
        let rules = "host all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(self.data().join("pg_hba.conf"), rules)
            .map_err(StartError::from_io("the server's rules"))
    }

    /// A standby that follows this server, started; [`run`](Self::run) `SELECT pg_promote()` makes
    /// it the primary.
    ///
    /// # Errors
    /// [`StartError`] when this server cannot be copied, or the copy does not start.
    pub fn standby(&self) -> Result<Self, StartError> {
        let mut standby = Self {
            programs: self.programs.clone(),
            folder: folder("postgres")?,
            port: HeldPort::any()?,
            settings: self.settings.clone(),
            server: None,
        };
        own(standby.folder.path())?;
        let mut copy = as_postgres(&self.programs.join("pg_basebackup"));
        copy.args(["-h", "127.0.0.1", "-p", &self.port().to_string()])
            .args([
                "-U",
                "postgres",
                "--write-recovery-conf",
                "--checkpoint=fast",
            ])
            .arg("-D")
            .arg(standby.data());
        run(copy)?;
        standby.resume()?;
        Ok(standby)
    }

    /// Runs statements as the server's owner; answers their rows as text.
    ///
    /// # Errors
    /// [`StartError`] says what the server did not like.
    pub fn run(&self, sql: &str) -> Result<String, StartError> {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        command.args(["-v", "ON_ERROR_STOP=1", "-c", sql, &self.url()]);
        let told = run(command)?;
        Ok(String::from_utf8_lossy(&told).trim().into())
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        Self::url_at(self.port())
    }

    /// Another database of it, as a URL.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address())
    }

    /// Its own through another port of this machine.
    pub fn url_at(port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where it listens, as HOST:PORT.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// Connects to it, past every proxy.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn connect(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let (client, connection) =
            tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await?;
        // Ends with the client, whose calls say what went wrong.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Its process, unless it was killed.
    pub fn process(&self) -> Option<&Process> {
        self.server.as_ref()
    }

    /// Kills it as a power failure would.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it again on the same port and data.
    ///
    /// # Errors
    /// [`StartError`] when it does not come up in time.
    pub fn resume(&mut self) -> Result<(), StartError> {
        let data = self.data();
        let _ = fs::remove_file(data.join("postmaster.pid"));
        let mut command = as_postgres(&self.programs.join("postgres"));
        command
            .arg("-D")
            .arg(&data)
            .args(["-p", &self.port().to_string()])
            .args(["-h", "127.0.0.1", "-k", ""])
            // In its folder: what it keeps in /dev/shm stays there when it is killed, a MiB each time.
            .args(["-c", "dynamic_shared_memory_type=mmap"])
            .args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        let log = self.folder.path().join("log");
        let server = Process::start("PostgreSQL", &mut command, &log, |_| self.is_ready())?;
        self.server = Some(server);
        Ok(())
    }

    /// It accepts connections early and refuses sessions while it recovers.
    fn is_ready(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port())).is_ok()
            && Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port().to_string()])
                .status()
                .is_ok_and(|status| status.success())
    }

    /// Where its files are.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Everything in its database, as SQL.
    ///
    /// # Errors
    /// [`StartError`] when it cannot be dumped.
    pub fn dump(&self) -> Result<Vec<u8>, StartError> {
        let mut command = Command::new(self.programs.join("pg_dump"));
        command.arg("--inserts").arg(self.url());
        run(command)
    }
}

impl Drop for Postgres {
    /// A server that is killed leaves its segment of shared memory behind, of which a machine has a few thousand.
    fn drop(&mut self) {
        self.server = None;
        let told = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        // The seventh line has the segment's key and its id.
        let segment = told
            .lines()
            .nth(6)
            .and_then(|line| line.split_whitespace().nth(1));
        if let Some(segment) = segment {
            let mut remove = Command::new("ipcrm");
            remove.args(["-m", segment]).stderr(Stdio::null());
            // One that is gone already is no loss.
            let _ = remove.status();
        }
    }
}

/// Debian keeps the programs of each version in a folder of its own; the newest is taken.
fn programs() -> Result<PathBuf, StartError> {
    let missing = || {
        StartError(
            "PostgreSQL is not installed: `make tools` installs Debian's `postgresql`".into(),
        )
    };
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map_err(|_| missing())?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin"))
        .filter(|programs| programs.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().ok_or_else(missing)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The program, run by the one whom the server belongs to.
pub(super) fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            "--",
        ])
        .arg(program)
        .current_dir("/");
    command
}

/// Gives a folder to the one who will run the server.
pub(super) fn own(folder: &Path) -> Result<(), StartError> {
    if !is_root() {
        return Ok(());
    }
    let passwd = fs::read_to_string("/etc/passwd").map_err(StartError::from_io("/etc/passwd"))?;
    let line = passwd.lines().find(|line| line.starts_with("postgres:"));
    let ids: Vec<u32> = line
        .into_iter()
        .flat_map(|line| line.split(':').skip(2).take(2))
        .filter_map(|id| id.parse().ok())
        .collect();
    let [user, group] = ids[..] else {
        return Err(StartError(
            "there is no user `postgres` to run PostgreSQL as".into(),
        ));
    };
    chown(folder, Some(user), Some(group)).map_err(StartError::from_io("the data folder"))
}

/// Runs it to its end; what it printed.
fn run(mut command: Command) -> Result<Vec<u8>, StartError> {
    let done: io::Result<_> = command.stdin(Stdio::null()).output();
    let done = done.map_err(StartError::from_io("a program cannot be run"))?;
    match done.status.success() {
        true => Ok(done.stdout),
        false => Err(StartError(format!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&done.stderr)
        ))),
    }
}
