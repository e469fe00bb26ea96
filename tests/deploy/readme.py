"""Does what the README says about running duet behind a proxy with TLS without Docker, in a copy of this machine's tree, since
Caddy makes an authority of its own for a name like `localhost`, and has this machine trust it.

    readme.py DUET"""

import json
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from aside import ENVIRONMENT, enter_copy, in_namespaces, run

ROOT = Path(__file__).resolve().parents[2]
AUTHORITY = Path("/root/.local/share/caddy/pki/authorities/local/root.crt")


def shown():
    """The commands as the README has them, for a name that leads here."""
    blocks = (ROOT / "README.md").read_text().split("```sh\n")[1:]
    blocks = [block.split("```")[0] for block in blocks]
    [commands] = [block for block in blocks if "caddy reverse-proxy" in block]
    assert "https://chat.example.org" in commands and "--from chat.example.org" in commands, commands
    return commands.replace("chat.example.org", "localhost").replace("sudo ", "")


def asked(trusted, path, body=None):
    request = urllib.request.Request(f"https://localhost/{path}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:
        return answer.status, answer.read()


def until_served(servers):
    until = time.monotonic() + 60
    while True:
        assert servers.poll() is None and time.monotonic() < until, Path("/tmp/log").read_text()
        try:
            trusted = ssl.create_default_context(cafile=AUTHORITY)
            assert asked(trusted, "demo/chat/register")[0] == 200
            return trusted
        except OSError:
            time.sleep(0.2)


def main():
    if sys.argv[1] != "--inside":
        in_namespaces(__file__, "--inside", str(Path(sys.argv[1]).resolve()))
        return print("The README's instance behind Caddy is reached by TLS, and makes links that lead there.")
    program, commands = sys.argv[2], shown()
    enter_copy()
    run("install", program, "/usr/local/bin/duet")
    with open("/tmp/log", "w") as log:
        servers = subprocess.Popen(["sh", "-c", commands], env=ENVIRONMENT, cwd="/tmp", stdout=log, stderr=log)
    trusted = until_served(servers)
    names = json.dumps({"userOne": "Abhi", "userTwo": "Anny"}).encode()
    made = json.loads(asked(trusted, "chat-server/register", names)[1])["data"]
    assert made["url"].startswith("https://localhost/demo/chat/user/"), made
    path = made["url"].removeprefix("https://localhost/")
    assert asked(trusted, path)[0] == 200
    try:
        raise AssertionError(f"metrics are public: {asked(trusted, 'metrics')}")
    except urllib.error.HTTPError as refused:
        assert refused.code == 404, refused


main()
