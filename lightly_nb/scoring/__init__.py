"""From predictions to active-learning scores."""

from lightly_nb.scoring.score import score
from lightly_nb.scoring.scores import SCORES, Score, ScoreSettings, scores_of

__all__ = ["SCORES", "Score", "ScoreSettings", "score", "scores_of"]
