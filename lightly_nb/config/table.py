"""The table of all keys, made from the models: for people to read and for the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from lightly_nb.config import describe
from lightly_nb.config.lightly import FINE_TUNING
from lightly_nb.config.not_yet import is_hidden
from lightly_nb.config.parsing import MODELS
from lightly_nb.config.selection import ALLOWED_INPUTS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("key", "type", "default", "allowed", "description")
REQUIRED = "(required)"


def config_table(model: type[BaseModel]) -> pd.DataFrame:
    """Return one row for each key of a configuration.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        `WorkerConfig`, `LightlyConfig`, `SelectionConfig` or a section of one.

    Returns
    -------
    pandas.DataFrame
        Columns `key` (dotted; `[]` for each item of a list, and the type in brackets where a key exists for
        that type only), `type`, `default` (`(required)` where there is none), `allowed`, `description`.

    Examples
    --------
    >>> from lightly_nb.config import LightlyConfig
    >>> config_table(LightlyConfig).set_index("key").loc["trainer.max_epochs", "default"]
    100
    """
    import pandas as pd

    return pd.DataFrame(list(rows(model)), columns=list(COLUMNS), dtype="object")


def rows(model: type[BaseModel], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yield `config_table`'s rows as dicts."""
    where = str(getattr(model, "WHERE", ""))
    for name, field in model.model_fields.items():
        if is_hidden(where, name):
            continue
        inner = describe.sections(field.annotation)
        many = describe.is_list(field.annotation)
        if not inner or many or len(inner) > 1:
            yield _row(prefix + name, field)
        for section in inner:
            kind = f"({describe.tag(section)})" if len(inner) > 1 else ""
            start = f"{prefix}{name}{'[]' if many else ''}{kind}."
            yield from (row for row in rows(section, start) if not is_hidden(where, row["key"]))


def _row(key: str, field: FieldInfo) -> dict[str, Any]:
    return {
        "key": key,
        "type": describe.type_name(field.annotation),
        "default": REQUIRED if field.is_required() else _plain(field.get_default(call_default_factory=True)),
        "allowed": describe.allowed(field),
        "description": field.description or "",
    }


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return ""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def markdown() -> str:
    """Return the documentation of all three configurations, as `docs/configuration.md` holds it."""
    parts = ["# Configuration", INTRODUCTION]
    for name, model in MODELS.items():
        parts.append(f"## {name}\n\n{(model.__doc__ or '').strip().splitlines()[0]}")
        lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows(model)]
        parts.append("\n".join(lines))
        if name == "lightly_config":
            parts.append(_fine_tuning())
    pairs = [f"| {kind} | {', '.join(inputs)} |" for kind, inputs in ALLOWED_INPUTS.items()]
    parts.append(
        "### Which strategy works on which input\n\n| strategy | inputs |\n|---|---|\n" + "\n".join(pairs)
    )
    return "\n\n".join(parts) + "\n"


def _fine_tuning() -> str:
    values = [f"- `{key}`: `{json.dumps(value)}`" for key, value in FINE_TUNING.items()]
    return "\n".join([FINE_TUNING_INTRODUCTION, "", *values])


def _cells(row: dict[str, Any]) -> Iterator[str]:
    for column in COLUMNS:
        text = str(row[column])
        if column == "default" and text != REQUIRED:
            text = json.dumps(row[column], ensure_ascii=False)
        text = text.replace("|", "\\|")
        yield f"`{text}`" if column in ("key", "default") else text


FINE_TUNING_INTRODUCTION = """\
### Other defaults where model.name is a pretrained backbone

Where `model.name` is `efficientnet-lite0`, `timm/NAME` or `torchvision/NAME`, training goes on from its
weights, and keys that are left out are as below; all others as above. `optimizer.lr` is then the learning
rate of the backbone: the head learns 50 times as fast, SGD has momentum 0.9, all rates fall to 0 along half a
cosine, and batch norms keep their statistics. Embeddings are the features of the backbone, never those of the
projection head; of `efficientnet-lite0` they are projected to 256 dimensions, as those of the embedder that
ships are. Images are embedded at the backbone's own size, 224 pixels of most, or at `collate.input_size` if
that is larger.

A batch of 128 images at 128 pixels keeps 7.5 GB of `efficientnet-lite0` in memory, 3 GB with 4
`model.frozen_layers`. Where less than twice as much is free, its layers are computed twice instead, with the
same result, and that is said.

`lightly_nb.train(samples)` trains `efficientnet-lite0` where no model is named; a run with `enable_training`
trains `resnet-18` for 100 epochs unless `model.name` says otherwise.

Such training gains little. One epoch on 1,500 photographs of clothing changed the 5-NN accuracy on others of
the same collection, at 96 pixels, from .694 to .715 with a learning rate of .001 and to .735 and .745 (two
seeds) with .01; at 128 pixels by .01. On other images the same weights lost (.606 to .540). A larger input
gains more: .80 untouched at 224 pixels. With the defaults on 1,000 photographs of clothing, judged on 500
others (so ± .02): at 128 pixels .674 untouched and .702 trained; at 224, where the checkpoint embeds, .762
and .772; with a learning rate of .01, .702 and .768."""

INTRODUCTION = """\
Made from the models by `python -m lightly_nb.config > docs/configuration.md`: change the models,
not this file.

Keys may be nested (`{"trainer": {"max_epochs": 2}}`) or dotted (`{"trainer.max_epochs": 2}`). `[]` stands
for each item of a list; a type in brackets, as in `strategies[].strategy(DIVERSITY).strength`, says for which
`type` a key exists. A list of sections is given whole. On the command line, `lightly.` and `selection.` lead
to the second and third table: `enable_training=true lightly.trainer.max_epochs=2 selection.n_samples=50`."""
