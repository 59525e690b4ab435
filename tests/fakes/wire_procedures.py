"""Procedures with the names of the wire, spelled without this package's converters."""

from attrs import asdict


def as_wire(procedure):
    """Return a procedure as a dict with the names of the wire. The date stays a date."""
    item = asdict(procedure)
    repository = item["linkedRepository"] = item.pop("linked_repository")
    if repository:
        repository["fullName"] = repository.pop("full_name")
    return item
