"""What a fault is."""

from aiotofupilot.sandbox.delivery import Delivery, Wait
from aiotofupilot.sandbox.faults.fault import Fault, fault, instead


@fault
def late(seconds, *, more=0):
    return lambda delivery, _request, _random: Delivery((*delivery.steps, Wait(seconds + more)))


def test_a_fault_shows_as_the_call_that_made_it():
    """Faults with the same call are equal."""
    assert repr(late(5)) == "late(5)"
    assert repr(late(5, more=0)) == "late(5, more=0)"
    assert late(5) == late(5)
    assert len({late(5), late(5), late(6)}) == 2


def test_in_a_sum_of_faults_the_left_one_happens_first(met):
    both = late(1) + late(2, more=1)
    assert repr(both) == "late(1) + late(2, more=1)"
    assert met(both, Delivery(())).steps == (Wait(1), Wait(3))


def test_another_answer_replaces_the_right_one_after_the_same_waits(met):
    answer = met(Fault("teapot", instead(418, {"A": "1"}, b"x")), Delivery((Wait(1),)))
    assert answer.steps == (Wait(1), *Delivery.of(418, {"A": "1"}, b"x").steps)
