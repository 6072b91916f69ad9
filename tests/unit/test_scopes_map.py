"""All slices at once: single rules on plain values."""

import pytest

from gitslices.core.model import NewPaths, Oid, Overlap, RepoPath, RepoTree
from gitslices.scopes.language.entries import Access, Scope, parse_scope
from gitslices.scopes.language.folding import Folding, fold_pattern
from gitslices.scopes.overlap.name_product import list_names, make_product
from gitslices.scopes.overlap.scope_map import ScopeMap

PATHS = ("README.md", "docs/api.md", "src/api/app.py", "src/api/x.md", "src/web.ts", "vendor/lib")


def make_tree(*paths: str, **more: object) -> RepoTree:
    tracked = tuple(RepoPath(path) for path in sorted(paths or PATHS))
    return RepoTree(commit=Oid("0" * 40), paths=tracked, **more)  # type: ignore[arg-type]


def writing(*entries: str) -> Access:
    return Access(read=Scope(), write=parse_scope(entries))


def reading(*entries: str) -> Access:
    return Access(read=parse_scope(entries), write=parse_scope(["elsewhere"]))


def find(
    later: Access,
    earlier: Access,
    new_paths: NewPaths = "anchored",
    tree: RepoTree | None = None,
    shared: Scope | None = None,
) -> Overlap | None:
    return ScopeMap(tree or make_tree(), [earlier, later], new_paths, shared).find_overlap(1, 0)


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ("src", "src/api", "src/api/app.py"),
        ("src/new.py", "src/", "src/new.py"),
        ("src/new/", "src/new/a.py", "src/new/a.py"),
        ("src/*.ts", "src/web.ts", "src/web.ts"),
        ("src/*.go", "src/a*", "src/a.go"),
        ("src/**/*.go", "src/api/b*", "src/api/b.go"),
        ("**/*.go", "src/Make*", None),
        ("m*", "*k", "mk"),
        ("src/api/*.py", "docs/*.py", None),
        ("src/web.ts", "src/web.ts/x", "src/web.ts/x"),
        (".", "*.go", ".go"),
    ],
)
def test_witness_is_tracked_or_the_shortest(first: str, second: str, path: str | None) -> None:
    overlap = find(writing(first), writing(second))
    assert (overlap and overlap.path) == path
    assert overlap is None or overlap.exists == (path in PATHS)


def test_kinds_are_tried_in_order() -> None:
    both = Access(read=parse_scope(["docs"]), write=parse_scope(["src"]))
    assert find(writing("src"), both) == overlap_at("write_write", "src/api/app.py")
    assert find(writing("docs"), both) == overlap_at("write_read", "docs/api.md")
    assert find(both, writing("docs")) == overlap_at("read_write", "docs/api.md")
    assert find(reading("src"), reading("src")) == Overlap(
        kind="write_write", path=RepoPath("elsewhere"), exists=False
    )


def overlap_at(kind: str, path: str) -> Overlap:
    return Overlap(kind=kind, path=RepoPath(path), exists=True)  # type: ignore[arg-type]


def test_reads_never_conflict_with_reads() -> None:
    ones = [
        Access(read=parse_scope(["**"]), write=parse_scope([name])) for name in ("new/a", "new/b")
    ]
    compared = ScopeMap(make_tree(), [*ones, Access(read=parse_scope(["src"]), write=Scope())])
    assert compared.conflicts == (0b010, 0b001, 0)


def test_setting_decides_about_floating_against_a_directory() -> None:
    floating, directory = writing("*.go"), writing("src/api")
    assert find(floating, directory, "anchored") is None
    assert find(floating, directory, "none") is None
    assert find(floating, directory, "all") == Overlap(
        kind="write_write", path=RepoPath("src/api/.go"), exists=False
    )
    compared = ScopeMap(make_tree(), [directory, floating])
    assert compared.open_overlaps == (0b10, 0b01)
    assert [other for other, _ in compared.find_open_overlaps(0)] == [1]


def test_anchored_compares_paths_that_a_literal_names() -> None:
    assert find(writing("*.go"), writing("src/api/main.go"))
    overlap = ScopeMap(
        make_tree(), [writing("src"), writing("*.go"), writing("src/main.go")]
    ).find_overlap(1, 0)
    assert overlap == Overlap(kind="write_write", path=RepoPath("src/main.go"), exists=False)


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ("src/**/*.ts", "src/**/*.css", None),
        ("src/**/*.ts", "src/new", "src/new/.ts"),
        ("src/**/*.ts", "src/", "src/web.ts"),
        ("src/**/*.ts", "src/a/**", "src/a/.ts"),
        ("src/**/*.ts", "src/**/*.ts", "src/web.ts"),
        ("src/**/*.ts", "src/**/test", "src/test/.ts"),
        ("src/**/*.ts", "src/**/*.d.*", "src/.d.ts"),
        ("src/**/*.ts", "src/a.ts/*.css", None),
        ("src/**/*.ts", "src/a.ts/b.css", "src/a.ts/b.css"),
        ("src/*.ts/x", "src/*/x", "src/.ts/x"),
        ("*.md", "*.py", None),
        ("*.rs", "docs*", "docs.rs"),
        ("test_*.py", "*_a.py", "test_a.py"),
        ("README.*", "*.d/", ".d/README."),
        ("*.d*/", "*.py", ".d/.py"),
        (".env*", "*.py", ".env.py"),
        ("*.?", "foo*", "foo.a"),
        ("lib/v1.*", "lib/v1.2/", "lib/v1.2"),
        ("lib/v1.*", "lib/v1.2/x*", None),
        ("**/*.[hc]", "**/x.?", "x.c"),
    ],
)
def test_pattern_with_a_dot_in_its_last_name_supposes_no_directory(
    first: str, second: str, path: str | None
) -> None:
    for one, other in ((first, second), (second, first)):
        compared = ScopeMap(make_tree(), [writing(one), writing(other)])
        overlap = compared.find_overlap(1, 0)
        assert (overlap and overlap.path) == path
        everywhere = ScopeMap(make_tree(), [writing(one), writing(other)], "all").conflicts[0]
        assert compared.open_overlaps[0].bit_count() == everywhere.bit_count() - bool(path)


def test_pattern_covers_what_is_new_in_a_directory_that_it_matches() -> None:
    tree = make_tree("lib/v1.2/a", "lib/w")
    versions = writing("lib/v1.*")
    overlap = find(versions, writing("lib/v1.2/", "!lib/v1.2/a"), tree=tree)
    assert overlap == Overlap(kind="write_write", path=RepoPath("lib/v1.2/b"), exists=False)
    assert find(versions, writing("lib/*/*.c"), tree=tree) == Overlap(
        kind="write_write", path=RepoPath("lib/v1.2/.c"), exists=False
    )
    assert find(versions, writing("lib/v1.3/*.c"), tree=tree) is None
    assert find(writing("lib/v1.*", "!*.c"), writing("lib/**/*.c"), tree=tree) is None


def test_floating_pattern_covers_what_is_new_in_a_directory_that_it_matches() -> None:
    tree = make_tree("etc/conf.d/a", "x")
    assert find(writing("*.d"), writing("**/*.ini"), tree=tree) == Overlap(
        kind="write_write", path=RepoPath("etc/conf.d/.ini"), exists=False
    )
    assert find(writing("*.d"), writing("etc/conf.d/*.ini"), tree=tree) is None
    assert find(writing("*.d"), writing("."), tree=tree) == overlap_at(
        "write_write", "etc/conf.d/a"
    )


def test_exclusion_of_files_takes_out_what_is_beneath_such_a_directory() -> None:
    assert find(writing("src", "!src/**/*.ts"), writing("src/a.ts/[x]")) is None
    assert find(writing("src", "!src/**/*.ts"), writing("src/a.css/[x]")) is not None


def test_writers_of_shared_files_suppose_no_directory_of_such_a_name() -> None:
    shared = parse_scope(["new/*.md"])
    compared = ScopeMap(make_tree(), [writing("new/*.py"), writing("new/a.*")], "anchored", shared)
    assert [mask for _, mask in compared.list_shared_writers()] == [0b10]


def test_exclusion_hides_an_overlap_and_only_that() -> None:
    assert find(writing("src", "!src/api"), writing("src/api")) is None
    assert find(writing("src", "!*.py"), writing("src/**/*.py")) is None
    overlap = find(writing("src", "!src/api"), writing("src"))
    assert overlap == overlap_at("write_write", "src/web.ts")


def test_shared_paths_make_no_overlap_and_list_their_writers() -> None:
    shared = parse_scope(["README.md", "**/NEWS"])
    ones = [writing("README.md"), writing("*.md"), writing("docs/NEWS"), writing("src")]
    compared = ScopeMap(make_tree(), ones, "anchored", shared)
    assert compared.conflicts == (0, 0b1000, 0, 0b0010)
    writers = {entry.text: mask for entry, mask in compared.list_shared_writers()}
    assert writers == {"**/NEWS": 0b0100, "README.md": 0b0011}


def test_floating_patterns_write_in_shared_where_paths_exist() -> None:
    shared = parse_scope(["**/README.*", "docs"])
    compared = ScopeMap(make_tree(), [writing("*.txt"), writing("*.md")], "anchored", shared)
    writers = {entry.text: mask for entry, mask in compared.list_shared_writers()}
    assert writers == {"**/README.*": 0b10, "docs": 0b10}


def test_what_is_taken_out_of_shared_serializes_again() -> None:
    shared = parse_scope(["docs", "!docs/api.md"])
    assert find(writing("docs"), writing("docs"), shared=shared)
    assert find(writing("docs/x"), writing("docs/x"), tree=make_tree("a"), shared=shared)


def test_files_are_counted_once() -> None:
    access = Access(read=parse_scope(["src", "**/*.md"]), write=parse_scope(["src", "!*.md"]))
    assert ScopeMap(make_tree(), [access]).count_files(0) == (5, 2)


def test_case_is_folded_and_the_witness_keeps_its_spelling() -> None:
    tree = make_tree("Src/App.py", ignore_case=True)
    overlap = find(writing("SRC/*.PY"), writing("src/app.py"), tree=tree)
    assert overlap == overlap_at("write_write", "Src/App.py")
    made = find(writing("src/New.go"), writing("SRC"), tree=tree)
    assert made == Overlap(kind="write_write", path=RepoPath("src/New.go"), exists=False)
    assert find(writing("src/[A-C]"), writing("src/[!a-c]"), tree=tree) is None


@pytest.mark.parametrize(
    ("first", "second"), [("[A-Z]*", "[!a-z]*"), ("*[A-Z]*", "[!a-z]"), ("[A-Z]*[A-Z]", "*[!a-z]")]
)
def test_no_name_is_spelled_with_characters_that_folding_takes_away(
    first: str, second: str
) -> None:
    folding = Folding(ignore_case=True)
    one, other = (fold_pattern(text, folding).components[-1] for text in (first, second))
    assert not list(list_names(one, other, (), folding))


def test_what_long_patterns_share_is_not_kept_in_memory() -> None:
    one, other = (fold_pattern(f"*{'?' * size}*b", Folding()).components[-1] for size in (40, 41))
    kept = make_product.cache_info().currsize
    (names,) = list_names(one, other, (), Folding())
    assert next(names) == "a" * 41 + "b"
    assert make_product.cache_info().currsize == kept


def test_capitals_and_no_letters_share_no_path_where_case_is_folded() -> None:
    tree = make_tree("src/a", ignore_case=True)
    capitals, others = writing("src/[A-Z]*", "!src/[[]*"), writing("src/[!a-z]*")
    assert find(capitals, others, "all", tree) is None
    assert find(capitals, others, "all", make_tree("src/a")) == Overlap(
        kind="write_write", path=RepoPath("src/A"), exists=False
    )


def test_unicode_is_composed_where_the_repository_does() -> None:
    tree = make_tree("cafe\u0301/menu", precompose_unicode=True)
    overlap = find(writing("caf\u00e9"), writing("cafe\u0301/*"), tree=tree)
    assert overlap == overlap_at("write_write", "cafe\u0301/menu")


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ("src/web.ts", "src/web.ts/*.css", "src/web.ts/.css"),
        ("src/w*", "src/web.ts/**/x", "src/web.ts/x"),
        ("src", "src/web.ts/a/b*", "src/web.ts/a/b"),
        (".", "src/web.ts/*", "src/web.ts/a"),
        ("src/web.ts/*.css", "src/web.ts/a*", "src/web.ts/a.css"),
        ("src/*/a", "src/web.ts/*", "src/web.ts/a"),
        ("src/*.ts", "src/web.ts/*.css", None),
        ("*.ts", "src/web.ts/*.css", None),
        ("src/api", "src/web.ts/*.css", None),
        ("src/web.ts", "src/*/*.css", None),
        ("src/web.ts", "src/**/*.css", None),
        ("src/web.ts", "**/*.css", None),
    ],
)
def test_pattern_beneath_a_file_expects_it_to_go(first: str, second: str, path: str | None) -> None:
    for one, other in ((first, second), (second, first)):
        overlap = find(writing(one), writing(other))
        assert (overlap and overlap.path) == path
        assert overlap is None or not overlap.exists
        assert find(writing(one), writing(other), "none") is None


def test_what_may_lie_beneath_a_file_is_compared_as_elsewhere() -> None:
    pattern = writing("src/web.ts/*.css")
    assert find(writing("src/*.ts"), pattern, "all")
    assert find(writing("*.ts"), pattern, "all")
    assert ScopeMap(make_tree(), [writing("*.ts"), pattern]).open_overlaps == (0b10, 0b01)
    assert find(reading("src/web.ts"), pattern) == Overlap(
        kind="read_write", path=RepoPath("src/web.ts/.css"), exists=False
    )
    assert find(writing("src/web.ts", "!src/web.ts/*"), pattern) is None
    assert find(writing("src/web.ts"), writing("src/web.ts/*", "!*.ts/")) is None
    assert find(writing("src/web.ts"), pattern, shared=parse_scope(["src/web.ts"])) is None


def test_entries_that_expect_nothing_do_not_suppose_that_a_file_goes() -> None:
    first, second = writing("src/web.ts"), writing("src/*/*.css")
    assert find(first, second, "all") is None
    expecting = ScopeMap(make_tree(), [first, second, writing("src/web.ts/*")])
    assert expecting.conflicts == (0b110, 0b101, 0b011)


def test_example_never_lies_beneath_a_file_or_on_a_directory() -> None:
    tree = make_tree("x/a", "x/b/c")
    beneath_file = writing("x/[a]/*", "!x/[[]*")
    assert find(beneath_file, beneath_file, "all", tree) is None
    overlap = find(writing("x/[ab]*"), writing("x/b*", "!x/b/c"), "all", tree)
    assert overlap == Overlap(kind="write_write", path=RepoPath("x/ba"), exists=False)


def test_exclusions_beyond_reason_are_answered_with_an_overlap() -> None:
    one = writing("src/*a*", "!src/*a" + "?" * 60, "!src/*b" + "?" * 60)
    other = writing("src/*c*", "!src/*c" + "?" * 61)
    overlap = find(one, other, "all")
    assert overlap
    assert not overlap.exists


def test_entries_inside_a_submodule_stand_for_it() -> None:
    tree = make_tree(submodules=frozenset({RepoPath("vendor/lib")}))
    ones = [writing("vendor/lib/a.c"), writing("vendor", "!vendor/lib/src")]
    compared = ScopeMap(tree, ones)
    assert compared.find_overlap(1, 0) == overlap_at("write_write", "vendor/lib")
    assert [*compared.find_remarks(0), *compared.find_remarks(1)] == [
        "write_set: 'vendor/lib/a.c' lies inside the submodule 'vendor/lib' and stands for it",
        "write_set: '!vendor/lib/src' is left aside: it lies inside the submodule 'vendor/lib'",
    ]


def test_remarks_name_entries_that_match_nothing() -> None:
    tree = make_tree("link", "src/a", symlinks=frozenset({RepoPath("link")}))
    access = Access(
        read=parse_scope(["*.go", "src"]),
        write=parse_scope(["link/x", "src/a/b", "src/new"]),
    )
    assert ScopeMap(tree, [access]).find_remarks(0) == (
        "read_set: '*.go' matches no tracked file",
        "write_set: 'link/x' matches nothing: 'link' is a symbolic link, not a directory",
        "write_set: 'src/a/b' matches nothing: 'src/a' is a file, not a directory",
        "write_set: 'src/new' does not exist yet",
    )


@pytest.mark.parametrize("new_paths", ["anchored", "all", "none"])
def test_empty_tree_and_no_slices_are_valid(new_paths: NewPaths) -> None:
    tree = RepoTree(commit=Oid("0" * 40), paths=())
    assert ScopeMap(tree, [], new_paths).conflicts == ()
    compared = ScopeMap(tree, [writing("a"), writing("a", "b*")], new_paths)
    assert compared.conflicts == ((0, 0) if new_paths == "none" else (2, 1))
    assert compared.count_files(0) == (0, 0)
