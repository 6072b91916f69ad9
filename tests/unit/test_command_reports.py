"""What commands of a run may report, and what counts for nothing."""

import pytest

from gitslices.rules.command_reports import CommandReport, parse_report

NOW = "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("", CommandReport()),
        ("cost=0.25\ncost = 0.5\n", CommandReport(cost=0.75)),
        ("cost=-1\ncost=nan\ncost=inf\ncost=1e99\ncost=x\ncost=\n", CommandReport()),
        ("tokens=10\ntokens=5.9\n", CommandReport(tokens=15)),
        ("status=a\nstatus=waiting for b\n", CommandReport(status="waiting for b")),
        ("note=one\nnote=\nnote=two = 2", CommandReport(notes=("one", "two = 2"))),
        ("retry_after=90", CommandReport(retry_after=90)),
        ("retry_after=-5", CommandReport(retry_after=0)),
        ("retry_after=2026-01-02T03:05:05Z", CommandReport(retry_after=60)),
        ("retry_after=2026-01-02T04:04:05+01:00", CommandReport(retry_after=0)),
        ("retry_after=soon\nretry_after=nan\nretry_after=2026-01-02", CommandReport()),
        ("\ud800 odd\nfuel=3\ncost", CommandReport()),
    ],
)
def test_lines_come_to_a_report(text: str, report: CommandReport) -> None:
    assert parse_report(text, NOW) == report
