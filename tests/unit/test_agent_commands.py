"""Commands of git and gitslices that reach other slices without naming one of their files."""

import pytest

from gitslices.agents.shell.writes import find_writes
from gitslices.core.model import BranchName, SliceId
from gitslices.rules.agent_commands import Command, Shared, find_command_denials

SHARED = Shared(
    goal_id="g",
    slice_id=SliceId("api"),
    branch=BranchName("slices/g/api"),
    owners={
        BranchName("slices/g/api"): "the branch of slice api",
        BranchName("slices/g/web"): "the branch of slice web",
        BranchName("main"): "the branch that slices are merged into",
    },
    worktrees={"/srv/w/g--api": "this slice's own worktree", "/srv/w/g--web": "slice web's"},
)


def ask(text: str) -> list[str]:
    calls = find_writes(text, "/srv/w/g--api", {}).calls
    commands = [
        Command(program=one.program, words=one.words, folder=one.folder,
                settings=one.settings, plain=one.plain)
        for one in calls
    ]  # fmt: skip
    return [denial.reason for denial in find_command_denials(SHARED, commands)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("git stash", "share one stash"),
        ("git stash pop", "share one stash"),
        ("git stash -u", "share one stash"),
        ("cd src && git stash push -m x", "share one stash"),
        ("git worktree remove --force ../g--web", "it is slice web's"),
        ("git worktree remove g--web", "it is slice web's"),
        ("git worktree move ../g--web /tmp/x", "it is slice web's"),
        ("git worktree unlock .", "this slice's own worktree"),
        ("git worktree prune", "worktrees of all slices"),
        ("for w in ../*; do git worktree remove $w; done", "write it out"),
        ("git branch -D slices/g/web", "the branch of slice web"),
        ("git branch --move slices/g/web other", "the branch of slice web"),
        ("git branch -m slices/g/api mine", "this slice's own branch"),
        ("git branch -f main HEAD", "merged into"),
        ("git checkout -B main", "merged into"),
        ("git switch -C slices/g/web", "the branch of slice web"),
        ("git update-ref refs/heads/main HEAD", "merged into"),
        ("git update-ref --stdin < changes", "nobody can tell"),
        ("git push origin HEAD:main", "merged into"),
        ("git push origin +slices/g/api:refs/heads/slices/g/web", "the branch of slice web"),
        ("git push --mirror origin", "all slices"),
        ("git config core.hooksPath /dev/null", "decides for all worktrees"),
        ("git config set core.bare true", "decides for all worktrees"),
        ("git -c core.hooksPath=/dev/null commit -m x", "decides for all worktrees"),
        ("git gc --prune=now", "deletes objects"),
        ("gitslices agent uninstall claude", "for the user to do"),
        ("git slices hook uninstall", "for the user to do"),
        ("gitslices scope allow Makefile --reason x", "for the user to do"),
        ("gitslices scope grant api", "for the user to do"),
        ("gitslices scope grant", "for the user to do"),
        ("cd ../g--web && gitslices scope grant web", "for the user to do"),
        ("gitslices -C /srv/main scope grant web", "for the user to do"),
        ("gitslices remove web --force", "for the user to do"),
        ("gitslices release web --force", "for the user to do"),
        ("sh -c 'git stash drop'", "share one stash"),
    ],
)
def test_what_reaches_others_is_refused_with_the_reason(text: str, reason: str) -> None:
    reasons = ask(text)
    assert len(reasons) == 1
    assert reason in reasons[0]


@pytest.mark.parametrize(
    "text",
    [
        "git stash list",
        "git stash show -p",
        "git commit -am 'Add a route'",
        "git add -A && git commit -m x && git push",
        "git push -u origin HEAD",
        "git push origin slices/g/api",
        "git branch --list",
        "git branch scratch",
        "git branch -D scratch",
        "git switch -c scratch",
        "git checkout -b try",
        "git checkout -- src/api/a.py",
        "git reset --hard HEAD~1",
        "git merge main",
        "git rebase main",
        "git config user.name Worker",
        "git -c user.name=Worker commit -m x",
        "git worktree list",
        "git gc",
        "gitslices status",
        "gitslices scope request Makefile --reason x",
        "gitslices scope grant web Makefile",
        "gitslices done api --token 7",
        "gitslices release api --token 7",
        "gitslices check --json",
    ],
)
def test_everyday_commands_pass(text: str) -> None:
    assert ask(text) == []
