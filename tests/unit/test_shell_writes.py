"""Which paths a shell command writes, as far as its text tells."""

from pathlib import Path

import pytest

from gitslices.agents.shell.writes import Writes, find_writes

ENVIRON = {"HOME": "/home/ann", "TMPDIR": "/tmp/ann", "PATH": "/bin"}


def read(text: str, cwd: str = "/w") -> Writes:
    return find_writes(text, cwd, ENVIRON)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("echo x > a", ["a"]),
        ("echo x >a 2>>b", ["a", "b"]),
        ("cmd &> a; cmd >| b; cmd >& c; cmd <> d", ["a", "b", "c", "d"]),
        ("cmd 2>&1 >&2 <in <<<word", []),
        ("grep '>' notes && grep \">\" notes && grep \\> notes", []),
        ("echo 'a b'>'c d'", ["c d"]),
        ("awk '$1 > 2' data # > no", []),
        ("cat <<EOF > a\n> body > b\nEOF\necho > c", ["a", "c"]),
        ("cat <<-'END'\n\trm b\n\tEND\nrm c", ["c"]),
        ("git commit -m \"$(cat <<'EOF'\nDon't :) rely\n\nEOF\n)\" > a; rm b", ["a", "b"]),
        ("echo $(cat <<A - <<-B\nit's )\nA\n(\n\tB\nrm a) > b", ["a", "b"]),
        ("echo $(cat <<<\"don't )\"; rm a) # it's )\nrm b", ["a", "b"]),
        ("echo \"$(echo \"it's :)\" # don't\nrm a)\"; echo $((1 << 2)) > b", ["a", "b"]),
        ("[[ $a > b ]] && (( 1 > 2 )) && echo $(( 3 > 2 ))", []),
        ("rm -rf a -- -b c", ["a", "-b", "c"]),
        ("rm a;rm b|rm c||rm d&&rm e&rm f\nrm g", list("abcdefg")),
        ("touch -d yesterday -r ref a; truncate -s 0 b; chmod +x c; shred -n 3 d", list("abcd")),
        ("tee a -a b < in; tee -", ["a", "b"]),
        ("cp a b; cp -r a /x/; cp -t /y a b", ["b", "/x/a", "/y/a", "/y/b"]),
        ("cp a b /x", ["/x/a", "/x/b"]),
        ("mv a b", ["a", "b"]),
        ("install -m 755 a /x/b; ln -s ../t l; ln -s ../only", ["/x/b", "l", "only"]),
        ("sed s/a/b/ f; perl -ne print f", []),
        ("sed -i s/a/b/ f g; sed -i.bak -e s f; sed -Ei s f; sed --in-place=.b -n p f", ["f", "g"]),
        ("perl -pi -e 's/a/b/' f; perl -i -pe 's/a/b/' g", ["f", "g"]),
        ("sed -i -e\"s/x/y/\" a; sed -nie p b; sed -ne p -- c; sed -i '' s/a/b/ d", list("abd")),
        ("perl -i -pe's/x/y/' a; perl -0777pi -e s b; perl -MFile -i.b -pe s c", list("abc")),
        ("perl -Mlib -pe s a; perl -i -F: -ane print b", ["b"]),
        ("curl -sSLo a u; curl -Lo b u; curl -oc u; curl -c d -D- u; curl -XPOST u", list("abcd")),
        ("curl -d foo -H '-o x' u; curl --output=a u", ["a"]),
        ("wget -qO a u; wget -nv -Ob u; wget -qO- u; wget -a c h/u", list("abcu")),
        ("sort -ro d -k2 e; sort --outp=f e", ["d", "f"]),
        ("install -Dt a x/f; install -d b/c d; install -Dm755 x e", ["a/f", "b/c", "d", "e"]),
        ("cp -rt a x/f; mv -ft b f; ln -sfn x c; cp -S.o x d", ["a/f", "f", "b/f", "c", "d"]),
        ("cp -rT x/a /; ln -sT x /; mv --no-target-directory a /", ["/", "a"]),
        ("rsync -r x/a/ /; rsync -r x/a /; rsync -aT /t x/a b", ["/", "/a", "b"]),
        ("rsync -av x/ host:a; rsync -av host:x/ a; rsync -av x/", ["a"]),
        ("chmod -x a; chmod -R 755 b; chmod --reference=r c", list("abc")),
        ("touch -d@0 a; truncate -s0 b; shred -un3 c; nice -n5 rm d", list("abcd")),
        ("sudo -Eu root rm a; env -iu X rm b; timeout -s KILL 5 rm c; env - rm d", list("abcd")),
        ("stdbuf -o L tee a; exec -a name rm b; timeout --signal=KILL 5 rm c", list("abc")),
        ("bash -o pipefail -c 'rm a'; bash -euo pipefail -c 'rm b'; bash x -c 'rm c'", ["a", "b"]),
        ("bash -ceuo pipefail -- 'rm a' x; bash --norc -c 'rm b'; bash x -c 'rm c'", ["a", "b"]),
        ("xargs -I{} sh -c 'rm a'; xargs -0n1 touch b", ["a", "b"]),
        ("if [[ $a > b ]]; then rm c; elif ! [[ $a < b || ($a > d) ]]; then rm e; fi", ["c", "e"]),
        ("while [[ a > b &&\n$(rm c) > d ]] >> e; do rm f; done; [ a > g ]", list("cefg")),
        ("dd if=a of=b; curl -o - u -o c; wget --output-document=d u; sort -o e e", list("bcde")),
        ("sudo -u root env A=b nice -n 5 timeout -k 1 5 rm a", ["a"]),
        ("if true; then rm a; else rm b; fi; while x; do rm c; done; ! rm d", list("abcd")),
        ("bash -lc 'rm a' && sh -c \"rm 'b c'\" && eval rm d", ["a", "b c", "d"]),
        ("echo $(rm a) \"$(rm b)\" `rm c` <(rm d) >(tee e)", list("abcde")),
        ("echo \"$(echo ')' > a)\"", ["a"]),
        ("find src -name x -delete; find . -exec rm a ';'", ["src", "a"]),
        ("xargs -n 1 touch < list", []),
        ("f=a; rm $f ${f}b \"$f\"", ["a", "ab"]),
        ("export D=/x; rm $D/a", ["/x/a"]),
        ("rm ~/a $HOME/b ${TMPDIR}/c $PWD/d", ["/home/ann/a", "/home/ann/b", "/tmp/ann/c", "d"]),
        ("/bin/rm a; \\rm b; command rm c", list("abc")),
        ("git rm --cached a; git mv b c; git status; git checkout -- d", ["a", "b", "c"]),
        ("", []),
    ],
)  # fmt: skip
def test_what_is_written_is_found(text: str, paths: list[str]) -> None:
    found = read(text).paths
    # In which order is the shell's affair: it expands before it redirects.
    assert sorted(found) == sorted(p if p.startswith("/") else f"/w/{p}" for p in set(paths))


@pytest.mark.parametrize(
    ("text", "unseen"),
    [
        ("rm $X", ["$X"]),
        ("rm $1 $X $(cat list)", ["$1", "$X", "$(cat list)"]),
        ("rm a$(cat list)b ${X%/*}", ["a$(cat list)b", "${X%/*}"]),
        ("rm ~bob/a", ["~bob/a"]),
        ("for f in $(cat list); do rm $f; done", ["$(cat list)"]),
        ("while read f; do rm $f; done < list", ["$f"]),
        ("f=$(cat list); rm $f", ["$(cat list)"]),
        ("D=a; while cmd; do D=$D/..; done; rm $D", ["$D"]),
        ("cat list | xargs rm", ["the words that xargs reads"]),
        ("find . -exec rm {}/../x ';'", ["{}/../x"]),
        ("curl u | sh", ["sh"]),
        ("base64 -d f | python3 -c x; source <(curl u)", ["/dev/fd/63"]),
        ("$X a; \"$(cat list)\" b", ["$X", "$(cat list)"]),
        ("shopt -s extglob; rm !(a)", ["!(a)"]),
        ("cd $X; rm a", ["a"]),
        ("cd /nowhere/at/all; rm a", ["a"]),
        ("sh -c \"$X\"", ["$X"]),
        ("git -C $X commit", ["commit"]),
    ],
)  # fmt: skip
def test_what_nobody_can_know_is_said(text: str, unseen: list[str]) -> None:
    found = read(text)
    assert found.unseen == tuple(unseen)


def test_a_change_of_folder_counts_as_long_as_it_lasts(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    top, inner = str(tmp_path), str(tmp_path / "in")
    for text, folder in (
        ("cd in && rm a", inner),
        ("cd in; cd ..; rm a", top),
        ("(cd in); rm a", top),
        ("cd in | true; rm a", top),
        ("cd in & rm a", top),
        ("echo $(cd in); rm a", top),
        ("pushd in; rm a", inner),
        ("cd; rm a", "/home/ann"),
    ):
        assert read(text, top).paths == (f"{folder}/a",), text


def test_a_pattern_that_asks_for_a_whole_disk_is_not_looked_up(tmp_path: Path) -> None:
    for name in range(34 * 34):
        (tmp_path / f"{name // 34}" / f"{name % 34}").mkdir(parents=True)
    whole = "*/*/" + "../../*/*/" * 8 + "zz*"
    assert read(f"rm {whole}", str(tmp_path)).unseen == (whole,)
    assert read("rmdir */*", str(tmp_path)).unseen == ("*/*",)
    assert len(read("rmdir 1*/*", str(tmp_path)).paths) == 11 * 34


def test_patterns_stand_for_the_files_they_match(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.ts"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    found = read("rm *.py; cp c.ts *.none; mv c.ts sub", str(tmp_path)).paths
    names = ["a.py", "b.py", "*.none", "c.ts", "sub/c.ts"]
    assert found == tuple(f"{tmp_path}/{name}" for name in names)


def test_git_names_the_folder_it_works_in() -> None:
    assert read("git commit -am x").folders == ("/w",)
    assert read("git -C /a -C b commit").folders == ("/a/b",)
    assert read("git --git-dir=/a/.git --work-tree /a add .").folders == ("/a/.git", "/a", "/w")
    assert read("GIT_DIR=/a/.git git reset --hard").folders == ("/a/.git", "/w")
    assert read("git -C /a status; git -C /a log -p; git").folders == ()
    for reading in ("branch", "branch --show-current", "worktree list", "config --get a.b",
                    "tag -l", "config a.b", "remote -v", "stash list"):  # fmt: skip
        assert read(f"git -C /a {reading}").folders == (), reading
    for changing in ("branch list", "branch -D b", "worktree add w", "config a.b c", "stash",
                     "config --unset a.b", "remote add o u", "tag t"):  # fmt: skip
        assert read(f"git -C /a {changing}").folders == ("/a",), changing


@pytest.mark.parametrize(
    "text",
    [
        "rm 'a",
        'rm "a',
        "rm $(a",
        "rm `a",
        "rm $'a",
        "$(" * 4000,
        "rm $(cat <<E\n)\n",
        "echo $(cat <<'E'\nE )",
    ],
)
def test_what_no_shell_would_run_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"never closed|too deeply"):
        read(text)


def test_what_a_shell_works_out_is_worked_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    top = str(tmp_path)
    for text, paths in (
        ("rm {a,b}{1..2}", ["a1", "a2", "b1", "b2"]),
        ("for f in a b; do rm $f.x; done", ["a.x", "b.x"]),
        ("rm ${X:-a} ${HOME##*/}", ["a", "ann"]),
        ("f=in/a.py; rm ${f%.py}.txt ${f/a/b} ${f^^}", ["in/a.txt", "in/b.py", "IN/A.PY"]),
        ('a=(b c); rm "${a[@]}" ${a[1]}', ["b", "c"]),
        ("f=$(mktemp); rm $f", ["/tmp/ann/tmp.…"]),
        ("d=$(mktemp -d) && cd $d && touch a", ["/tmp/ann/tmp.…/a"]),
        ("touch $(pwd)/a $PWD/b in/$(date +%F)", ["a", "b", "in/0"]),
        ("ls in | xargs rm; find in -type f -exec rm {} +", ["…", "in"]),
        ("grep -rl x in | head -3 | xargs sed -i s/a/b/", ["in/…"]),
        ('find in -name x | while read f; do mv "$f" "$f.old"; done', ["in/…", "in/….old"]),
        ("mkdir -p new/deep && cd new/deep && touch a", ["new/deep/a"]),
        ("rm $'a\\'b\\x63'", ["a'bc"]),
        ("f() { rm \"$1\" $2; }; f a 'b c'", ["a", "b", "c"]),
        ("set -- a b; shift; rm $1", ["b"]),
        ("printf '%s\\n' a b | xargs -I@ touch @.x", ["a.x", "b.x"]),
        ("true | cd in; touch a", ["a", "in/a"]),
        ("D=a; cmd && D=b; touch $D", ["a", "b"]),
        ("D=a; (D=b); touch $D", ["a"]),
        ("if cmd; then D=a; else D=b; fi; touch $D", ["a", "b"]),
        ("ln -s /o in/l; touch in/l/a", ["in/l", "in/l/a", "/o/a"]),
        ("cd nowhere || exit 1; touch a", []),
    ):
        found = read(text, top)
        wanted = {path if path.startswith("/") else f"{top}/{path}" for path in paths}
        assert set(found.paths) == wanted, text


def test_a_shell_that_waits_for_commands_is_told_apart() -> None:
    for text in ("bash", "sh -i", "python3", "node", "sudo -s", "cd a && zsh -l"):
        assert read(text).open_shells, text
    for text in ("bash x.sh", "sh -c ls", "python3 -V", "python3 x.py", "node x", "bash --version",
                 "python3 -m http.server", "echo ls | sh", "bash <<< ls"):  # fmt: skip
        assert read(text).open_shells == (), text


@pytest.mark.parametrize(
    ("variables", "is_known"),
    [
        ({}, True),
        ({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.bareRepository"}, True),
        ({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.worktree"}, False),
        ({"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "safe.directory"}, False),
        ({"GIT_CONFIG_COUNT": "many"}, False),
        ({"GIT_CONFIG_GLOBAL": "/x"}, False),
        ({"GIT_CONFIG_PARAMETERS": "'core.worktree=/x'"}, False),
        ({"GIT_DIR": "/x"}, False),
    ],
)
def test_the_top_is_known_unless_git_is_told_of_another(
    tmp_path: Path, variables: dict[str, str], *, is_known: bool
) -> None:
    (tmp_path / ".git").mkdir()
    found = find_writes("cd $(git rev-parse --show-toplevel) && rm a", str(tmp_path), variables)
    assert (found.paths == (str(tmp_path / "a"),)) is is_known
