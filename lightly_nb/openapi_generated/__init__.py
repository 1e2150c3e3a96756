"""The import paths of the platform's generated client, for scripts that use them.

`lightly_nb.openapi_generated.swagger_client.models.dataset_type.DatasetType` is `lightly_nb.api.DatasetType`.
"""

from lightly_nb import api
from lightly_nb.api.modules import add_generated_modules

for _package in ("swagger_client", "swagger_codegen"):
    add_generated_modules(f"{__name__}.{_package}", api.__all__)
