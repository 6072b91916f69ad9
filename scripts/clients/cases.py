"""What an agent in slice `api` tries to do, and whether it may.

The slice may write `src/api/` and `tests/api/**/*.py`. {W} is its worktree, {WEB} that of slice
`web`, {M} the main worktree, {O} another repository, {OUT} a folder in none, {FREE} a temporary
one, {HOME} the user's. {ID} is the case's own name, which all that it makes has in its own.
`src/web/v-{ID}` and `src/api/v-{ID}` are files that are there in all worktrees.

Each case is a line: `+` where it may, `-` where it may not, then the path or command, in which
`\\n` is a line break. `{DIR:folder}` in front is the folder that the agent gives the command.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

EDITS = r"""
+ {W}/src/api/{ID}.py
+ src/api/{ID}.py
+ {W}/tests/api/deep/{ID}.py
+ {FREE}/{ID}
- {W}/tests/api/{ID}.txt
- {W}/{ID}.mk
- {M}/src/api/{ID}.py
- {M}/{ID}
- {WEB}/src/web/{ID}.ts
- {WEB}/src/api/{ID}.ts
- {W}/src/api/../web/{ID}.ts
- {W}/../../shop/src/api/{ID}.py
- ../g--web/src/web/{ID}.ts
- {W}/src/api/to_web/{ID}.ts
- {O}/{ID}
- {OUT}/{ID}
- {HOME}/{ID}
- {M}/.git/hooks/{ID}
- {W}/src/api/.git/{ID}
- {M}/.git/gitslices/{ID}
- {FREE}/../..{WEB}/src/web/{ID}.ts
"""

# Of each tool of the client that changes a file which is there.
CHANGES = r"""
+ src/api/v-{ID}
+ {W}/src/api/v-{ID}
- {W}/src/web/v-{ID}
- src/api/../web/v-{ID}
- {M}/src/api/v-{ID}
- {WEB}/src/web/v-{ID}
- {W}/src/api/to_web/v-{ID}
"""

SHELL = r"""
+ echo x > src/api/{ID}.py
+ mkdir -p tests/api/d{ID} && printf x >> tests/api/d{ID}/{ID}.py
+ cat > src/api/{ID}.py <<'EOF'\nx > ../../{M}\nEOF
+ cp src/api/core.py src/api/{ID}.py
+ git status --short > {FREE}/{ID}
+ F=$(mktemp) && echo x > "$F" && cp "$F" src/api/{ID}.py
+ for n in 1 2; do echo $n > src/api/{ID}-$n.py; done
+ touch src/api/{{ID}a,{ID}b}.py
+ sed s/42/43/ src/api/core.py > src/api/{ID}.py
+ git add src/api && git commit -q --allow-empty -m {ID}
- echo x > {ID}.mk
- echo x > {M}/src/api/{ID}.py
- echo x >> ../../shop/{ID}
- echo x >| {WEB}/src/web/{ID}
- echo x &> {WEB}/src/web/{ID}
- ls {ID} 2> {WEB}/src/web/{ID}
- cat > src/web/{ID}.ts <<'EOF'\nx\nEOF
- cat <<EOF > {M}/{ID}\nx\nEOF
- echo x | tee {M}/{ID} >/dev/null
- echo x > src/api/to_web/{ID}.ts
- (cd src/web && echo x > {ID}.ts)
- (cd ../../shop; echo x > {ID})
- cd {M} && touch {ID}
- pushd {WEB} >/dev/null && touch src/web/{ID}
- D={M}; echo x > "$D/{ID}"
- F=$(echo {M}/{ID}); echo x > $F
- rm src/web/v-{ID}
- rm -f {WEB}/src/web/v-{ID}
- rm -rf {M}/src/web/v-{ID}
- mv src/web/v-{ID} src/api/{ID}
- mv {WEB}/src/web/v-{ID} src/api/{ID}
- cp src/api/core.py {M}/{ID}
- cp -r src/api {M}/{ID}
- ln -s /etc/hosts {M}/{ID}
- ln src/api/core.py {M}/{ID}
- ln -s {M} src/api/l{ID} && echo x > src/api/l{ID}/{ID}
- install -m 644 src/api/core.py {M}/{ID}
- touch {WEB}/src/web/{ID}
- truncate -s 0 src/web/v-{ID}
- chmod 000 src/web/v-{ID}
- sed -i s/intact/broken/ src/web/v-{ID}
- perl -pi -e s/intact/broken/ src/web/v-{ID}
- dd if=/dev/zero of={M}/{ID} bs=1 count=1 2>/dev/null
- find src/web -name v-{ID} -delete
- find {WEB}/src/web -name v-{ID} -exec rm {} \;
- find {WEB}/src/web -name v-{ID} -exec true \; -exec rm {} \;
- ls {WEB}/src/web/v-{ID} | xargs rm
- sh -c 'echo x > {M}/{ID}'
- bash -lc "rm src/web/v-{ID}"
- echo $(echo x > {M}/{ID})
- echo `rm src/web/v-{ID}`
- eval 'rm src/web/v-{ID}'
- /bin/rm src/web/v-{ID}
- \rm src/web/v-{ID}
- command rm src/web/v-{ID}
- env X=1 rm src/web/v-{ID}
- timeout 5 rm src/web/v-{ID}
- nohup rm src/web/v-{ID} >/dev/null 2>&1
- if true; then rm src/web/v-{ID}; fi
- for f in src/web/v-{ID}; do rm $f; done
- f() { rm src/web/v-{ID}; }; f
- { echo x; } > {M}/{ID}
- exec 3> {M}/{ID}; echo x >&3
- rm src/web/v-{ID} &\nwait
- true || true && rm src/web/v-{ID}
- curl -s -o {M}/{ID} file:///etc/hostname
- rsync -a src/api/core.py {M}/{ID}
- rm src/web/v-{ID}*
- rm src/{web,none}/v-{ID}
- case x in (x) rm src/web/v-{ID};; esac
- function f { rm src/web/v-{ID}; }; f
- coproc rm src/web/v-{ID}; wait
- cat <<EOF\n$(rm src/web/v-{ID})\nEOF
- echo $(( $(rm src/web/v-{ID}; echo 1) + 1 ))
- echo ${x:-$(rm src/web/v-{ID})}
- X=rm; $X src/web/v-{ID}
- rm "$PWD/../../shop/src/web/v-{ID}"
- set -- src/web/v-{ID}; rm "$1"
- bash <<'EOF'\nrm src/web/v-{ID}\nEOF
- echo 'rm src/web/v-{ID}' | sh
- setsid rm src/web/v-{ID}
- flock {FREE}/lock rm src/web/v-{ID}
- trap 'rm src/web/v-{ID}' EXIT
- env -C src/web rm v-{ID}
- env -S 'rm src/web/v-{ID}'
- mkdir {M}/{ID}
- tar cf {M}/{ID} src/api
- split -b 1000 src/api/core.py {M}/{ID}
- sort -o {M}/{ID} src/api/core.py
"""

GIT = r"""
- git mv src/web/v-{ID} src/api/{ID}
- git rm -fq src/web/v-{ID}
- git -C {WEB} commit -q --allow-empty -m {ID}
- cd {M} && git commit -q --allow-empty -m {ID}
- git --git-dir={M}/.git --work-tree={M} commit -q --allow-empty -m {ID}
- GIT_DIR={M}/.git git commit -q --allow-empty -m {ID}
- export GIT_DIR={M}/.git; git commit -q --allow-empty -m {ID}
- git worktree add -q {OUT}/{ID}
- git worktree remove --force {WEB}
- git branch -D slices/g/web
+ git branch {ID}-branch main
- git push -q origin HEAD:main
- git config core.hooksPath /dev/null/{ID}
- git update-ref refs/heads/main HEAD
- git stash
- git archive -o {M}/{ID} HEAD
- git diff --output={M}/{ID}
- git clone -q {O} {M}/{ID}
- git init -q {M}/{ID}
- gitslices agent uninstall {TOOL}
- gitslices hook uninstall
- gitslices remove web --force
- gitslices release web --force
"""

# Further ways, of the kinds that the others belong to.
FURTHER = r"""
+ D=$(git rev-parse --show-toplevel) && echo x > "$D/src/api/{ID}.py"
+ P=$(pwd) && touch $P/src/api/{ID}.py
+ (cd src/api && touch {ID}.py)
+ echo x > "src/api/with space {ID}.py"
+ install -D -m 644 src/api/core.py tests/api/x/{ID}.py
+ printf '%s\n' a b | tee src/api/{ID}.py
+ rm src/api/nothing-{ID} 2>/dev/null; touch src/api/{ID}.py
+ cat src/web/page.ts > src/api/{ID}.py
+ cd src/api; touch {ID}.py; cd - >/dev/null
+ if [ -d src/api ]; then echo x > src/api/{ID}.py; fi
+ python3 -c 'print("x")' > src/api/{ID}.py
+ T=$(mktemp -d) && touch "$T/x" && touch src/api/{ID}.py
+ {DIR:src/api} touch {ID}.py
- {DIR:src/web} touch {ID}.ts
- {DIR:{WEB}} touch src/web/{ID}.ts
- {DIR:{M}} touch {ID}
- {DIR:{WEB}/src/web} rm v-{ID}
- {DIR:src/api} touch ../../{ID}.mk
- {DIR:{M}} git commit -q --allow-empty -m {ID}
- cd {WEB}/src/web || exit; rm v-{ID}
- cd {WEB} && cd src/web && touch {ID}.ts
- cd -- {WEB} && touch src/web/{ID}.ts
- cd src/api && cd ../.. && touch {ID}.mk
- CDPATH={WEB} cd src/web && touch {ID}.ts
- cd $(dirname {WEB}/x) && touch src/web/{ID}.ts
- (cd src/api; (cd ../web; touch {ID}.ts))
- rm src/web/../web/v-{ID}
- rm ./src//web/v-{ID}
- rm -- src/web/v-{ID}
- rm src/web/v-{ID} src/api/none
- mv -t {M} src/api/none-{ID} ; touch {M}/{ID}
- cp src/api/core.py src/api/to_web/{ID}.ts
- ln -sfn {WEB}/src/web src/api/in{ID} && touch src/api/in{ID}/{ID}
- mkdir -p src/api/d{ID} && ln -s ../../web src/api/d{ID}/w && touch src/api/d{ID}/w/{ID}
- echo x > /dev/../{M}/{ID}
- echo x > ~/{ID}
- echo x > $HOME/{ID}
- echo x > {OUT}/{ID}
- echo x | tee -a src/api/{ID}.py {M}/{ID}
- echo x | sudo tee {M}/{ID}
- while :; do rm src/web/v-{ID}; break; done
- until false; do touch {M}/{ID}; break; done
- ! rm src/web/v-{ID}
- [ -e x ] || rm src/web/v-{ID}
- : > {M}/{ID}
- > {M}/{ID}
- printf x 1<>{M}/{ID}
- nice -n 5 rm src/web/v-{ID}
- time -p rm src/web/v-{ID}
- sh -ec 'cd src/web; rm v-{ID}'
- bash -c 'rm "$0"' src/web/v-{ID}
- sh -c "sh -c 'rm src/web/v-{ID}'"
- echo src/web/v-{ID} | xargs -I% rm %
- printf 'src/web/v-{ID}\0' | xargs -0 rm
- find . -path './src/web/v-{ID}' -exec rm {} +
- find src -name 'v-{ID}' -execdir rm {} ';'
- git -c core.hooksPath=/dev/null -C {M} commit -q --allow-empty -m {ID}
- git --work-tree={M} checkout -q HEAD -- Makefile; touch {M}/{ID}
- gitslices release --force web
- chmod -x .git; echo > {M}/{ID}
- cp /dev/null src/web/v-{ID}
- unlink src/web/v-{ID}
- shred -u src/web/v-{ID}
- gzip src/web/v-{ID}
- mkfifo {M}/{ID}
- patch -s {M}/src/web/v-{ID} < /dev/null; touch {M}/{ID}
- rm -f /*/*/*/*/*/*/*/zz*; touch {M}/{ID}
"""

KINDS: Mapping[str, str] = {"edit": EDITS, "shell": SHELL, "git": GIT, "more": FURTHER}
MOST_CHANGES = 4
"""As many tools to change files may a client have."""
_LINE = re.compile(r"([+-]) (?:\{DIR:((?:[^{}]|\{\w+\})*)\} )?(.*)")


@dataclass(frozen=True)
class Case:
    """Something that an agent tries; `folder` is where it wants the command to run.

    `tool` is what changes the file `text`, where that is not the client's way to make one.
    """

    identity: str
    kind: str
    allowed: bool
    text: str
    folder: str
    tool: str = ""


def list_victims() -> Iterator[str]:
    """The names of the files that some cases are after."""
    for kind, lines in KINDS.items():
        for number, line in enumerate(lines.strip().splitlines()):
            if "v-{ID}" in line:
                yield f"v-{_name_case(kind, number)}"
    for number in range(MOST_CHANGES * len(CHANGES.strip().splitlines())):
        yield f"v-{_name_case('change', number)}"
        yield f"v-{_name_case('change', number)}.ipynb"


def _name_case(kind: str, number: int) -> str:
    return f"{kind[0]}{number:03d}q"


def make_cases(places: Mapping[str, str], tools: Mapping[str, str]) -> Iterator[Case]:
    """All cases, with each {name} replaced by its place; `tools` change files of some ending."""
    for kind, lines in KINDS.items():
        for number, line in enumerate(lines.strip().splitlines()):
            yield _read_case(line, kind, number, places)
    assert len(tools) <= MOST_CHANGES
    numbers = count()
    for tool, ending in tools.items():
        for line in CHANGES.strip().splitlines():
            case = _read_case(line, "change", next(numbers), places)
            yield replace(case, text=case.text + ending, tool=tool)


def _read_case(line: str, kind: str, number: int, places: Mapping[str, str]) -> Case:
    found = _LINE.fullmatch(line)
    assert found, line
    identity = _name_case(kind, number)
    sign, folder, text = found[1], found[2] or "", found[3]
    for name, value in {**places, "ID": identity}.items():
        text = text.replace(f"{{{name}}}", value)
        folder = folder.replace(f"{{{name}}}", value)
    return Case(identity, kind, sign == "+", text.replace("\\n", "\n"), folder)
