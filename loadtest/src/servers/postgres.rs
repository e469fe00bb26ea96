//! A private PostgreSQL. Its programs refuse to run as root, so root runs them as `postgres`.

use std::{
    fs::{self, File},
    io,
    net::TcpStream,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{StartError, free_port};

/// How long the server may take to answer; generous, since tests run many at once.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How often it is looked whether it does.
const POLL: Duration = Duration::from_millis(20);

/// A private PostgreSQL server with one database, `duet`.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// Starts a fresh server.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start() -> Result<Self, StartError> {
        let programs = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("duet-postgres-")
            .tempdir()
            .map_err(StartError::from_io("no temporary folder"))?;
        own(folder.path())?;
        let mut postgres = Self {
            programs,
            folder,
            port: free_port()?,
            server: None,
        };
        postgres.copy_template()?;
        postgres.resume()?;
        Ok(postgres)
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills it as a power failure would.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // The postmaster's children notice that it is gone and end themselves.
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Starts it again on the same port and data.
    ///
    /// # Errors
    /// [`StartError`] when it does not come up in time.
    pub fn resume(&mut self) -> Result<(), StartError> {
        let log = File::create(self.folder.path().join("log"))
            .map_err(StartError::from_io("the log cannot be written"))?;
        let errors = log
            .try_clone()
            .map_err(StartError::from_io("the log cannot be written"))?;
        let data = self.data();
        let _ = fs::remove_file(data.join("postmaster.pid"));
        let mut command = as_postgres(&self.programs.join("postgres"));
        command
            .arg("-D")
            .arg(&data)
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k", ""])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        let server = command
            .spawn()
            .map_err(StartError::from_io("postgres cannot be run"))?;
        self.server = Some(server);
        self.wait()
    }

    fn wait(&mut self) -> Result<(), StartError> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            if self.is_ready() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        Err(StartError(format!(
            "PostgreSQL did not start in time: {log}"
        )))
    }

    /// It accepts connections early and refuses sessions while it recovers.
    fn is_ready(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .is_ok_and(|status| status.success())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Making a cluster takes seconds, copying one a moment: it is made once for all tests.
    fn copy_template(&self) -> Result<(), StartError> {
        let template = std::env::temp_dir().join(format!(
            "duet-postgres-template-{}",
            version(&self.programs)
        ));
        let guard = std::env::temp_dir().join("duet-postgres-template.lock");
        let guard = File::create(guard).map_err(StartError::from_io("the template"))?;
        guard.lock().map_err(StartError::from_io("the template"))?;
        if !template.join("complete").exists() {
            let _ = fs::remove_dir_all(&template);
            fs::create_dir_all(&template).map_err(StartError::from_io("the template"))?;
            own(&template)?;
            let mut command = as_postgres(&self.programs.join("initdb"));
            command
                .args([
                    "--auth=trust",
                    "--username=postgres",
                    "--encoding=UTF8",
                    "--no-locale",
                ])
                .arg("--no-sync")
                .arg("-D")
                .arg(template.join("data"));
            run(command)?;
            File::create(template.join("complete")).map_err(StartError::from_io("the template"))?;
        }
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(template.join("data")).arg(self.data());
        run(copy)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
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

fn version(programs: &Path) -> String {
    let version = programs.parent().and_then(Path::file_name);
    version
        .map(|version| version.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn as_postgres(program: &Path) -> Command {
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
fn own(folder: &Path) -> Result<(), StartError> {
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

fn run(mut command: Command) -> Result<(), StartError> {
    let done: io::Result<_> = command.stdin(Stdio::null()).output();
    let done = done.map_err(StartError::from_io("a program cannot be run"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(StartError(format!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&done.stderr)
        ))),
    }
}
