r"""Selection: which samples are worth labelling, chosen greedily by one written objective.

The objective
-------------
Every strategy s has a quantity F_s(S) of the selected set S that it wants large. A combination wants the
product of F_s^strength_s large, which is greedy on sum_s strength_s * ln F_s(S): each step picks

    argmax_i  sum_s strength_s * g_s(i | S),    g_s = log1p(delta_s(i | S) / F_s(S))

in float64. g_s is ln F_s(S + i) - ln F_s(S), written so that no digits are lost as F_s grows.

============ ================================================= =============================
strategy     delta_s(i | S)                                    F_s(S)
============ ================================================= =============================
DIVERSITY    squared distance to the nearest selected sample   sum of the deltas at insertion
WEIGHTS      w_i, all shifted to at least 0 if any is negative sum of w over S
SIMILARITY   exp(-d / mean d), d to the nearest query sample   sum over S
TYPICALITY   mean over the K neighbours of exp(-d_k / mean d)  sum over S
BALANCE      g itself: fall in cross-entropy(target, shares)   exp(-cross-entropy)
THRESHOLD    a filter, applied before everything else          -
============ ================================================= =============================

FACILITY_LOCATION's F is the sum over all samples of the largest cosine, at least 0, to a selected one; its
delta is what a sample adds to that.

While F_s is 0 (nothing selected yet, or only zeros), g_s is its limit for ranking, ln(delta): the terms
that differ from it are the same for every sample. DIVERSITY is neutral until something is selected.
BALANCE's F is the weighted geometric mean prod_c q_c^t_c of the class shares, so its gain is the fall in
cross-entropy and needs no other scale; the shares are smoothed by one sample's worth of even prior. A
strategy alone is ranked by delta: the same order, unrounded. A minimum distance is a constraint: nearer
candidates are skipped, and the run stops when none is left. Preselected samples enter every F, in
file-name order. Ties go to the smaller file name.

What holds, and what does not
-----------------------------
* FACILITY_LOCATION alone: F is at least 1 - 1/e of the largest of as many samples (Nemhauser, Wolsey and
  Fisher 1978), and `got` holds a share that is proven for these very picks. Above 30,000 samples picks are
  made in levels (`selection.levels`): there the share is estimated.
* DIVERSITY alone: the largest distance of any sample to the selection is at most twice the smallest
  possible with as
  many samples (Gonzalez 1985). In a combination no such bound holds.
* WEIGHTS, SIMILARITY, TYPICALITY or RANDOM alone: exactly the top of the list, the best possible sum.
* The first k of n picks are the picks for k, whatever the combination; not under a `target_range`, which
  looks ahead.
* The answer does not depend on row order, number of threads or machine word tricks: every decision is a
  comparison of float64 or whole numbers that depend on the samples alone.
* Sums of logarithms are not submodular in general, so a combination has no (1 - 1/e) guarantee.
"""

from lightly_nb.selection.farthest import farthest_first
from lightly_nb.selection.result import Selection
from lightly_nb.selection.select import select
from lightly_nb.selection.strategies import STRATEGIES
from lightly_nb.selection.strategy import Budget, Part, Request, Strategy

__all__ = ["STRATEGIES", "Budget", "Part", "Request", "Selection", "Strategy", "farthest_first", "select"]
