"""The table of `make bench`: which way a ratio counts, and whether it clears its bar."""

import pytest

from benchmarks.claims import Claim, print_claims
from benchmarks.in_turns import Comparison, compare

HALF = Comparison(ours=1.0, rival=2.0, ratio=0.5, least=0.4, most=0.8)  # ours takes half of the time


def test_twice_as_fast_and_half_of_the_cost_are_one_measurement():
    faster, costs = Claim.faster("batches", "stock", HALF, bar=2.0), Claim.costs("start", "import", HALF, bar=0.5)
    assert (faster.ratio, faster.least, faster.most) == (2.0, 1.25, 2.5) and faster.is_met
    assert (costs.ratio, costs.least, costs.most) == (0.5, 0.4, 0.8) and costs.is_met


@pytest.mark.parametrize("claim", [Claim.faster("a", "b", HALF, bar=2.1), Claim.costs("a", "b", HALF, bar=0.49)])
def test_a_bar_that_is_missed_is_shown(claim, capsys):
    print_claims([claim])
    assert not claim.is_met and capsys.readouterr().out.splitlines()[-1].endswith("| **no** |")


def test_both_run_in_turns():
    ran = []
    compare(lambda: ran.append("ours"), lambda: ran.append("rival"), rounds=2)
    assert ran == ["ours", "rival", "ours", "rival"]
