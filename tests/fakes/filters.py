"""What each filter of each listing compares: the value at a path of an item.

A path such as ``unit.part.number`` leads through an item. One that begins with ``@`` leads through the item's run.
"""

from functools import cache

from aiotofupilot.sandbox.rest import document


def paths(text):
    """Read a table of filters, or of orders, and the paths of what they look at."""
    return dict(pair.split("=") for pair in text.split())


RUN = paths("""
    outcomes=outcome procedure_versions=procedure.version.tag serial_numbers=unit.serial_number
    part_numbers=unit.part.number revision_numbers=unit.part.revision.number batch_numbers=unit.batch.number
    samples=unit.sample deployment_ids=procedure.version.id created_by_user_ids=created_by_user.id
    created_by_station_ids=created_by_station.id operated_by_ids=operated_by.id operated_by_names=operated_by.name
""")
"""Filters of runs, and the paths of what they compare."""


def of_run(*without):
    """Return the filters of a listing of what runs wrote, by their runs."""
    return {name: f"@{path}" for name, path in RUN.items() if name not in without}


def times(name, path):
    """Return the filters by an earliest and a latest time."""
    return {f"{name}_{end}": path for end in ("after", "before")}


FILTERS = {
    "runs": RUN
    | paths("ids=id procedure_ids=procedure.id execution_ids=execution_id slot_keys=slot_key slot_names=slot_name")
    | paths("duration_min=duration duration_max=duration")
    | times("started", "started_at")
    | times("ended", "ended_at")
    | times("created", "created_at"),
    "units": paths("""
        ids=id serial_numbers=serial_number part_numbers=part.number revision_numbers=part.revision.number
        batch_numbers=batch.number created_by_user_ids=created_by_user.id created_by_station_ids=created_by_station.id
        samples=sample
    """)
    | times("created", "created_at"),
    "batches": paths("ids=id numbers=number") | times("created", "created_at"),
    "deployments": paths("""
        procedure_ids=procedure.id environments=environment build_statuses=status branch_names=commit.branch
        author_usernames=commit.author_username
    """)
    | times("deployed", "deployed_at"),
    "logs": of_run("outcomes", "operated_by_ids", "operated_by_names")
    | paths("procedure_ids=procedure.id levels=level source_files=source_file run_ids=run.id run_outcomes=run.outcome")
    | times("timestamp", "created_at"),
    "measurements": of_run("part_numbers", "samples")
    | paths("""
        ids=run_id phase_names=phase_name phase_name=phase_name measurement_name=measurement_name
        value_strings=string_value measurement_outcomes=measurement_outcome measurement_types=measurement_type
        value_min=value value_max=value duration_min=@duration duration_max=@duration
    """)
    | times("started", "started_at"),
    "phases": of_run("part_numbers", "outcomes")
    | paths("""
        ids=run_id names=name outcomes=outcome run_outcomes=@outcome sequence_paths=sequence_path
        duration_min=@duration duration_max=@duration
    """)
    | times("started", "started_at"),
}
SINGLE = {"phase_name", "measurement_name"}
"""Filters that take one text."""
BOUNDED = ("_after", "_before", "_min", "_max")
"""How the names of bounds end."""


@cache
def runs_by_id(service):
    return {run.id: run for run in service.runs}


def at(service, item, path):
    """Return the value at a path. One that leads through None ends in None."""
    if path.startswith("@"):
        item, path = runs_by_id(service)[getattr(item, "run_id", None) or item.run.id], path[1:]
    for name in path.split("."):
        item = item and getattr(item, name)
    return item


def listed(service, listing):
    """Give the models that are listed without a filter, and the query that this takes."""
    if listing not in ("measurements", "phases"):
        return list(getattr(service, listing)), []
    procedure = service.procedures[0].id
    runs = {run.id for run in service.runs if run.procedure.id == procedure}
    rows = [row for row in getattr(service, listing) if row.run_id in runs and row.is_final_attempt]
    return rows, [("procedure_id", procedure)]


def written(value):
    """Write a value as in a query."""
    return repr(value) if isinstance(value, float) else value if isinstance(value, str) else document(value)


def selected(service, listing, name):
    """Choose values of a filter that select something, and return them with the IDs of what they select, in order.

    Of several values, an item has one, and bounds are included.
    """
    rows, _ = listed(service, listing)
    values = {row.id: at(service, row, FILTERS[listing][name]) for row in rows}
    known = [value for value in values.values() if value is not None]
    if name.endswith(BOUNDED):
        bound = sorted(known)[len(known) // 2]
        fitting = [
            value for value in known if (value >= bound if name.endswith(("_after", "_min")) else value <= bound)
        ]
        wanted = [bound]
    else:
        wanted = fitting = list(dict.fromkeys(known))[-1 if name in SINGLE else -2 :]
    return wanted, [identity for identity, value in values.items() if value in fitting]
