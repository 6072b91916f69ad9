"""Plans to draw: small, wide, worst, random; and how a picture of one is read."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

from hypothesis import strategies as st
from msgspec.json import decode

from gitslices.core.model import (
    Base,
    BranchName,
    Oid,
    Plan,
    RepoPath,
    Serialization,
    Slice,
    SliceId,
    TaskId,
)
from gitslices.output.pictures.dot import format_dot
from gitslices.output.pictures.html import format_html
from gitslices.output.pictures.mermaid import format_mermaid
from gitslices.output.pictures.svg import format_svg
from tests.support.golden import GOLDEN

SVG = "{http://www.w3.org/2000/svg}"
TITLE = f"{SVG}title"
FORMATS = {"mmd": format_mermaid, "dot": format_dot, "svg": format_svg, "html": format_html}
Format = Callable[[Plan], str]

HOSTILE = (
    "</script><script>alert(1)</script>",
    "</title></style><svg onload=alert(1)>",
    "<!-- --> <![CDATA[ ]]> -- ;",
    "\"quoted\" 'twice' `thrice`",
    "line\nbreak\r\u2028\t",
    "#quot; &quot; &#60;b&#62; &amp;",
    "\\N \\G \\n trailing\\",
    '%%{init: {"securityLevel": "loose"}}%%',
    'click s0 "javascript:alert(1)"',
    "style a:#35; classDef b:",
    "1. list - item **bold** _x_ $$x^2$$ fa:fa-ban ﬂ°°60¶ß :::critical",
    "end",
    "\u202egnp.exe \u200b\x1b[31m\x00\ufffe\uffff",
    "bytes \udc80\udcff",
    '"]; s0 -> s0 [URL="https://example.org',
    "日本語のとても長いタイトル" * 4,
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)).map(lambda text: text or "x")


def read_golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def load_small_plan() -> Plan:
    return decode((GOLDEN / "picture-small.json").read_bytes(), type=Plan)


def make_slice(
    index: int, wave: int, needs: Sequence[int], text: Callable[[int], str] = str
) -> Slice:
    name = SliceId(f"{text(index)} {index}")
    return Slice(
        slice_id=name,
        task_id=TaskId(name),
        title=text(index + 1),
        owner_role=text(index + 2),
        read_scope=(text(index + 3),),
        write_scope=(text(index + 4),),
        read_files=1,
        write_files=2,
        dependencies=tuple(SliceId(f"{text(need)} {need}") for need in needs),
        wave=wave,
        estimate=1,
        branch_name=BranchName(f"slices/{index}"),
        worktree_name=f"goal--{index}",
        worktree_path=f"/srv/{index}",
        risk=text(index + 5),
        gates=("acceptance_criteria",),
        review_needs=("code_review",),
    )


def make_plan(needs: Sequence[Sequence[int]], text: Callable[[int], str] = str) -> Plan:
    """A plan whose slice `i` waits for the earlier slices `needs[i]`, every other edge forced."""
    waves: list[int] = []
    for before in needs:
        waves.append(1 + max((waves[each] for each in before), default=-1))
    slices = [make_slice(i, waves[i], before, text) for i, before in enumerate(needs)]
    columns = defaultdict(list)
    for each in slices:
        columns[each.wave].append(each.slice_id)
    chain = [slices[-1].slice_id] if slices else []
    while chain and (more := {s.slice_id: s for s in slices}[chain[-1]].dependencies):
        chain.append(more[0])
    return Plan(
        goal_id=text(0),
        graph_digest="sha256:00",
        base=Base(ref=text(1), commit=Oid("0" * 40)),
        target=BranchName("main"),
        order="critical-path",
        unborn="anchored",
        slices=tuple(slices),
        overlap_serializations=tuple(
            Serialization(
                blocked_slice_id=each.slice_id,
                serializes_after=before,
                kind=("write_write", "write_read", "read_write")[i % 3],
                path=RepoPath(text(i)),
                exists=bool(i % 2),
            )
            for each in slices
            for i, before in enumerate(each.dependencies)
            if i % 2 == 0
        ),
        shared_overlaps=(),
        open_overlaps=0,
        skipped=(),
        waves=tuple(tuple(columns[wave]) for wave in sorted(columns)),
        critical_path=tuple(reversed(chain)),
        critical_path_cost=len(chain),
        bottlenecks=(),
        warnings=(text(2),),
    )


def make_wide_plan(size: int) -> Plan:
    """A plan of `size` slices in a few dozen waves, with short and long edges."""
    span = max(2, size // 20)
    needs = [
        sorted({i - 1 - (i * 7) % span, i - 1 - (i * 13) % (2 * span)} - set(range(-2 * span, 0)))
        if i % 3
        else []
        for i in range(size)
    ]
    return make_plan(needs, lambda index: f"part-{index}")


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(0, 24))
    return [
        sorted(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else [] for i in range(size)
    ]


WORST = make_plan(
    [[i - 1] if i else [] for i in range(len(HOSTILE))], lambda i: HOSTILE[i % len(HOSTILE)]
)


@st.composite
def hostile_plans(draw: st.DrawFn) -> Plan:
    pool = draw(st.lists(texts, min_size=1, max_size=8))
    needs = draw(graphs().filter(lambda needs: len(needs) < 8))
    return make_plan(needs, lambda index: pool[index % len(pool)])


def read_svg(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawn)  # noqa: S314 (drawn by the code under test)
