import pytest

from eigenlab.errors import Cancelled, InputError
from eigenlab.reporter import SILENT, Reporter


def test_cancelling_a_reporter_stops_its_own_work_only():
    reporter = Reporter()
    reporter.cancel()
    assert reporter.cancelled
    with pytest.raises(Cancelled):
        reporter.raise_if_cancelled()
    assert not Reporter().cancelled


def test_the_shared_silent_reporter_cannot_be_cancelled():
    with pytest.raises(InputError, match="cannot be cancelled; pass reporter=Reporter"):
        SILENT.cancel()
    assert not SILENT.cancelled
    SILENT.raise_if_cancelled()
