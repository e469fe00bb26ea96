//! A private PgBouncer before a private PostgreSQL. It refuses to run as root.

use std::{fs, net::TcpStream, path::Path};

use tempfile::TempDir;

use super::{Process, StartError, folder, free_port, postgres};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// A running PgBouncer.
#[derive(Debug)]
pub struct PgBouncer {
    _folder: TempDir,
    _process: Process,
    port: u16,
}

impl PgBouncer {
    /// Starts one in this pool mode before the server at that port, with few of its sessions.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start(pool_mode: &str, server: u16) -> Result<Self, StartError> {
        let folder = folder("pgbouncer")?;
        let port = free_port()?;
        let users = folder.path().join("users");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {}\npool_mode = {pool_mode}\n\
             default_pool_size = 20\n",
            users.display()
        );
        let file = folder.path().join("pgbouncer.ini");
        for (path, text) in [(&users, "\"postgres\" \"\"\n"), (&file, &settings)] {
            fs::write(path, text).map_err(StartError::from_io("PgBouncer's settings"))?;
            postgres::own(path)?;
        }
        postgres::own(folder.path())?;
        let mut command = postgres::as_postgres(Path::new(PROGRAM));
        command.arg(&file);
        let log = folder.path().join("log");
        let process = Process::start("PgBouncer", &mut command, &log, |_| {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Ok(Self {
            _folder: folder,
            _process: process,
            port,
        })
    }

    /// Where it listens, as the URL of a database.
    pub fn url(&self) -> String {
        super::Postgres::url_at(self.port)
    }
}
