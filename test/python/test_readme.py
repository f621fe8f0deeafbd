"""Every Python sample of the README, run as it stands but for the address."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()
SAMPLES = [
    pytest.param(sample, id=section.splitlines()[0])
    for section in re.split(r"^#+ ", README, flags=re.MULTILINE)
    for sample in re.findall(r"^```python\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
]


def test_every_section_has_a_sample() -> None:
    assert len(SAMPLES) >= 6


@pytest.mark.parametrize("sample", SAMPLES)
def test_sample(sample: str, url: str, api_key: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", sample.replace("http://127.0.0.1:4100", url)],
        env={**os.environ, "PARLEY_API_KEY": api_key},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() not in ("", "None"), "the sample printed nothing"
