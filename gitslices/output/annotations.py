"""What a check has found, for programs that show it beside the files."""

from typing import Final
from urllib.parse import quote

import msgspec

from gitslices import __version__
from gitslices.core.naming import show_path
from gitslices.ops.check import CheckReport

_RULE: Final = "outside-write-scope"
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def format_github(report: CheckReport) -> str:
    """Workflow commands of GitHub's, one an error: they show at the file in the pull request."""
    lines = []
    for one in report.slices:
        title = _escape_property(f"outside the write scope of {one.slice_id}")
        for found in one.violations:
            path = _escape_property(show_path(found.path))
            words = _escape_data(_describe(one.slice_id, found.path, found.reason))
            lines.append(f"::error file={path},title={title}::{words}\n")
        if one.problem is not msgspec.UNSET:
            lines.append(f"::error title={title}::{_escape_data(one.problem)}\n")
    return "".join(lines)


def _describe(slice_id: str, path: str, reason: str) -> str:
    return f"slice {slice_id} may not change {show_path(path)}: {reason}"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


def format_sarif(report: CheckReport) -> str:
    """The same as a log of static analysis, SARIF 2.1.0."""
    results = [
        {
            "ruleId": _RULE,
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": _describe(one.slice_id, found.path, found.reason)},
            "locations": [_locate(found.path)],
            "partialFingerprints": {
                "slice": f"{one.goal_id}/{one.slice_id}",
                "path": f"{one.slice_id}: {show_path(found.path)}",
            },
        }
        for one in report.slices
        for found in one.violations
    ]
    rule = {
        "id": _RULE,
        "shortDescription": {"text": "A change outside the slice's write scope"},
        "defaultConfiguration": {"level": "error"},
    }
    driver = {"name": "gitslices", "version": __version__, "rules": [rule]}
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return msgspec.json.format(msgspec.json.encode(log)).decode() + "\n"


def _locate(path: str) -> dict[str, object]:
    # A name in git may have bytes that no text has; a URI takes them all.
    uri = quote(path.encode("utf-8", "surrogateescape"))
    artifact = {"uri": uri, "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}}}
