"""Runs the image's entry point as a container engine would, without an engine: in namespaces of its own, as
the image's user, with no capability, on a read-only root where only /data can be written.

    container.py DUET

What the Dockerfile and compose.yaml say is read from them. Needs root, and util-linux and iproute2."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
dockerfile = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
service = YAML(typ="safe").load(ROOT / "compose.yaml")["services"]["duet"]


def instruction(name):
    """The arguments of the last instruction of this name."""
    return re.findall(rf"^{name} +(.*)$", dockerfile, re.MULTILINE)[-1]


uid, gid = instruction("USER").split(":")
command = json.loads(instruction("ENTRYPOINT")) + json.loads(instruction("CMD"))
health = json.loads(re.search(r"CMD (\[.*\])", instruction("HEALTHCHECK")).group(1))
settings = dict(pair.split("=", 1) for pair in instruction("ENV").split())
settings |= {name: str(value) for name, value in service["environment"].items()}
assert service["read_only"] and service["cap_drop"] == ["ALL"], "compose.yaml promises less than it did"

INSIDE = f"""
set -eu
ip link set lo up
mount --make-rprivate /
mount -t tmpfs -o size=512m,mode=0700,uid={uid},gid={gid} tmpfs "$DATA"
mount --bind / /mnt && mount -o remount,bind,ro /mnt
mount --rbind /proc /mnt/proc && mount --bind "$DATA" "/mnt$DATA"
exec chroot /mnt setpriv --reuid {uid} --regid {gid} --clear-groups --bounding-set -all --no-new-privs \
    env --chdir="$WORKDIR" "$@"
"""


def inside(duet, data, arguments, target=None):
    """The command line that runs something in the container: a new one, or that of a process."""
    program = [str(duet) if argument == "duet" else argument for argument in arguments]
    if target:
        # The namespaces of the process that serves, its root and its rights.
        enter = ["nsenter", "--target", str(target), "--mount", "--net", "--root", "--wd"]
        drop = ["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "--bounding-set", "-all"]
        return enter + drop + program
    return ["unshare", "--mount", "--net", "sh", "-c", INSIDE, "sh"] + program


def main():
    duet = Path(sys.argv[1]).resolve()
    data = Path("/data")
    made = not data.exists()
    data.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "DATA": str(data), "WORKDIR": instruction("WORKDIR")} | settings
    server = subprocess.Popen(
        inside(duet, data, command), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until = time.monotonic() + 60
        while True:
            assert server.poll() is None, f"it ended:\n{server.stdout.read()}"
            checked = subprocess.run(
                inside(duet, data, health, target=server.pid), env=environment, capture_output=True, text=True
            )
            if checked.returncode == 0:
                break
            assert time.monotonic() < until, f"the health check never succeeded:\n{checked.stdout}{checked.stderr}"
            time.sleep(0.2)
        database = Path(f"/proc/{server.pid}/root{data}/duet.db")
        assert database.exists(), f"the chats are not on the volume: {list(database.parent.iterdir())}"
        server.terminate()
        assert server.wait(timeout=60) == 0, "it did not stop in order"
    finally:
        server.kill()
        if made:
            data.rmdir()
    print("The entry point serves from a read-only root, without rights, and stops in order.")


main()
