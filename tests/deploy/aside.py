"""A copy of this machine's tree to try things in: an overlay takes what is written, and this machine keeps nothing of it. Needs
root, util-linux and iproute2."""

import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
}


def run(*arguments, **options):
    done = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def in_namespaces(script, *arguments):
    """Runs a Python program where mounts, network and processes are its own, and end with it."""
    own = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", sys.executable, script]
    subprocess.run([*own, *arguments], check=True)


def enter_copy():
    """Goes into the copy, from a program that was started in namespaces of its own."""
    root = Path("/mnt/root")
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", "/mnt")
    for name in ("root", "written", "work"):
        Path("/mnt", name).mkdir()
    layers = "lowerdir=/,upperdir=/mnt/written,workdir=/mnt/work"
    run("mount", "-t", "overlay", "-o", layers, "overlay", str(root))
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    run("mount", "--rbind", "/dev", str(root / "dev"))
    for memory in ("run", "tmp"):
        run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(root / memory))
    run("ip", "link", "set", "lo", "up")
    os.chroot(root)
    os.chdir("/")
