"""Types that many threads come upon at the same time."""

import subprocess
import sys

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
