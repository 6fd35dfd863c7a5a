#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches the pinned libtorch (packaging/libtorch.lock) and unpacks it into the user's cache folder.

Interrupted downloads go on where they stopped; every file's SHA-256 is checked; what is there already is left alone.
The package index is the one pip is configured for. Prints the folder on stdout, everything else on stderr.
"""

import argparse
import hashlib
import html.parser
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile

HERE = pathlib.Path(__file__).resolve().parent


class Failure(Exception):
    pass


def read_lock(path):
    version, wheels = None, []
    for line in path.read_text().splitlines():
        if line.startswith("version="):
            version = line.split("=", 1)[1]
        elif line and not line.startswith("#"):
            when, requirement, file_name, digest = line.split()
            wheels.append((when, requirement.split("==")[0], file_name, digest))
    return version, wheels


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "paretoscope"


def has_gpu():
    return os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi") is not None


def pip_setting(name):
    value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if value:
        return value
    done = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global." + name], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def index_url():
    url = pip_setting("index-url")
    if not url:
        try:
            from pip._internal.models.index import PyPI
        except ImportError:
            raise Failure("pip is not installed, so the package index is not known (install python3-pip)")
        url = PyPI.simple_url
    return url.rstrip("/")


def tls_context():
    certificates = pip_setting("cert")
    return ssl.create_default_context(cafile=certificates or None)


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.found.append(dict(attributes).get("href", ""))


def wheel_url(index, project, file_name, tls):
    page = f"{index}/{project}/"
    accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
    with urllib.request.urlopen(urllib.request.Request(page, headers={"Accept": accept}), timeout=60, context=tls) as answer:
        text = answer.read().decode()
        kind = answer.headers.get("Content-Type", "")
        page = answer.url
    if "json" in kind:
        candidates = [entry["url"] for entry in json.loads(text)["files"]]
    else:
        links = Links()
        links.feed(text)
        candidates = links.found
    for candidate in candidates:
        url = urllib.parse.urljoin(page, candidate)
        if urllib.parse.unquote(pathlib.PurePosixPath(urllib.parse.urlparse(url).path).name) == file_name:
            return url
    raise Failure(f"the package index does not offer {file_name} (is it a mirror without {project}?)")


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
    return digest.hexdigest()


class Progress:
    """One redrawn line on a terminal, one line per 10 % elsewhere."""

    def __init__(self, name, total):
        self.name, self.total, self.shown, self.at = name, total, -1, 0.0

    def update(self, done):
        percent = done * 100 // self.total if self.total else 0
        if sys.stderr.isatty():
            if time.monotonic() - self.at > 0.2 or done == self.total:
                self.at = time.monotonic()
                print(f"\r  {self.name}: {done / 1e6:.0f} of {self.total / 1e6:.0f} MB", end="", file=sys.stderr, flush=True)
                if done == self.total:
                    print(file=sys.stderr)
        elif percent // 10 != self.shown:
            self.shown = percent // 10
            print(f"  {self.name}: {percent} % of {self.total / 1e6:.0f} MB", file=sys.stderr, flush=True)


def download(url, target, name, tls):
    part = target.with_name(target.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=60, context=tls)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: the part is complete already
            raise
        part.rename(target)
        return
    with answer, open(part, "ab" if answer.status == 206 else "wb") as file:
        if answer.status != 206:
            have = 0
        total = have + int(answer.headers.get("Content-Length", 0))
        progress = Progress(name, total)
        while chunk := answer.read(1 << 20):
            file.write(chunk)
            have += len(chunk)
            progress.update(have)
    if total and have != total:
        raise Failure(f"the download of {name} stopped at {have} of {total} bytes; run the same command to go on")
    part.rename(target)


def local_copy(file_name):
    for folder in pip_setting("find-links").split():
        candidate = pathlib.Path(folder) / file_name
        if candidate.is_file():
            return candidate
    return None


def obtain(project, file_name, digest, downloads):
    local = local_copy(file_name)
    if local and sha256_of(local) == digest:
        return local
    target = downloads / file_name
    for _ in range(2):
        if not target.exists():
            tls = tls_context()
            download(wheel_url(index_url(), project, file_name, tls), target, file_name.split("-")[0], tls)
        if sha256_of(target) == digest:
            return target
        target.unlink()  # damaged or replaced under way; once more from the beginning
    raise Failure(f"{file_name} does not have the SHA-256 of packaging/libtorch.lock; nothing was installed")


def wanted(name):
    """What building and running need: libraries, headers and licences, not the Python half."""
    if ".dist-info/" in name:
        return "licenses/" in name.lower() or name.lower().endswith(("license", "license.txt", "notice"))
    if name.startswith("nvidia/"):
        return "/lib/" in name
    if name.endswith(("libtorch_python.so", "libshm_windows")) or name.startswith("torch/include/torch/csrc/inductor"):
        return False
    return name == "torch/version.py" or name.startswith(("torch/lib/", "torch/include/"))


def unpack(wheel, root):
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.is_dir() or not wanted(entry.filename):
                continue
            target = (root / entry.filename).resolve()
            if root.resolve() not in target.parents:
                raise Failure(f"{wheel.name} holds the path {entry.filename}, which leaves its folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(target.name + ".new")
            with archive.open(entry) as source, open(temporary, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            temporary.rename(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", choices=["auto", "yes", "no"], default="auto", help="also fetch the GPU libraries")
    parser.add_argument("--cache", type=pathlib.Path, default=cache_folder(), help="cache folder (default: %(default)s)")
    options = parser.parse_args()

    version, wheels = read_lock(HERE / "libtorch.lock")
    root = options.cache / f"libtorch-{version}"
    gpu = options.gpu == "yes" or (options.gpu == "auto" and has_gpu())
    missing = []
    for when, project, file_name, digest in wheels:
        marker = root / ".installed" / file_name
        if (when == "always" or gpu) and not (marker.exists() and marker.read_text() == digest):
            missing.append((project, file_name, digest, marker))

    if missing:
        downloads = options.cache / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        print(f"libtorch {version}: {len(missing)} packages to fetch into {root}", file=sys.stderr)
    for project, file_name, digest, marker in missing:
        wheel = obtain(project, file_name, digest, downloads)
        unpack(wheel, root)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(digest)
        if wheel.parent == downloads:
            wheel.unlink()
    print(root)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"fetch-libtorch: {failure}")
    except (urllib.error.URLError, TimeoutError, ConnectionError) as failure:
        reason = getattr(failure, "reason", failure)
        sys.exit(f"fetch-libtorch: the package index cannot be reached ({reason}); connect to the network, or set LIBTORCH_ROOT "
                 "to a folder that holds the unpacked torch package, and run the same command again")
    except OSError as failure:
        sys.exit(f"fetch-libtorch: {failure}; free space or choose another folder with --cache, then run the same command again")
    except KeyboardInterrupt:
        sys.exit("fetch-libtorch: stopped; the same command goes on where it was")
