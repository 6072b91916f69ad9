"""Which forge a remote is on: by the settings, else by the name of its host."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.forge.gitea import Gitea
from gitslices.forge.github import GitHub
from gitslices.forge.gitlab import GitLab
from gitslices.forge.pull_request import Forge
from gitslices.system.settings_tables import ForgeName

_SCP: Final = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^/:\s]+):(?P<path>[^\s]+)")
_URL: Final = re.compile(
    r"(?P<scheme>https?|ssh|git|git\+ssh)://(?:[^@/\s]*@)?(?P<host>[^/:\s]+)(?P<port>:\d+)?"
    r"/(?P<path>\S+)"
)
_HOSTS: Final[Mapping[str, ForgeName]] = {
    "github": "github", "gitlab": "gitlab",
    "gitea": "gitea", "forgejo": "gitea", "codeberg": "gitea",
}  # fmt: skip


class ForgePlace(Struct, frozen=True, kw_only=True):
    """Where a repository is on the web: `host`, with its port, and `path`, `owner/name`."""

    host: str
    path: str


def read_place(url: str) -> ForgePlace | None:
    """The place that the address of a remote tells of; None for a folder of this machine."""
    found = _URL.fullmatch(url) or (None if "://" in url else _SCP.fullmatch(url))
    if found is None:
        return None
    # Only on the web: the port of ssh is another one.
    port = found.groupdict().get("port") if url.startswith("http") else None
    path = found["path"].strip("/").removesuffix(".git").strip("/")
    return ForgePlace(host=found["host"] + (port or ""), path=path) if "/" in path else None


def find_forge(
    addresses: Sequence[str], wanted: ForgeName | None, environ: Mapping[str, str], cwd: Path
) -> Forge | None:
    """The forge of the remote at `addresses`; None where nobody can tell which, or none is."""
    place = next(filter(None, map(read_place, addresses)), None)
    if place is None or wanted == "none":
        return None
    host = place.host.lower()
    by_name = (kind for word, kind in _HOSTS.items() if word in host)
    kind: ForgeName | None = wanted or next(by_name, None)
    if kind == "github":
        return GitHub(place.host, place.path, environ, cwd)
    if kind == "gitlab":
        return GitLab(place.host, place.path, environ, cwd)
    return Gitea(place.path, environ, cwd) if kind == "gitea" else None
