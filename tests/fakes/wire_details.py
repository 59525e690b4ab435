"""The examples of what the API returns by itself, with their models."""

import json
from pathlib import Path

from aiotofupilot import models

_RECORDED = json.loads((Path(__file__).parents[1] / "recordings" / "details.json").read_text("utf-8"))

MODELS = {
    "procedures": models.ProcedureDetails,
    "versions": models.VersionDetails,
    "runs": models.RunDetails,
    "units": models.UnitDetails,
    "parts": models.PartDetails,
    "revisions": models.RevisionDetails,
    "batches": models.BatchDetails,
    "stations": models.StationDetails,
    "station_current": models.StationDetails,
    "user_current": models.User,
    "whoami": models.Identity,
    "deployments": models.DeploymentDetails,
    "logs": models.Log,
    "measurements": models.MeasurementDetails,
    "phases": models.PhaseDetails,
}
PATHS = {name: recorded["path"] for name, recorded in _RECORDED.items()}
EXAMPLES = {name: recorded["examples"] for name, recorded in _RECORDED.items()}
DETAILS = [(name, model, example) for name, model in MODELS.items() for example in EXAMPLES[name]]
