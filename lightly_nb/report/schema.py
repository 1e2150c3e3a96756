"""The form of `report.json`: a model a section, with what each key means; others may stand beside.

`python -m lightly_nb.report.describe docs` writes docs/report.md and docs/report.schema.json from it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """What all parts have in common: exactly these keys."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class ArrayRef(Part):
    """An array that lies in `data/report_arrays.npz`."""

    array: str = Field(description="Name of the array.")
    shape: list[int] = Field(description="Its shape.")
    dtype: str = Field(
        description="Its NumPy dtype; pictures are uint8 with the bytes of a JPEG or WebP file."
    )


class Skipped(Part):
    """A section that has nothing to say."""

    skipped: str = Field(description="Why.")
    failed: bool = Field(False, description="Whether it broke, instead of having nothing to say.")


class Histogram(Part):
    edges: list[float] = Field(description="Bin edges, one more than counts.")
    counts: list[int] = Field(description="How many values lie in each bin.")
    log: bool = Field(description="Whether the edges are even on a logarithmic axis.")


class Statistics(Part):
    count: int = Field(description="Number of finite values.")
    mean: float | None = Field(description="Mean; null without values, as all below.")
    std: float | None = Field(description="Standard deviation of the population.")
    min: float | None = Field(description="Smallest.")
    p5: float | None = Field(description="5th percentile.")
    median: float | None = Field(description="Median.")
    p95: float | None = Field(description="95th percentile.")
    max: float | None = Field(description="Largest.")


class Distribution(Statistics):
    histogram: Histogram = Field(description="Before and after have the same edges.")


class Step(Part):
    step: str = Field(description="A run state.")
    seconds: float = Field(description="Time spent in it, in seconds.")


class Counts(Part):
    listed: int = Field(description="Files found.")
    left_out: int = Field(description="Corrupt files and exact duplicates.")
    usable: int = Field(description="Images that were selected from.")
    preselected: int = Field(description="Images that were selected before this run.")
    selected: int = Field(description="Images selected by this run.")
    removed: int = Field(description="Usable images that are not selected.")


class Shown(Part):
    filename: str = Field(description="Name relative to the input.")
    picture: ArrayRef | None = Field(description="Its picture.")


class Corrupt(Shown):
    reason: str = Field(description="What is wrong with it.")
    what_to_do: str = Field(description="What helps.")


class Duplicate(Shown):
    duplicate_of: str = Field(description="The file with the same content that was kept.")


class LabelAccuracyFacts(Part):
    name: str = Field(description="What the labels are.")
    n_labelled: int = Field(description="Labelled images used.")
    n_classes: int = Field(description="Different labels among them.")
    accuracy: float = Field(description="Leave-one-out 5-NN accuracy in the embeddings.")
    majority: float = Field(description="Share of the most frequent label.")
    thumbnails: float | None = Field(description="The same accuracy with 8 × 8 pixel thumbnails.")


class EmbeddingCheckFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    verdict: str = Field(
        description="not worth selecting from; unclear: label a few and check; better than thumbnails; "
        "not checked."
    )
    reason: str = Field(description="The figures that decided, in a sentence.")
    ratio: float | None = Field(description="`found` / `found_by_thumbnails`.")
    worthless_below: float | None = Field(description="Lower limit of the ratio.")
    better_from: float | None = Field(description="Upper limit of the ratio.")
    found: float | None = Field(description="Mean reciprocal rank of an image, asked by a changed copy.")
    found_by_thumbnails: float | None = Field(description="The same for 8 × 8 pixel thumbnails.")
    n_images: int = Field(description="Images that were changed and looked for.")
    n_candidates: int = Field(description="Images that each was looked for among.")
    spread: float | None = Field(description="Spread of the embeddings at unit length: 0 alike, 1 even.")
    labels: list[LabelAccuracyFacts] = Field(description="5-NN accuracies on labels or categories.")
    what_to_do: str = Field(description="What helps; empty if nothing need be done.")


class JobFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    name: str | None = Field(description="Name of the run.")
    input: str | None = Field(description="Folder or URL of the images.")
    started: str | None = Field(description="Start, ISO 8601, UTC.")
    duration_seconds: float | None = Field(description="Sum of the steps, in seconds.")
    steps: list[Step] = Field(description="Time by step; the making of this report is in `seconds`.")
    counts: Counts = Field(description="Numbers of images.")
    share_selected: float = Field(description="Newly selected images over usable ones, 0 to 1.")
    first_selected: list[Shown] = Field(description="The first picks, in order.")
    versions: dict[str, str] = Field(description="Versions of Python and packages.")
    hardware: dict[str, Any] = Field(description="Processor, cores, memory_gb (10⁹ bytes), system, gpus.")
    asked: list[str] = Field(description="What was configured, as key=value.")
    warnings: list[str] = Field(description="What a person was warned of during the run, each once.")
    config: dict[str, Any] = Field(description="The whole configuration; secrets are masked.")


class Measure(Part):
    name: str = Field(description="coverage_…, neighbor_…, balance.GROUPING or categories.GROUPING.")
    title: str = Field(description="The measure in words.")
    better: Literal["lower", "higher"] = Field(description="Which way is better.")
    selection: float | None = Field(description="Value of the selection.")
    random: list[float] = Field(description="Value of every random draw.")
    median: float | None = Field(description="Median of the draws.")
    p5: float | None = Field(description="5th percentile of the draws.")
    p95: float | None = Field(description="95th percentile of the draws.")
    n_beaten: int | None = Field(description="Draws that the selection is better than.")
    verdict: Literal["better", "as random", "worse", "not defined"] = Field(
        description="better: than every draw; worse: than every draw."
    )
    optimized_by: list[str] = Field(
        description="Labels of the strategies that optimise it: better than random by construction."
    )


class BaselineFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    n_draws: int = Field(description="Number of random selections of the same size.")
    n_asked: int = Field(description="Images whose distance to the nearest selected one was measured.")
    exact: bool = Field(description="Whether these are all images.")
    measures: list[Measure] = Field(
        description="Those that no strategy optimises come first; the finding counts those alone."
    )


class StrategyFacts(Part):
    label: str = Field(description="Name of the strategy in this selection.")
    input: Any = Field(description="What it looks at.")
    strategy: Any = Field(description="Its type and settings.")
    strength: float = Field(description="Its weight.")
    asked: dict[str, Any] = Field(description="What it wanted.")
    got: dict[str, Any] = Field(description="What came out.")
    note: str | None = Field(description="Anything odd.")


class StrategiesFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    n_asked: int | None = Field(description="Images asked for; null: until a stopping condition.")
    n_got: int = Field(description="Images selected.")
    stopped: str = Field(description="Why there are fewer; empty if there are not.")
    strategies: list[StrategyFacts] = Field(description="One entry a strategy.")
    seed: int = Field(description="Seed of this report's random draws.")


class Pair(Part):
    percentile: int = Field(description="Share of the removed images that are nearer, in percent.")
    distance: float = Field(description="Distance of the two.")
    removed: str = Field(description="The image that was not selected.")
    selected: str = Field(description="The selected image nearest to it.")
    removed_picture: ArrayRef | None = Field(description="Its picture.")
    selected_picture: ArrayRef | None = Field(description="Its picture.")


class CoverageFacts(Statistics):
    finding: str = Field(description="The section in a sentence.")
    unit: str = Field(description="What a distance is.")
    exact: bool = Field(description="Whether every image was measured.")
    n_total: int = Field(description="Number of images.")
    n_samples: int = Field(description="Images measured; selected ones are at distance 0.")
    histogram: Histogram = Field(description="Distances to the nearest selected image.")
    removed: Statistics = Field(description="The same for the images that are not selected alone.")
    pairs: list[Pair] = Field(description="Examples from the nearest pair on; plots/filter_decision_*.png.")


class Pairwise(Part):
    n_total: int = Field(description="Number of images.")
    n_samples: int = Field(description="Images whose pairs were counted.")
    exact: bool = Field(description="Whether these are all images.")
    n_pairs: int = Field(description="Number of pairs.")
    mean: float | None = Field(description="Mean distance.")
    std: float | None = Field(description="Standard deviation.")
    skewness: float | None = Field(description="Third standardised moment; 0 for a symmetric histogram.")
    min: float | None = Field(description="Smallest distance.")
    p5: float | None = Field(description="5th percentile, right to 1/5000 of the range; so are the next two.")
    median: float | None = Field(description="Median.")
    p95: float | None = Field(description="95th percentile.")
    max: float | None = Field(description="Largest distance.")
    histogram: Histogram = Field(description="Before and after have the same edges.")


class Neighbors(Distribution):
    n_total: int = Field(description="Number of images.")
    n_samples: int = Field(description="Images whose nearest neighbour among all was looked for.")
    exact: bool = Field(description="Whether these are all images.")


class PairwiseBoth(Part):
    before: Pairwise = Field(description="All images.")
    after: Pairwise = Field(description="Selected and preselected images.")


class NeighborsBoth(Part):
    before: Neighbors = Field(description="All images.")
    after: Neighbors = Field(description="Selected and preselected images.")


class DistancesFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    unit: str = Field(description="What a distance is.")
    pairwise: PairwiseBoth = Field(description="Distances of all pairs.")
    nearest_neighbor: NeighborsBoth = Field(description="Distance of every image to the nearest other one.")


class Pca(Part):
    coordinates: ArrayRef = Field(description="float32 (images, 2), in the order of samples.parquet.")
    explained: list[float] = Field(description="Share of the variance of the two components, 0 to 1.")


class Umap(Part):
    skipped: str | None = Field(description="Why there is none; null if there is.")
    n_fitted: int = Field(
        description="Images that UMAP ran on; the others are placed between their neighbours."
    )
    neighbors: list[int] = Field(description="Sizes of the neighbourhood.")
    coordinates: dict[str, ArrayRef] = Field(description="By size: float32 (images, 2).")


class Sprites(Part):
    tile: int = Field(description="Side of a tile in pixels.")
    columns: int = Field(description="Tiles a row.")
    picture: ArrayRef = Field(description="One WebP with a tile of every shown image, in order.")


class MapsFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    state: ArrayRef = Field(description="uint8 by image: position in `states`.")
    states: list[str] = Field(description="removed, selected, preselected.")
    shown: ArrayRef = Field(description="int32: rows of the images that are drawn.")
    n_shown: int = Field(description="Number of images drawn.")
    n_samples: int = Field(description="Number of images.")
    pca: Pca = Field(description="Principal component analysis.")
    umap: Umap = Field(description="UMAP (McInnes, Healy and Melville 2018).")
    filenames: list[str] = Field(description="Names of the images that are drawn.")
    sprites: Sprites | None = Field(description="Their pictures; null without thumbnails.")


class Metadatum(Part):
    name: str = Field(description="Column of the sample table.")
    unit: str = Field(description="Its unit; empty if unknown.")
    before: Distribution = Field(description="All images.")
    after: Distribution = Field(description="Selected and preselected images.")


class Value(Part):
    value: str = Field(description="The category.")
    before: float = Field(description="Count among all images, in the unit of the grouping.")
    after: float = Field(description="Count among selected and preselected images.")
    share_before: float = Field(description="`before` over the sum of all categories.")
    share_after: float = Field(description="`after` over the sum of all categories.")


class Grouping(Part):
    name: str = Field(description="sub-folder, a column of the sample table, or a prediction task.")
    unit: str = Field(description="What is counted: images, objects, or a sum of probabilities.")
    n_values: int = Field(description="Number of categories.")
    balance_before: float | None = Field(description="Evenness: entropy over its largest value, 0 to 1.")
    balance_after: float | None = Field(description="The same after the selection.")
    values: list[Value] = Field(description="The 20 most frequent categories.")
    n_more: int = Field(description="Number of categories beyond.")
    more: Value | None = Field(description="Those together.")


class DatasetFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    n_before: int = Field(description="All images.")
    n_after: int = Field(description="Selected and preselected images.")
    metadata: list[Metadatum] = Field(description="Numbers that describe the images.")
    categories: list[Grouping] = Field(description="Sub-folders and categorical columns.")
    classes: list[Grouping] = Field(description="Predicted classes by task.")


class Reason(Part):
    reason: str = Field(description="Kind of damage.")
    count: int = Field(description="Number of files.")


class ChecksFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    n_checked: int = Field(description="Files checked.")
    n_corrupt: int = Field(description="Files that could not be used.")
    n_duplicates: int = Field(description="Exact duplicates that were left out.")
    n_not_embedded: int = Field(description="Sound files without a usable row in given embeddings.")
    reasons: list[Reason] = Field(description="Files left out by kind of reason, the most frequent first.")
    corrupt_examples: list[Corrupt] = Field(description="Some of them.")
    duplicate_examples: list[Duplicate] = Field(description="Some of them.")


class Price(Part):
    name: str = Field(description="Key in `options['prices']`.")
    value: float = Field(description="The unit price.")
    unit: str = Field(description="Its unit.")
    source: str = Field(description="Where it comes from.")


class Amounts(Part):
    per_image: float = Field(description="For one image.")
    all: float = Field(description="For all images.")
    selected: float = Field(description="For selected and preselected images.")
    saved: float = Field(description="The difference.")


class SavingsFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    is_estimate: bool = Field(description="Always true.")
    n_not_labelled: int = Field(description="Images that need no label.")
    currency: str = Field(description="First word of the unit of label_price.")
    labelling: Amounts = Field(
        description="label_price × objects_per_image × workers_per_object, in `currency`."
    )
    training_energy_wh: Amounts = Field(
        description="training_epochs / images_per_second × gpu_power × power_usage_effectiveness, in Wh."
    )
    co2_g: Amounts = Field(description="Energy × carbon_intensity, in g CO₂ equivalent.")
    prices: list[Price] = Field(description="The unit prices.")


class Epoch(Part):
    epoch: int = Field(description="From 1.")
    loss: float = Field(description="Mean over its batches.")
    representation_std: float | None = Field(description="Spread of the representations: 0 alike, 1 even.")
    images_per_second: float | None = Field(description="Speed.")
    chance_loss: float | None = Field(description="Loss of guessing; null where the method guesses nothing.")


class LossStep(Part):
    epoch: int = Field(description="Epoch of the batch.")
    loss: float = Field(description="Loss of the batch.")


class TrainingFacts(Part):
    finding: str = Field(description="The section in a sentence.")
    n_epochs: int = Field(description="Epochs trained.")
    epochs: list[Epoch] = Field(description="One entry an epoch.")
    steps: list[LossStep] = Field(description="At most 500 batches, evenly thinned.")
    first_loss: float = Field(description="Loss of the first epoch.")
    last_loss: float = Field(description="Loss of the last epoch.")
    representation_std: float | None = Field(description="Spread of the last epoch.")
    collapsed_below: float = Field(description="Spread below which a model counts as collapsed.")
    collapsed: bool | None = Field(description="Whether it has; null if unknown.")
    chance_loss: float | None = Field(description="Loss of guessing in the last epoch; null if unknown.")
    at_chance: bool | None = Field(description="Whether the last loss is no better; null if unknown.")


class ReportFacts(BaseModel):
    """`report.json`. Sections of your own stand beside these, with any keys."""

    model_config = ConfigDict(extra="allow", title="lightly_nb report")

    schema_version: Literal[1] = Field(description="Raised when a key changes its meaning.")
    created: str = Field(description="When the report was made, ISO 8601, UTC.")
    seconds: dict[str, float] = Field(description="Time that every section took, in seconds.")
    embedding_check: EmbeddingCheckFacts | Skipped | None = Field(
        None, description="Whether the embeddings are worth selecting from."
    )
    job: JobFacts | Skipped | None = Field(None, description="The run.")
    baseline: BaselineFacts | Skipped | None = Field(None, description="Selection against random.")
    strategies: StrategiesFacts | Skipped | None = Field(None, description="What strategies asked and got.")
    coverage: CoverageFacts | Skipped | None = Field(
        None, description="Distance to the nearest selected image."
    )
    distances: DistancesFacts | Skipped | None = Field(None, description="Distances before and after.")
    maps: MapsFacts | Skipped | None = Field(None, description="Embeddings in two dimensions.")
    dataset: DatasetFacts | Skipped | None = Field(None, description="Distributions before and after.")
    data_checks: ChecksFacts | Skipped | None = Field(None, description="Corrupt files and duplicates.")
    savings: SavingsFacts | Skipped | None = Field(None, description="Estimated savings.")
    training: TrainingFacts | Skipped | None = Field(None, description="Training of the model.")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `report.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ReportFacts.model_json_schema()}
