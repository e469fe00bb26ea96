//! nginx with the module nchan, as Debian packages both: streams of server-sent events, and channels that Redis carries from one
//! nginx to the other. What is published is kept in Redis for a while and stored nowhere.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
};

use harness::servers::{Process, Redis, StartError, free_port};

use super::cluster::Instance;

const NGINX: &str = "/usr/sbin/nginx";
const MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// What keeps it from being compared, in one sentence; `None` when all is there.
pub(super) fn missing() -> Option<String> {
    let is_there = Path::new(NGINX).exists() && Path::new(MODULE).exists();
    (!is_there).then(|| {
        "nchan is left out: `make compare-tools` installs Debian's `nginx` and `libnginx-mod-nchan`".to_owned()
    })
}

/// One nginx.
pub(super) fn start(
    redis: &Redis,
    folder: &Path,
    number: usize,
    workers: usize,
) -> Result<Instance, StartError> {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let folder = folder.join(format!("nginx-{number}"));
    let failed = |error| StartError(format!("the settings of nginx: {error}"));
    fs::create_dir(&folder).map_err(failed)?;
    let file = folder.join("nginx.conf");
    fs::write(&file, settings(&folder, workers, address, &redis.url())).map_err(failed)?;
    let mut nginx = Command::new(NGINX);
    nginx
        .arg("-p")
        .arg(&folder)
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg(folder.join("error.log"));
    let log = folder.join("output.log");
    let process = Process::start("nginx", &mut nginx, &log, |_| {
        TcpStream::connect(address).is_ok()
    })?;
    Ok(Instance {
        process,
        url: format!("nchan://{address}"),
    })
}

/// A stream begins at the last message, as one that comes back does in a storm.
fn settings(folder: &Path, workers: usize, address: SocketAddr, redis: &str) -> String {
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let folder = folder.display();
    format!(
        "load_module {MODULE};
daemon off;
{user}
pid {folder}/pid;
worker_processes {workers};
worker_rlimit_nofile 40000;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    upstream redis {{ nchan_redis_server {redis}; }}
    server {{
        listen {address} backlog=4096;
        location ~ ^/pub/([0-9a-f]+)$ {{
            nchan_publisher;
            nchan_channel_id $1;
            nchan_redis_pass redis;
        }}
        location ~ ^/sub/([0-9a-f]+)$ {{
            nchan_subscriber eventsource;
            nchan_channel_id $1;
            nchan_redis_pass redis;
            nchan_subscriber_first_message -1;
        }}
    }}
}}
"
    )
}
