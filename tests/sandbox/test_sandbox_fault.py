"""What a fault is."""

from aiotofupilot.sandbox.delivery import Delivery, Wait
from aiotofupilot.sandbox.faults.fault import Fault, fault, instead


@fault
def late(seconds, *, more=0):
    return lambda delivery, _request, _random: Delivery((*delivery.steps, Wait(seconds + more)))


def test_written_as_called():
    """A fault shows as the call that made it, and compares by that."""
    assert repr(late(5)) == "late(5)"
    assert repr(late(5, more=0)) == "late(5, more=0)"
    assert late(5) == late(5)
    assert len({late(5), late(5), late(6)}) == 2


def test_sum(met):
    """In a sum of faults, the left one happens first."""
    both = late(1) + late(2, more=1)
    assert repr(both) == "late(1) + late(2, more=1)"
    assert met(both, Delivery(())).steps == (Wait(1), Wait(3))


def test_instead(met):
    """Another answer takes the place, after the same waits."""
    answer = met(Fault("teapot", instead(418, {"A": "1"}, b"x")), Delivery((Wait(1),)))
    assert answer.steps == (Wait(1), *Delivery.of(418, {"A": "1"}, b"x").steps)
