"""What could depend on the interpreter: the seed of its hashes, its threads, its memory."""

import os
import subprocess
import sys
from pathlib import Path

import gitslices
from tests.support.golden import GOLDEN
from tests.support.pictures import read_golden

PRINT_ORDERS = """
from tests.support.workloads import make_hot_workload
from gitslices.planning.ordering import order_by_critical_path
from gitslices.planning.schedule import reduce_edges

for count, workers in ((30, None), (300, None), (60, 4)):
    workload = make_hot_workload(count, 1)
    order = order_by_critical_path(workload, workers)
    print(order, reduce_edges(workload, order))
"""


def test_two_processes_find_the_same_order() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", PRINT_ORDERS],
            cwd=Path(gitslices.__file__).parents[1],
            env={"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] != b""


PRINT_PLANS = """
from random import Random
from msgspec.json import encode
from gitslices.graph.scopes import parse_scopes
from gitslices.planning.planner import make_plan
from tests.support.drawn_graphs import draw_graph, draw_tree
from tests.support.graphs import SETTINGS

random = Random(4)
for _ in range(60):
    print(encode(make_plan(parse_scopes(draw_graph(random)), draw_tree(random).tree, SETTINGS)))
"""


def test_two_processes_make_the_same_plans() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", PRINT_PLANS],
            cwd=Path(gitslices.__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] != b""


def test_pictures_do_not_depend_on_hash_order() -> None:
    script = (
        "import sys; from msgspec.json import decode; from gitslices.core.model import Plan\n"
        "from gitslices.output.pictures.svg import format_svg\n"
        "print(format_svg(decode(sys.stdin.buffer.read(), type=Plan)), end='')"
    )
    drawn = {
        subprocess.run(
            [sys.executable, "-c", script],
            input=(GOLDEN / "picture-small.json").read_bytes(),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert drawn == {read_golden("picture-small.svg").encode()}


CHAIN = """
import resource
from gitslices.planning.ordering import order_by_critical_path
from gitslices.planning.schedule import Workload, find_critical_path, find_waves, reduce_edges

count = 100_000
resource.setrlimit(resource.RLIMIT_AS, (320 << 20, 320 << 20))
workload = Workload(
    costs=(1,) * count,
    dependencies=((),) + tuple((slice_,) for slice_ in range(count - 1)),
    conflicts=(0,) * count,
)
order = order_by_critical_path(workload)
edges = reduce_edges(workload, order)
assert order == tuple(range(count)) and edges == workload.dependencies
print(find_waves(edges, order)[-1], find_critical_path(edges, workload.costs, order)[1])
"""


def test_a_chain_of_100_000_slices_needs_little_memory() -> None:
    root = Path(gitslices.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", CHAIN], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("99999 100000\n", "")


# With msgspec.json.decode in its place, this dies of a segmentation fault (msgspec 0.22).
PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import ModuleType

import msgspec

from gitslices.core.decoding import decode_json

THREADS, FIELDS = 8, range(30)
PART = "".join(f"    p{n}: 'dict[str, tuple[int, ...] | None] | None' = None\\n" for n in FIELDS)
KIND = "".join(f"    k{n}: 'tuple[Part, ...] | None' = None\\n" for n in FIELDS)
TEXT = f"class Part(msgspec.Struct):\\n{PART}class Kind(msgspec.Struct):\\n{KIND}"
sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(THREADS) as pool:
    for number in range(60):
        module = ModuleType(f"module_{number}")
        module.msgspec = msgspec
        sys.modules[module.__name__] = module
        exec(TEXT, module.__dict__)
        together = Barrier(THREADS)

        def decode(_):
            together.wait()
            return repr(decode_json(b'{"k0": [{"p0": {"a": [1]}}]}', module.Kind))

        assert len(set(pool.map(decode, range(THREADS)))) == 1
"""


def test_threads_that_decode_a_type_for_the_first_time_do_not_meet() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
