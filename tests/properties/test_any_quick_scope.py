"""A compiled scope says yes to no path that the scope itself does not allow."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gitslices.core.errors import ScopeError
from gitslices.quick.scope_file import allows
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import compile_scope
from gitslices.slices.scope_files import compile_matcher
from tests.support.examples import scale

FRAGMENTS = [
    *("**/", "/**", "/", "*", "?", "a", "b", "A", " ", "#", "\\*", "\\[", "[ab]", "[!a]", "[a-b]"),
    *(".", "-", "!", "src/", "[id]"),
]
ENTRIES = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=5).map("".join)
NAMES = st.text("abA.-[]!\\\n*# id", min_size=1, max_size=3)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
FOLDINGS = st.builds(Folding, ignore_case=st.booleans(), precompose_unicode=st.booleans())


@settings(max_examples=scale(500))
@given(
    st.lists(ENTRIES, min_size=1, max_size=4),
    st.lists(ENTRIES.map("!{}".format), max_size=2),
    st.lists(PATHS, min_size=1, max_size=8),
    FOLDINGS,
)
def test_a_compiled_scope_never_allows_more(
    inside: list[str], outside: list[str], paths: list[str], folding: Folding
) -> None:
    try:
        matcher = compile_scope(parse_scope([*inside, *outside]), folding)
    except ScopeError:
        return
    compiled = compile_matcher([*inside, *outside], folding)
    plain = not any(atom.directory_only for atom in matcher.excluded)
    for path in paths:
        said = allows(compiled, folding.fold(path))
        assert said <= matcher.allows(path)
        assert said <= matcher.allows(path, is_submodule=True)
        if plain:
            assert said == matcher.allows(path)
