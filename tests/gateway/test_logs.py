"""Logs: a JSON object a line, which carries the job that it was written in."""

import json
import subprocess
import sys
import textwrap

SAID = """
    import logging
    from structlog.contextvars import bound_contextvars
    from gateway.logs import set_up_logs

    set_up_logs()
    log = logging.getLogger("gateway.somewhere")
    with bound_contextvars(workitem="2.25.1", study="1.2.3"):
        log.warning("put off", extra={"why": "archive away"})
    try:
        raise ValueError("two\\nlines")
    except ValueError:
        log.exception("failed")
"""


def test_a_line_is_json_and_carries_the_job_that_it_was_written_in():
    program = [sys.executable, "-c", textwrap.dedent(SAID)]
    written = subprocess.run(program, capture_output=True, text=True, check=True).stderr
    within, outside = [json.loads(line) for line in written.splitlines()]

    assert (within["event"], within["workitem"], within["study"]) == ("put off", "2.25.1", "1.2.3")
    assert within["why"] == "archive away"
    assert "workitem" not in outside
    assert "ValueError" in outside["exception"]
