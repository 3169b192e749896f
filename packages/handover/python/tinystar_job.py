"""Runs a job of tinystar on a cluster: says which versions are there, trains, hands the checkpoint back.

    python3 tinystar_job.py bash run.sh

Needs Python 3.9 and nothing else. It prints JSON lines that `tinystar submit` reads, and hands on what the
command prints. Its environment:
    TINYSTAR_REQUIREMENTS  file of pinned packages that must be there
    OUTPUT                 folder in which the command leaves the checkpoint
    TINYSTAR_LEFT_IN       folder, relative to this one, in which the command leaves it where it does not know OUTPUT
    TINYSTAR_PROBE         file that is in OUTPUT where the submitting side sees the same folder
    TINYSTAR_UPLOAD        address to send the checkpoint to
    REWARD_URL             addresses of reward servers, separated by commas
"""

import hashlib
import http.client
import importlib.metadata
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

PART = 1 << 20
LONGEST_WAIT = 60
# A package, with or without a version; neither options of pip nor addresses.
REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:==\s*([^\s;#,]+))?\s*(?:[<>=!~;#,].*)?$")


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def fail(what, text):
    tell("fault", what=what, text=text)
    sys.exit(1)


def pins(path):
    """Packages with the version that is asked for, if one is."""
    if not path or not os.path.exists(path):
        return {}
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if match := REQUIREMENT.match(line.strip()):
                found[match[1]] = match[2]
    return found


def installed(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def fits(have, want):
    """Tells whether a version is the one that is asked for; a build's suffix (+cpu) counts only where it is asked for."""
    return have is not None and (want is None or have == want or ("+" not in want and have.split("+")[0] == want))


def check_versions():
    wanted = pins(os.environ.get("TINYSTAR_REQUIREMENTS"))
    have = {name: installed(name) for name in wanted}
    probe = os.environ.get("TINYSTAR_PROBE")
    shared = os.path.exists(os.path.join(os.environ["OUTPUT"], probe)) if probe else None
    tell("versions", python=platform.python_version(), packages=have, host=socket.gethostname(), shared=shared)
    wrong = [
        f"{name} {have[name] or 'is missing'} where {version or 'any version'} is needed"
        for name, version in wanted.items()
        if not fits(have[name], version)
    ]
    if wrong:
        fail("versions", ", ".join(wrong))


def check_rewards():
    """Looks once whether one of the reward servers can be reached from here."""
    servers = [url for url in os.environ.get("REWARD_URL", "").split(",") if url]
    reasons = []
    for url in servers:
        parts = urllib.parse.urlsplit(url)
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            socket.create_connection((parts.hostname, port), timeout=10).close()
            return
        except OSError as reason:
            reasons.append(f"{url} cannot be reached from {socket.gethostname()} ({reason})")
    if reasons:
        fail("reward", "; ".join(reasons))


def digest(path):
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(PART):
            total.update(part)
    return total.hexdigest()


def ask(method, url, body, headers):
    """One request; a file is streamed."""
    parts = urllib.parse.urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.netloc, timeout=300)
    try:
        connection.request(method, parts.path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def send(url, folder, files):
    """Sends files until the other side says that it has all of them, however long it is away."""
    wait = 1
    while True:
        try:
            manifest = json.dumps({"files": files}).encode()
            status, answer = ask("POST", f"{url}/files", manifest, {"Content-Type": "application/json"})
            if status != 200:
                raise OSError(f"HTTP {status}: {answer[:200]!r}")
            missing = json.loads(answer)["missing"]
            if not missing:
                return
            for name in missing:
                path = os.path.join(folder, name)
                size = {"Content-Length": str(os.path.getsize(path))}
                with open(path, "rb") as file:
                    status, answer = ask("PUT", f"{url}/files/{urllib.parse.quote(name)}", file, size)
                if status != 200:
                    raise OSError(f"{name}: HTTP {status}: {answer[:200]!r}")
                wait = 1
        except (OSError, http.client.HTTPException, ValueError) as reason:
            print(f"the checkpoint cannot be sent ({reason}); trying again in {wait} s", flush=True)
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)


def hand_back():
    folder = os.path.abspath(os.environ["OUTPUT"])
    left = os.path.abspath(os.environ.get("TINYSTAR_LEFT_IN", folder))
    if os.path.exists(os.path.join(left, "config.json")) and os.path.realpath(left) != os.path.realpath(folder):
        shutil.copytree(left, folder, dirs_exist_ok=True)
    if not os.path.exists(os.path.join(folder, "config.json")):
        fail("output", f"there is no config.json in {folder}")
    names = sorted(
        name
        for name in os.listdir(folder)
        if re.search(r"\.(safetensors|json|jinja)$|^merges\.txt$", name) and not name.startswith(".")
    )
    places = [(name, os.path.join(folder, name)) for name in names]
    files = [{"name": name, "bytes": os.path.getsize(path), "sha256": digest(path)} for name, path in places]
    tell("output", folder=folder, host=socket.gethostname(), files=files)
    if upload := os.environ.get("TINYSTAR_UPLOAD"):
        send(upload, folder, files)


def main():
    check_versions()
    check_rewards()
    output = os.environ["OUTPUT"] = os.path.abspath(os.environ["OUTPUT"])
    try:
        os.makedirs(output, exist_ok=True)
    except OSError as reason:
        fail("output", f"{output} cannot be made on {socket.gethostname()} ({reason})")
    code = subprocess.call(sys.argv[1:])
    if code != 0:
        sys.exit(code if code > 0 else 1)
    hand_back()


if __name__ == "__main__":
    main()
