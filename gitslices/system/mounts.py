"""What is mounted where, as Linux tells it; elsewhere nothing is known of mounts."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

_LIST: Final = Path("/proc/self/mountinfo")
# Of an entry of the list: where it is mounted, and how many fields come before the optional ones.
_POINT, _FIXED = 4, 6
# They are shared by machines, or their locks and mappings are not the kernel's own.
_NETWORK: Final = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "gfs2", "glusterfs", "gpfs",
    "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf",
    "virtiofs", "vmhgfs",
})  # fmt: skip


class Mount(Struct, frozen=True):
    """A file system of the type `kind`, to be found at `point`."""

    point: str
    kind: str

    @property
    def is_network(self) -> bool:
        """Whether other machines may write to it, too; `fuse.sshfs` and its like among them."""
        return self.kind in _NETWORK or self.kind.startswith("fuse.")


def read_mounts() -> tuple[Mount, ...]:
    """Everything that is mounted, later ones over earlier ones; none where that is not told."""
    try:
        return tuple(parse_mounts(_LIST.read_bytes()))
    except OSError:
        return ()


def parse_mounts(listing: bytes) -> Iterator[Mount]:
    """The entries of a `mountinfo` file (proc(5)); what is no entry is passed over."""
    for line in listing.decode("utf-8", "surrogateescape").split("\n"):
        # The optional fields vary in number: only the dash tells where they end and the type
        # begins.
        before, found, after = line.partition(" - ")
        fields, kind = before.split(" "), after.partition(" ")[0]
        if found and len(fields) >= _FIXED:
            yield Mount(_unescape(fields[_POINT]), kind)


def find_mount(path: Path) -> Mount | None:
    """The file system that holds `path`; None where that is not told."""
    real, found = os.path.realpath(path), None
    # The longest point wins; of two at the same one the later, which is mounted over the other.
    for mount in read_mounts():
        if is_beneath(real, mount.point) and (
            found is None or len(mount.point) >= len(found.point)
        ):
            found = mount
    return found


def find_mounts_beneath(folder: Path) -> tuple[str, ...]:
    """What is mounted somewhere inside `folder`, or on it."""
    real = os.path.realpath(folder)
    return tuple(one.point for one in read_mounts() if is_beneath(one.point, real))


def is_beneath(path: str, folder: str) -> bool:
    """Whether `path`, both absolute, is `folder` or in it."""
    # Without the strip nothing would be beneath `/`, which ends in a slash itself.
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _unescape(text: str) -> str:
    """The list has blanks, tabs, line breaks and backslashes as three octal digits."""
    # The backslash comes last: put back first, it would make escapes of what was none.
    for code in ("\\040", "\\011", "\\012", "\\134"):
        text = text.replace(code, chr(int(code[1:], 8)))
    return text
