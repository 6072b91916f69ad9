"""Where the boxes and edges of a picture stand, at any size."""

import time

from msgspec.structs import replace

from gitslices.output.pictures.html import format_html
from gitslices.output.pictures.layout import make_layout
from gitslices.output.pictures.picture import COMPACT_FROM, make_picture
from gitslices.output.pictures.svg import format_svg
from tests.support.pictures import make_plan, make_wide_plan


def test_barycentre_sweeps_undo_crossings() -> None:
    crossed = make_layout(make_picture(make_plan([[], [], [], [2], [1], [0]])))
    heights = [(route.gaps[0].y_left, route.gaps[0].y_right) for route in crossed.routes]
    assert [right for _, right in sorted(heights)] == sorted(right for _, right in heights)


def test_edges_of_one_source_share_their_lane() -> None:
    plan = make_plan([[], [0], [1], [2, 0], [3, 0]])
    layout = make_layout(make_picture(replace(plan, overlap_serializations=())))
    long = [route for route in layout.routes if len(route.gaps) > 1]
    assert len(long) == 2
    assert long[0].gaps[0] == long[1].gaps[0]


def test_slices_without_edges_stand_below_the_others() -> None:
    layout = make_layout(make_picture(make_plan([[], [], [1]])))
    assert layout.boxes[0].y > layout.boxes[1].y


def test_many_slices_get_compact_boxes() -> None:
    few = make_layout(make_picture(make_wide_plan(COMPACT_FROM - 1)))
    many = make_layout(make_picture(make_wide_plan(COMPACT_FROM)))
    assert many.sizes.height < few.sizes.height / 2


def test_page_of_500_slices_stays_below_a_megabyte() -> None:
    assert len(format_html(make_wide_plan(500)).encode()) < 1_000_000


def test_long_chains_do_not_recurse() -> None:
    plan = make_plan([[i - 1] if i else [] for i in range(3000)])
    assert make_layout(make_picture(plan)).width > 3000 * 168


def test_thousands_of_slices_are_drawn_without_an_explosion() -> None:
    plan = make_wide_plan(3000)
    began = time.process_time()
    format_svg(plan)
    assert time.process_time() - began < 30
