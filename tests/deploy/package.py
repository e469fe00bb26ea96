"""Takes the Debian package through its life, as its owner would: installs an older version, runs what the unit runs as
a user without rights, upgrades, removes and purges, in a copy of this machine's tree.

    package.py PACKAGE.deb

Needs root, and Debian with util-linux, iproute2, systemd, zsh and fish."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from aside import ENVIRONMENT, enter_copy, in_namespaces, run

# Nobody else's, as systemd would draw one for DynamicUser=.
UID = 64646
DATA, CONFIG = Path("/var/lib/duet"), Path("/etc/duet/duet.toml")
ADDRESS = "http://127.0.0.1:8080"
def older_than(package, folder):
    """The same package as an earlier version."""
    run("dpkg-deb", "--raw-extract", str(package), str(folder / "older"))
    control = folder / "older/DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 0.1.9-1", control.read_text(), flags=re.MULTILINE))
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(folder / "older"), str(folder / "older.deb"))
    return folder / "older.deb"


def unit():
    """The lines of the installed unit, by name."""
    installed = [path for path in run("dpkg", "-L", "duet").splitlines() if path.endswith("/duet.service")]
    assert len(installed) == 1, installed
    run("systemd-analyze", "verify", installed[0])
    lines = Path(installed[0]).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


class Service:
    """What the unit runs, as systemd would run it."""

    def __init__(self):
        lines = unit()
        DATA.mkdir(exist_ok=True)
        os.chown(DATA, UID, UID)
        DATA.chmod(int(lines["StateDirectoryMode"], 8))
        rights = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--bounding-set=-all", "--no-new-privs"]
        shell = ["sh", "-c", f"umask {lines['UMask']}; exec {lines['ExecStart']}"]
        self.log = open("/tmp/log", "w+")
        self.process = subprocess.Popen(
            rights + shell, cwd=lines["WorkingDirectory"], env=ENVIRONMENT, stdout=self.log, stderr=self.log
        )

    def __enter__(self):
        until = time.monotonic() + 60
        while subprocess.run(["duet", "--config", CONFIG, "health"], env=ENVIRONMENT, capture_output=True).returncode:
            assert self.process.poll() is None and time.monotonic() < until, f"it does not serve:\n{self.said()}"
            time.sleep(0.2)
        return self

    def __exit__(self, failed, *_):
        self.process.terminate()
        status = self.process.wait(timeout=60)
        assert failed or status == 0, f"it ended with {status}:\n{self.said()}"

    def said(self):
        self.log.seek(0)
        return self.log.read()


def call(path, body, token=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"{ADDRESS}/chat-server/{path}", body and json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def check_contents(package):
    """What others look for in a package: a page for every command, and completions that complete."""
    contents = run("dpkg-deb", "--contents", str(package))
    commands = re.findall(r"^  ([a-z-]+) ", run("duet", "--help").split("Commands:")[1].split("Options:")[0], re.MULTILINE)
    assert len(commands) > 10, commands
    for command in commands:
        assert command == "help" or f"/usr/share/man/man1/duet-{command}.1" in contents, f"no page about {command}"
    assert "/usr/share/man/man1/duet.1" in contents
    for name in ("LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md", "README.md", "copyright", "docs/operations.md", "examples/nginx.conf"):
        assert f"/usr/share/doc/duet/{name}" in contents, f"no {name}"

    bash = "source /usr/share/bash-completion/completions/duet; COMP_WORDS=(duet ser); COMP_CWORD=1; _duet duet ser duet; echo ${COMPREPLY[@]}"
    assert run("bash", "-c", bash).split() == ["serve"]
    # Its own list of what completes which command.
    zsh = "autoload -Uz compinit; compinit -u -d /tmp/zcompdump; print ${_comps[duet]}; autoload +X -Uz _duet"
    assert run("zsh", "-f", "-c", zsh).strip() == "_duet"
    offered = run("fish", "-c", 'complete --do-complete "duet "')
    assert set(commands) <= {line.split("\t")[0] for line in offered.splitlines()}, offered


def live(package):
    folder = Path("/tmp/package")
    folder.mkdir()
    run("dpkg", "--install", str(older_than(package, folder)))
    owned = run("dpkg", "-L", "duet").splitlines()
    mine = CONFIG.read_text() + "# Something of my own.\n"
    CONFIG.write_text(mine)

    with Service():
        chat = call("register", {"userOne": "Abhi", "userTwo": "Anny"})["hash"]
        token = call("user/Abhi/login", {"user": "Abhi", "hash": chat})["token"]
        call(f"user/{chat}/message_send", {"message": "Before the upgrade"}, token)
    # Commands by hand find the same store, from any folder.
    run("duet", "--config", str(CONFIG), "backup", "/tmp/backup.db", cwd="/")

    run("dpkg", "--force-confold", "--install", str(package))
    assert CONFIG.read_text() == mine, "the upgrade changed the settings"
    version = run("dpkg-query", "--show", "--showformat", "${Version}", "duet")
    assert run("duet", "--version").split()[1] == version.split("-")[0], version
    check_contents(package)
    with Service():
        page = call(f"user/{chat}/messages", None, token)
        assert [message["message"] for message in page["messages"]] == ["Before the upgrade"], page

    run("dpkg", "--remove", "duet")
    assert not Path("/usr/bin/duet").exists()
    assert CONFIG.read_text() == mine and any(DATA.iterdir()), "removing took settings or data along"

    credential = Path("/etc/credstore/duet.store.url")
    credential.parent.mkdir(exist_ok=True)
    credential.write_text("postgres://duet:s3cret@db/duet\n")
    run("dpkg", "--purge", "duet")
    left = [path for path in owned if "duet" in path and Path(path).exists()]
    left += [path for path in map(str, (CONFIG.parent, DATA, credential)) if Path(path).exists()]
    left += [str(path) for path in Path("/etc/systemd").rglob("*duet*")] + [str(path) for path in Path("/var/lib/systemd").rglob("*duet*")]
    assert not left, f"purging left {left}"


def main():
    if sys.argv[1] == "--inside":
        package = Path(sys.argv[2])
        enter_copy()
        return live(package)
    in_namespaces(__file__, "--inside", str(Path(sys.argv[1]).resolve()))
    print("The package installs, serves as its unit says, upgrades, and leaves nothing when it is purged.")


main()
