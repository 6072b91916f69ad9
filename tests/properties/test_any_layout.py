"""Boxes and edges of any graph's picture keep apart."""

from collections import defaultdict
from itertools import pairwise

from hypothesis import given, settings

from gitslices.output.pictures.layout import make_layout
from gitslices.output.pictures.picture import make_picture
from tests.support.examples import scale
from tests.support.pictures import graphs, make_plan


@given(graphs())
@settings(max_examples=scale(80))
def test_boxes_of_a_wave_stand_apart(needs: list[list[int]]) -> None:
    layout = make_layout(make_picture(make_plan(needs)))
    columns = defaultdict(list)
    for box in layout.boxes:
        columns[box.x].append(box.y)
    for column in columns.values():
        for above, below in pairwise(sorted(column)):
            assert below - above >= layout.sizes.height + layout.sizes.row_gap - 1
    assert all(0 <= box.y <= layout.height - layout.sizes.height for box in layout.boxes)


@given(graphs())
@settings(max_examples=scale(80))
def test_edges_run_rightwards_and_through_no_box(needs: list[list[int]]) -> None:
    layout = make_layout(make_picture(make_plan(needs)))
    for route in layout.routes:
        start, end = layout.boxes[route.edge.before], layout.boxes[route.edge.after]
        assert route.gaps[0].left == start.x + layout.sizes.width
        assert route.gaps[-1].right == end.x
        assert start.y < route.gaps[0].y_left < start.y + layout.sizes.height
        assert end.y < route.gaps[-1].y_right < end.y + layout.sizes.height
        for entering, leaving in pairwise(route.gaps):
            assert entering.y_right == leaving.y_left
            for box in layout.boxes:
                if box.x == entering.right:
                    assert not box.y - 4 <= entering.y_right <= box.y + layout.sizes.height + 4
