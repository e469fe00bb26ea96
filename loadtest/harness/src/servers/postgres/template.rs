//! What new servers are copies of: making a cluster takes seconds, copying one a moment, so each kind is
//! made once for all tests and kept beside their folders.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{Postgres, StartError, as_postgres, own, programs, run};

impl Postgres {
    /// Starts a server that does not wait for its disk, and that has in it what `prepare` once left on such
    /// a server: that is kept under `name`, which must change with what `prepare` does. It has no databases
    /// to make more of.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub async fn start_prepared(
        name: &str,
        prepare: impl AsyncFnOnce(&Self),
    ) -> Result<Self, StartError> {
        let programs = programs()?;
        let template = kept(name, &programs);
        let making = lock(&template)?;
        if !is_complete(&template) {
            begin(&template)?;
            let server = Self::start_without_fsync()?;
            prepare(&server).await;
            // Two thirds of the files to copy.
            server.run("UPDATE pg_database SET datistemplate = false")?;
            for unused in ["template0", "template1"] {
                server.run(&format!("DROP DATABASE {unused}"))?;
            }
            server.stop()?;
            fs::rename(server.data(), template.join("data")).map_err(unmade)?;
            complete(&template)?;
        }
        drop(making);
        let mut server = Self::copy_of(&template.join("data"), programs)?;
        server.set("fsync", "off");
        // Most of a larger one would only be set up, and never used.
        server.set("shared_buffers", "16MB");
        server.resume()?;
        Ok(server)
    }

    /// Ends it for good as its owner would, and leaves its log of writes with nothing that anybody needs.
    fn stop(&self) -> Result<(), StartError> {
        let mut stop = as_postgres(&self.programs.join("pg_ctl"));
        stop.args(["stop", "--silent", "--mode=fast", "--wait", "-D"])
            .arg(self.data());
        run(stop)?;
        let mut shrink = as_postgres(&self.programs.join("pg_resetwal"));
        shrink.args(["--wal-segsize=1", "-D"]).arg(self.data());
        run(shrink)?;
        Ok(())
    }
}

/// The data of a server that nobody has used.
pub(super) fn empty(programs: &Path) -> Result<PathBuf, StartError> {
    let template = kept("empty", programs);
    let data = template.join("data");
    let _making = lock(&template)?;
    if !is_complete(&template) {
        begin(&template)?;
        own(&template)?;
        let mut command = as_postgres(&programs.join("initdb"));
        command
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--no-locale",
            ])
            .arg("--no-sync")
            .arg("-D")
            .arg(&data);
        run(command)?;
        complete(&template)?;
    }
    Ok(data)
}

/// Where the template of this name is, made by these programs.
fn kept(name: &str, programs: &Path) -> PathBuf {
    let version = programs.parent().and_then(Path::file_name);
    let version = version.unwrap_or_default().to_string_lossy();
    env::temp_dir().join(format!("duet-postgres-template-{version}-{name}"))
}

/// Held by the one who makes it; a complete one never changes.
fn lock(template: &Path) -> Result<File, StartError> {
    let guard = File::create(template.with_added_extension("lock")).map_err(unmade)?;
    guard.lock().map_err(unmade)?;
    Ok(guard)
}

fn is_complete(template: &Path) -> bool {
    template.join("complete").exists()
}

/// Takes away what somebody left who did not come to the end.
fn begin(template: &Path) -> Result<(), StartError> {
    let _ = fs::remove_dir_all(template);
    fs::create_dir_all(template).map_err(unmade)
}

fn complete(template: &Path) -> Result<(), StartError> {
    File::create(template.join("complete")).map_err(unmade)?;
    Ok(())
}

fn unmade(error: std::io::Error) -> StartError {
    StartError(format!("the template: {error}"))
}
