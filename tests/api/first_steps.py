"""The Python of first_steps.rst, the user's own text: taken from it, and changed as the tables here say."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

TEXT = Path(__file__).with_name("first_steps.rst")
CLIENT = "from lightly_nb.api import ApiWorkflowClient"

IMPORTS = {
    "from lightly.api import ApiWorkflowClient": CLIENT,
    "from lightly.api.api_workflow_client import ApiWorkflowClient": CLIENT,
    "from lightly.openapi_generated.swagger_client.models.dataset_type import DatasetType": (
        "from lightly_nb.api import DatasetType"
    ),
    "from lightly.openapi_generated.swagger_client.models.datasource_purpose import DatasourcePurpose": (
        "from lightly_nb.api import DatasourcePurpose"
    ),
}

CREDENTIALS = {
    "MY_AWESOME_TOKEN": "{token}",
    "MY_DATASET_ID": "{dataset_id}",
    "'xyz'": "'{dataset_id}'",
    "S3-ROLE-ARN": "arn:aws:iam::123456789012:role/S3-ROLE-ARN",
}
"""The access keys of the text are those of the S3 server of the test, so they stay; so do all paths."""

SLIPS = {
    'client.get_shared_users(dataset_id="{dataset_id}")\nprint(users)': (
        'users = client.get_shared_users(dataset_id="{dataset_id}")\nprint(users)'
    ),
}
"""What cannot run as it is written: the text prints `users` without having set it."""


class Block(NamedTuple):
    """One Python block of the text."""

    line: int
    caption: str
    code: str


def blocks(text: str) -> list[Block]:
    """Return the Python blocks of a reStructuredText, in order.

    Examples
    --------
    >>> blocks(".. code-block:: python\\n    :caption: Hello\\n\\n    if x:\\n        y()\\n\\nNo code.")
    [Block(line=1, caption='Hello', code='if x:\\n    y()\\n')]
    """
    lines, found = text.splitlines(), []
    for number, line in enumerate(lines):
        if not (start := re.fullmatch(r"( *)\.\. code-block:: python", line)):
            continue
        inside = []
        for one in lines[number + 1 :]:
            if one.strip() and len(one) - len(one.lstrip()) <= len(start[1]):
                break
            inside.append(one)
        options = [one.strip() for one in inside if re.match(r" +:[a-z-]+:", one)]
        code = "\n".join(one for one in inside if one.strip() not in options)
        caption = next((one.removeprefix(":caption: ") for one in options if ":caption:" in one), "")
        found.append(Block(number + 1, caption, textwrap.dedent(code).strip() + "\n"))
    return found


def changed(block: Block, values: Mapping[str, str], used: set[str]) -> str:
    """Return the code of a block, changed as the tables say; note in `used` what was."""
    code = block.code
    for old, new in (IMPORTS | CREDENTIALS | SLIPS).items():
        if old in code:
            used.add(old)
            code = code.replace(old, new)
    for name, value in values.items():
        code = code.replace(f"{{{name}}}", value)
    return code
