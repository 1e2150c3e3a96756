"""Scripts of client 1.5.26 run with their own imports, once `lightly.` is `lightly_nb.`."""

from __future__ import annotations

import importlib
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from lightly_nb import api
from lightly_nb.api import ApiWorkflowClient, BitMask, PredictionSingleton, PredictionTaskSchema, TaskType
from lightly_nb.api.enums import StrEnum
from lightly_nb.config.platform_form import snake_case
from tests.api.first_steps import TEXT
from tests.api.test_client import SELECTION

GENERATED = "lightly_nb.openapi_generated.swagger_client"
NAMES_BY_MODULE = {
    "api": "ApiWorkflowClient ArtifactNotExist",
    "api.api_workflow_artifacts": "ArtifactNotExist",
    "api.api_workflow_client": "ApiWorkflowClient Creator DatasetData",
    "api.api_workflow_compute_worker": "ComputeWorkerRunInfo InvalidConfigurationError "
    "STATE_SCHEDULED_ID_NOT_FOUND DockerRunState DockerRunScheduledPriority SelectionConfigV4",
    "api.api_workflow_tags": "TagDoesNotExistError TagData",
    "api.api_workflow_upload_embeddings": "EmbeddingDoesNotExistError",
    "api.api_workflow_upload_metadata": "InvalidCustomMetadataWarning ConfigurationEntry",
    "api.bitmask": "BitMask",
    "openapi_generated.swagger_client.rest": "ApiException",
    "openapi_generated.swagger_client.exceptions": "ApiException OpenApiException NotFoundException "
    "UnauthorizedException ForbiddenException",
    "openapi_generated.swagger_client": "DatasetType DatasourcePurpose ApiException TagData",
    "openapi_generated.swagger_codegen.models.configuration_entry": "ConfigurationEntry",
}
MODELS = [
    "AutoTask",
    "AutoTaskCrop",
    "AutoTaskTiling",
    "ConfigurationEntry",
    "ConfigurationValueDataType",
    "Creator",
    "DatasetCreator",
    "DatasetData",
    "DatasetEmbeddingData",
    "DatasetType",
    "DatasourceConfig",
    "DatasourcePurpose",
    "DockerRunArtifactData",
    "DockerRunArtifactType",
    "DockerRunData",
    "DockerRunScheduledData",
    "DockerRunScheduledPriority",
    "DockerRunScheduledState",
    "DockerRunState",
    "DockerWorkerRegistryEntryData",
    "DockerWorkerState",
    "DockerWorkerType",
    "ExpiryHandlingStrategyV3",
    "ImageType",
    "LightlyDockerSelectionMethod",
    "LightlyModelV2",
    "LightlyModelV3",
    "LightlyTrainerPrecisionV2",
    "LightlyTrainerPrecisionV3",
    "PredictionSingleton",
    "PredictionSingletonClassification",
    "PredictionSingletonInstanceSegmentation",
    "PredictionSingletonKeypointDetection",
    "PredictionSingletonObjectDetection",
    "PredictionSingletonSemanticSegmentation",
    "PredictionTaskSchema",
    "PredictionTaskSchemaCategory",
    "PredictionTaskSchemaCategoryKeypoints",
    "PredictionTaskSchemaKeypoint",
    "PredictionTaskSchemaSimple",
    "S3Region",
    "SelectionConfig",
    "SelectionConfigEntry",
    "SelectionConfigEntryInput",
    "SelectionConfigEntryStrategy",
    "SelectionConfigV3",
    "SelectionConfigV3Entry",
    "SelectionConfigV3EntryInput",
    "SelectionConfigV3EntryStrategy",
    "SelectionConfigV3EntryStrategyAllOfTargetRange",
    "SelectionConfigV4",
    "SelectionConfigV4Entry",
    "SelectionConfigV4EntryInput",
    "SelectionConfigV4EntryStrategy",
    "SelectionInputPredictionsName",
    "SelectionInputType",
    "SelectionStrategyThresholdOperation",
    "SelectionStrategyType",
    "SelectionStrategyTypeV3",
    "SharedAccessType",
    "TagArithmeticsOperation",
    "TagCreator",
    "TagData",
    "TaskType",
]
"""Each also from its own module, whose name is the class's in snake_case."""


@pytest.mark.parametrize("module", NAMES_BY_MODULE)
def test_a_module_of_the_client_has_its_names(module: str) -> None:
    found = importlib.import_module(f"lightly_nb.{module}")
    for name in NAMES_BY_MODULE[module].split():
        assert getattr(found, name) is getattr(api, name)


def test_every_model_is_found_where_scripts_look() -> None:
    for name in MODELS:
        code = f"from {GENERATED}.models.{snake_case(name)} import {name} as one\n"
        scope: dict[str, Any] = {}
        exec(f"{code}from {GENERATED}.models import {name} as other", scope)
        assert scope["one"] is scope["other"] is getattr(api, name)


def test_what_there_is_not_is_said() -> None:
    with pytest.raises(ImportError, match="models has no TeamData: it means nothing without"):
        exec(f"from {GENERATED}.models import TeamData")
    with pytest.raises(ModuleNotFoundError, match="team_data"):
        importlib.import_module(f"{GENERATED}.models.team_data")
    assert not hasattr(importlib.import_module(f"{GENERATED}.models"), "__all__")


def test_the_imports_of_the_users_text_need_one_word_changed() -> None:
    lines = set(re.findall(r"^\s*(from lightly\..*)$", TEXT.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert len(lines) >= 4
    for line in lines:
        exec(line.replace("from lightly.", "from lightly_nb."), {})


def test_members_of_enums_spell_themselves() -> None:
    enums = [one for one in vars(api).values() if isinstance(one, type) and issubclass(one, StrEnum)]
    assert len(enums) > 15
    assert {member.value for one in enums for member in one} >= {"EMBEDDINGS", "us-east-1", "Images", "LOW"}


def test_models_and_forms_take_both_spellings(filled: ApiWorkflowClient) -> None:
    source = api.SelectionConfigV4EntryInput(type=api.SelectionInputType.EMBEDDINGS)
    strategy = api.SelectionConfigV4EntryStrategy(type=api.SelectionStrategyTypeV3.DIVERSITY, strength=None)
    entry = api.SelectionConfigV4Entry(input=source, strategy=strategy)
    for size in ({"n_samples": 3}, {"nSamples": 3}):
        given = api.SelectionConfigV4(strategies=[entry], **size)
        assert (given.n_samples, given.strategies[0].input.type) == (3, "EMBEDDINGS")
        assert given.to_dict() == SELECTION
        assert given.to_dict(by_alias=True)["nSamples"] == 3
        assert api.SelectionConfigV4.from_json(given.to_json(by_alias=True)).to_dict() == SELECTION
        assert pickle.loads(pickle.dumps(given)) == given
        asked = filled.create_compute_worker_config(selection_config=given)
        assert asked == filled.create_compute_worker_config(selection_config=SELECTION)


def test_singletons_and_schemas_as_that_client_makes_them(filled: ApiWorkflowClient) -> None:
    category = api.PredictionTaskSchemaCategory(id=0, name="car")
    simple = api.PredictionTaskSchemaSimple(
        name="cars", type=TaskType.OBJECT_DETECTION, categories=[category]
    )
    for schema in (
        PredictionTaskSchema(simple),
        PredictionTaskSchema(actual_instance=simple),
        PredictionTaskSchema.from_dict(simple.to_dict()),
    ):
        filled.create_or_update_prediction_task_schema(schema)
    box = api.PredictionSingletonObjectDetection(
        type="OBJECT_DETECTION", taskName="cars", categoryId=0, bbox=[1, 2, 3, 4], score=0.5
    )
    assert PredictionSingleton(box).actual_instance is box
    assert PredictionSingleton.from_dict(box.to_dict(by_alias=True)) == box
    filled.create_or_update_prediction(filled.get_filenames()[0], [PredictionSingleton(box)])


def test_the_bits_of_a_tag(filled: ApiWorkflowClient) -> None:
    names = filled.get_filenames()
    tag = filled.create_tag_from_filenames([names[0], names[3]], "two of them")
    mask = BitMask.from_hex(tag.bit_mask_data)
    assert mask.to_indices() == [0, 3]
    assert mask.masked_select_from_list(names) == [names[0], names[3]]
    mask.invert(len(names))
    assert sorted([*mask.to_indices(), 0, 3]) == list(range(len(names)))
    mask.intersection(BitMask.from_length(3))
    mask.union(BitMask.from_bin("0b1"))
    assert (mask.to_bin(), mask.get_kth_bit(0), mask == BitMask(7)) == ("0b111", True, True)
    mask.unset_kth_bit(1)
    mask.difference(BitMask(1))
    mask.set_kth_bit(4)
    assert repr(mask) == "BitMask('0x14')"


def test_the_modules_of_the_generated_client_come_with_its_import_alone() -> None:
    text = (Path(api.__file__).parent / "__init__.py").read_text(encoding="utf-8")
    assert "openapi_generated" not in text
