//! Two clustered nodes of ejabberd, as Debian packages it, that archive every message in PostgreSQL.
//!
//! They have the modules that this takes and no others: fewer than people run it with, so its figures are better than theirs.
//! Their schedulers do not spin while they wait. Everything else is as it comes, the ten connections of each node to
//! PostgreSQL among it.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use harness::servers::{HeldPort, Postgres, Process, StartError, free_port};
use uuid::Uuid;

use super::cluster::Instance;

const SCHEMA: &str = "/usr/share/ejabberd/sql/pg.sql";
const ERL: &str = "/usr/bin/erl";
/// On a machine that others share, schedulers that spin while they wait take from them and from the other node.
const NO_SPINNING: [&str; 6] = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"];
/// What stands behind the @ of every account.
const DOMAIN: &str = "localhost";
const NODES: [&str; 2] = ["ejabberd1@127.0.0.1", "ejabberd2@127.0.0.1"];

/// What keeps it from being compared, in one sentence; `None` when all is there.
pub(super) fn missing() -> Option<String> {
    let is_there = Path::new(ERL).exists()
        && Path::new(SCHEMA).exists()
        && libraries().is_some()
        && has("/usr/lib/erlang/lib", "p1_pgsql-");
    (!is_there).then(|| {
        "ejabberd is left out: `make compare-tools` installs Debian's `ejabberd` and `erlang-p1-pgsql`"
            .to_owned()
    })
}

/// Its name and version.
pub(super) fn version() -> Option<String> {
    let names = fs::read_dir(libraries()?).ok()?.filter_map(Result::ok);
    let mut names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let name = names.find(|name| name.starts_with("ejabberd-"))?;
    Some(name.replacen('-', " ", 1))
}

/// Both nodes, and the daemon by which they find each other.
pub(super) fn start(
    postgres: &Postgres,
    folder: &Path,
) -> Result<(Vec<Instance>, Process), StartError> {
    let schema = fs::read_to_string(SCHEMA).map_err(failed(SCHEMA))?;
    postgres.run(&schema)?;
    let epmd_port = HeldPort::any()?;
    let ground = Ground {
        postgres,
        folder,
        epmd_port: epmd_port.number(),
        cookie: Uuid::new_v4().simple().to_string(),
        libraries: libraries().unwrap_or_default(),
    };
    let epmd = ground.epmd()?;
    let mut instances = Vec::new();
    for node in NODES {
        instances.push(ground.node(node)?);
    }
    ground.join()?;
    Ok((instances, epmd))
}

/// What both nodes stand on.
struct Ground<'a> {
    postgres: &'a Postgres,
    folder: &'a Path,
    epmd_port: u16,
    cookie: String,
    libraries: PathBuf,
}

impl Ground<'_> {
    fn epmd(&self) -> Result<Process, StartError> {
        let mut epmd = Command::new("epmd");
        epmd.args(["-port", &self.epmd_port.to_string()]);
        epmd.args(["-address", "127.0.0.1"]);
        let log = self.folder.join("epmd.log");
        Process::start("epmd", &mut epmd, &log, |_| listens(self.epmd_port))
    }

    fn node(&self, node: &str) -> Result<Instance, StartError> {
        let folder = self.folder.join(node);
        fs::create_dir(&folder).map_err(failed("the folder of ejabberd"))?;
        let port = free_port()?;
        let settings = folder.join("ejabberd.yml");
        let written = fs::write(&settings, self.settings(port));
        written.map_err(failed("the settings of ejabberd"))?;
        let mut erl = self.erl(node);
        erl.args(["+K", "true", "+P", "250000"])
            .args(NO_SPINNING)
            .args(["-mnesia", "dir"])
            .arg(format!("\"{}\"", folder.join("mnesia").display()))
            .args(["-s", "ejabberd"])
            .env("EJABBERD_CONFIG_PATH", settings)
            .env("EJABBERD_LOG_PATH", folder.join("ejabberd.log"));
        let log = folder.join("output.log");
        let process = Process::start("ejabberd", &mut erl, &log, |_| listens(port))?;
        Ok(Instance {
            process,
            url: format!("xmpp://127.0.0.1:{port}/{DOMAIN}"),
        })
    }

    /// Makes the second node a copy of the first one, as `ejabberdctl join_cluster` does, and waits until both say so.
    fn join(&self) -> Result<(), StartError> {
        const GIVE_UP_MS: u32 = 60_000;
        let [first, second] = NODES;
        let script = format!(
            "timer:apply_after({GIVE_UP_MS}, erlang, halt, [3]), \
             case rpc:call('{second}', ejabberd_cluster, join, ['{first}']) of \
               ok -> ok; Told -> io:format(\"~p\", [Told]), halt(1) end, \
             Count = fun(Node) -> case rpc:call(Node, ejabberd_cluster, get_nodes, []) of \
               Nodes when is_list(Nodes) -> length(Nodes); _ -> 0 end end, \
             Wait = fun Again() -> case {{Count('{first}'), Count('{second}')}} of \
               {{2, 2}} -> halt(0); _ -> timer:sleep(50), Again() end end, \
             Wait()."
        );
        let mut erl = self.erl("join@127.0.0.1");
        let told = erl
            .args(["-hidden", "-eval", &script])
            .stdin(Stdio::null())
            .output();
        let told = told.map_err(failed("erl"))?;
        if told.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&told.stdout);
        Err(StartError(format!(
            "the nodes of ejabberd do not become a cluster ({}): {}",
            told.status,
            said.trim()
        )))
    }

    fn erl(&self, node: &str) -> Command {
        let mut erl = Command::new(ERL);
        erl.args(["-noinput", "-name", node, "-setcookie", &self.cookie])
            .args(["-start_epmd", "false"])
            .args(["-kernel", "inet_dist_use_interface", "{127,0,0,1}"])
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_LIBS", &self.libraries)
            .env("ERL_MAX_PORTS", "32000")
            .env("ERL_CRASH_DUMP_BYTES", "0")
            // It looks for a cookie there.
            .env("HOME", self.folder)
            .current_dir(self.folder);
        erl
    }

    fn settings(&self, port: u16) -> String {
        let postgres = self.postgres.port();
        format!(
            "hosts: [{DOMAIN}]
loglevel: error
listen:
  - port: {port}
    ip: \"127.0.0.1\"
    module: ejabberd_c2s
    max_stanza_size: 262144
auth_method: [sql]
auth_password_format: plain
registration_timeout: infinity
sql_type: pgsql
sql_server: \"127.0.0.1\"
sql_port: {postgres}
sql_database: postgres
sql_username: postgres
sql_password: none
modules:
  mod_mam:
    db_type: sql
    default: always
  mod_register: {{}}
  mod_stream_mgmt: {{}}
"
        )
    }
}

/// Debian keeps it in a folder that is named after the machine's kind.
fn libraries() -> Option<PathBuf> {
    let folder = PathBuf::from(format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    has(&folder, "ejabberd-").then_some(folder)
}

fn has(folder: impl AsRef<Path>, prefix: &str) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.any(|name| name.starts_with(prefix))
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn failed(what: &str) -> impl FnOnce(std::io::Error) -> StartError {
    let what = what.to_owned();
    move |error| StartError(format!("{what}: {error}"))
}
