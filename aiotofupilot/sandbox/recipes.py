"""The products of the made-up factory, and the tests of them."""

from __future__ import annotations

from attrs import field, frozen

__all__ = ["BENCHES", "PARTS", "TEAMS", "TESTS", "Bench", "Limit", "Measured", "Product", "Step"]


@frozen
class Product:
    """A part that is made."""

    number: str
    """Part number."""
    name: str
    """Display name."""
    prefix: str
    """The beginning of its serial numbers."""
    revisions: tuple[str, ...]
    """Revision numbers, the oldest first."""
    share: int
    """How often a unit of it is begun, relative to other parts."""
    built_from: tuple[int, ...] = ()
    """The indexes of the parts that are built into it."""


PARTS = (
    Product("INV-2000", "Inverter 2 kW", "INV", ("A", "B", "C"), 5, (1, 2)),
    Product("PSU-120", "Power Supply 120 W", "PSU", ("A", "B"), 4),
    Product("CTL-16", "Control Board", "CTL", ("A", "B", "C", "D"), 4),
    Product("BAT-48", "Battery Pack 48 V", "BAT", ("A", "B"), 3, (4,)),
    Product("BMS-48", "Battery Management Board", "BMS", ("A", "B", "C"), 3),
    Product("GWY-5", "Gateway", "GWY", ("A",), 2),
    Product("SNS-P1", "Pressure Sensor", "SNS", ("A", "B"), 2),
    Product("ESC-40", "Drone ESC 40 A", "ESC", ("A", "B"), 1),
)


TEAMS = ("Lyon line 1", "Lyon line 2")


@frozen
class Bench:
    """A station."""

    name: str
    """Display name."""
    team: int | None
    """The index of its team; None: it has no team."""
    failure_rate: float
    """The share of first runs that fail on it, 0 to 1."""
    slots: int = 1
    """How many units it tests at a time."""


BENCHES = (
    Bench("ICT bench 1", 0, 0.05),
    Bench("FVT bench 2", 0, 0.34),  # many runs fail here, because the fixture is worn
    Bench("FVT bench 3", 0, 0.06, slots=2),
    Bench("EOL line 1", 1, 0.04, slots=4),
    Bench("Calibration lab", 1, 0.07),
    Bench("Repair desk", None, 0.1),
)


@frozen
class Limit:
    """One check of a measured value."""

    operator: str
    """How the value is compared."""
    expected: float | str | bool | tuple[str, ...]
    """The value to compare with."""


@frozen
class Measured:
    """A measurement of a step."""

    name: str
    """Name of the measurement."""
    kind: str = "numeric"
    """Type of the measurement."""
    units: str | None = None
    """Unit of its values; None: they have none."""
    low: float | None = None
    """The least value that passes; None: there is no lower limit."""
    high: float | None = None
    """The largest value that passes; None: there is no upper limit."""
    drifts: bool = False
    """Whether its values move towards a limit from one recalibration to the next."""
    expression: str | None = None
    """A check that somebody wrote by hand; None: there is none."""
    expected: str | bool | tuple[str, ...] | None = None
    """For texts and truth values: the value that passes, or a tuple of all that pass. None: any value passes, or the
    value is a number."""

    @property
    def limits(self) -> tuple[Limit, ...]:
        """All checks."""
        if isinstance(self.expected, tuple):
            return (Limit("in", self.expected),)
        if self.expected is not None:
            return (Limit("==", self.expected),)
        return (
            *(() if self.low is None else (Limit(">=", self.low),)),
            *(() if self.high is None else (Limit("<=", self.high),)),
        )


@frozen
class Step:
    """A phase that a procedure may have."""

    name: str
    """Display name."""
    sequence: str
    """Path of the sequence that holds it."""
    milliseconds: int
    """How long it takes, in milliseconds."""
    measures: tuple[Measured, ...] = field(default=())
    """The measurements."""


TESTS = (
    Step(
        "Power Up",
        "setup",
        8000,
        (
            Measured("supply_voltage", units="V", low=11.4, high=12.6, drifts=True),
            Measured("inrush_current", units="A", high=3.0),
        ),
    ),
    Step("Firmware Version", "setup", 3000, (Measured("firmware_version", "string", expected="2.4.1"),)),
    Step("Self Test", "setup", 5000, (Measured("self_test_passed", "boolean", expected=True),)),
    Step("Output Ripple", "main", 21000, (Measured("ripple_pp", units="mV", high=50.0, drifts=True),)),
    Step("Efficiency", "main", 15000, (Measured("efficiency", units="%", low=92.0),)),
    Step("Leakage Current", "main", 12000, (Measured("leakage_current", units="uA", high=250.0),)),
    Step(
        "Calibration",
        "main",
        18000,
        (
            Measured("gain", low=0.98, high=1.02, drifts=True),
            Measured("offset", units="mV", low=-5.0, high=5.0, expression="abs(x) <= 5"),
            Measured("calibration_table", "json"),
        ),
    ),
    Step(
        "RF Power",
        "main",
        9000,
        (Measured("tx_power", units="dBm", low=17.0, high=20.0), Measured("spectrum", "multidimensional")),
    ),
    Step("Temperature Rise", "main", 30000, (Measured("temperature", units="°C", high=85.0),)),
    Step(
        "Visual Inspection",
        "main",
        6000,
        (Measured("label", "string", expected=("L1", "L2")), Measured("remark", "empty")),
    ),
)
