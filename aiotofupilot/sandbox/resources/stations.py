"""The listings of stations and users. That of users is a bare array, without pages or parameters."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from aiotofupilot import models
from aiotofupilot.sandbox.document import Refusal, document, extended
from aiotofupilot.sandbox.factory.recipes import made_up, uuid
from aiotofupilot.sandbox.resource import Detail, Resource, contains

if TYPE_CHECKING:
    from aiotofupilot.sandbox.factory import Reading


def _station_details(reading: Reading, station: models.Station) -> dict[str, object]:
    """Make the details of a station. One without runs has no key. What is shown of a key is made up from the ID."""
    runs = reading.all("runs", "created_by_station.id", station.id)
    week = timedelta(days=7)
    newest = max((run.started_at for run in reading.snapshot.rows("runs")), default=None)
    return {
        "api_key": f"{uuid(made_up('key', station.id))[:8]}..." if runs else None,
        "organization_slug": reading.organization.slug,
        "procedures": [
            extended(
                models.StationProcedure,
                procedure,
                runs_count=sum(run.procedure.id == procedure.id and newest - run.started_at < week for run in runs),
                deployment=_deployed(reading, procedure.id, station.id),
            )
            for procedure in station.procedures
        ],
    }


def _deployed(reading: Reading, procedure_id: str, station_id: str) -> models.StationDeployment | None:
    """Make what a station says of the latest deployment of a procedure to it. None: there is none."""
    ready = (
        deployment
        for deployment in reading.all("deployments", "procedure.id", procedure_id)
        if station_id in {station.id for station in deployment.stations}
    )
    latest = max(ready, key=attrgetter("deployed_at"), default=None)
    return latest and extended(
        models.StationDeployment,
        latest,
        deployed_at=document(latest.deployed_at),
        repository=latest.repository
        and models.StationRepository(
            owner="example-energy",
            name="eol-tests",
            provider=latest.repository.provider,
            gitlab_project_id=12345 if latest.repository.provider == "gitlab" else None,
        ),
    )


def _current_station(reading: Reading) -> models.Station:
    """Return the station whose key it is."""
    if not reading.is_station:
        raise Refusal(403, "FORBIDDEN", "Only stations can read the current station")
    return reading.station


STATIONS = Resource(
    name="stations",
    filters={
        "search_query": contains("name"),
        "procedure_ids": lambda wanted, _snapshot: lambda station: any(run.id in wanted for run in station.procedures),
    },
    details=(
        Detail("stations/current", models.StationDetails, _current_station, _station_details),
        Detail("stations/*", models.StationDetails, more=_station_details),
    ),
)


def _current_user(reading: Reading) -> models.User:
    """Return the user whose key it is."""
    if reading.is_station:
        raise Refusal(403, "FORBIDDEN", "Stations cannot read the current user")
    return reading.user


def _identity(reading: Reading) -> models.Identity:
    """Return whose key it is."""
    station = extended(models.StationRef, reading.station) if reading.is_station else None
    user = None if station else extended(models.UserRef, reading.user)
    kind = "station" if station else "user"
    return models.Identity(type=kind, station=station, user=user, organization=reading.organization)


USERS = Resource(
    name="users",
    details=(Detail("users/current", models.User, _current_user), Detail("whoami", models.Identity, _identity)),
)
