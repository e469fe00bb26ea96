"""Checks what a release offers for download, as somebody would who has just fetched it: `release.py FOLDER`."""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]
folder = Path(sys.argv[1]).resolve()
version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def run(*arguments, **options):
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def check_sums():
    sums = (folder / "SHA256SUMS").read_text()
    listed = {line.split()[1] for line in sums.splitlines()}
    present = {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert listed == present and len(present) == 4, (listed, present)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=folder)


def check_bill():
    """It is CycloneDX, and lists every crate that goes into the program."""
    text = (folder / "duet-sbom.json").read_text()
    bill = json.loads(text)
    schema = SchemaVersion.from_version(bill["specVersion"])
    wrong = JsonStrictValidator(schema).validate_str(text)
    assert wrong is None, wrong
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == ("duet", version), about
    listed = {(part["name"], part["version"]): part for part in bill["components"]}
    tree = run("cargo", "tree", "--locked", "--package", "duet", "--edges", "normal", "--prefix", "none", cwd=ROOT)
    needed = {(name, number) for name, number in re.findall(r"^(\S+) v(\S+)", tree, re.MULTILINE) if name != "duet"}
    missing = needed - set(listed)
    assert len(needed) > 100 and not missing, f"the bill of materials lacks {sorted(missing)}"
    without = [name for name, part in listed.items() if not part.get("licenses") or not part.get("purl")]
    assert not without, f"without a licence or an address: {without}"
    assert "/root/" not in text and str(ROOT) not in text, "it tells paths of this machine"
    return len(listed)


def check_program(archive):
    """It starts from where it was unpacked, and knows what it was built from."""
    with tempfile.TemporaryDirectory() as unpacked:
        run("tar", "--extract", "--file", str(archive), cwd=unpacked)
        names = {path.name for path in Path(unpacked).iterdir()}
        assert names == {"duet", "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"}, names
        program = Path(unpacked, "duet")
        told = run(str(program), "--version").strip()
        assert re.fullmatch(rf"duet {re.escape(version)} \([0-9a-f]{{12}}\)", told), told
        run(str(program), "check-config", cwd=unpacked)
        is_static = "INTERP" not in run("readelf", "--program-headers", "--wide", str(program))
        assert is_static == archive.name.endswith("-static.tar.gz"), archive
        return program.stat().st_size


def check_package(package):
    fields = run("dpkg-deb", "--field", str(package))
    assert f"Version: {version}-1" in fields, fields
    # Built on Debian 12; a newer glibc than its own would keep it from being installed there.
    needed = re.search(r"libc6 \(>= ([0-9.]+)\)", fields)
    assert needed and tuple(map(int, needed[1].split("."))) <= (2, 36), fields


check_sums()
parts = check_bill()
sizes = [check_program(archive) for archive in sorted(folder.glob("*.tar.gz"))]
for package in folder.glob("*.deb"):
    check_package(package)
print(f"{version}: {parts} parts in the bill of materials; the programs have {', '.join(f'{size / 2**20:.1f} MiB' for size in sizes)}.")
