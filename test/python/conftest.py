"""The official openai package against a running gateway: PARLEY_URL and PARLEY_API_KEY say where and as whom."""

import os

import pytest
from openai import OpenAI


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["PARLEY_URL"]


@pytest.fixture(scope="session")
def api_key() -> str:
    return os.environ["PARLEY_API_KEY"]


@pytest.fixture
def client(url: str, api_key: str) -> OpenAI:
    """Strict: an answer that does not fit the SDK's types is an error. No retries: an error is seen as it is."""
    return OpenAI(base_url=f"{url}/v1", api_key=api_key, max_retries=0, _strict_response_validation=True)
