"""Failures: each reaches the SDK as the class, code and param it documents."""

import openai
import pytest
from openai import OpenAI

HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.mark.parametrize("key", ["sk-parley-unknown", "sk-" + "x" * 200])
def test_unknown_key(url: str, key: str) -> None:
    with pytest.raises(openai.AuthenticationError) as failure:
        OpenAI(base_url=f"{url}/v1", api_key=key).chat.completions.create(model="gpt-4", messages=HELLO)
    assert failure.value.code == "invalid_api_key"
    assert key not in str(failure.value)


def test_unknown_model(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as failure:
        client.chat.completions.create(model="gpt-44", messages=HELLO)
    assert failure.value.code == "model_not_found"
    assert "gpt-4" in failure.value.message
    with pytest.raises(openai.NotFoundError) as failure:
        client.models.retrieve("no-such-model")
    assert failure.value.param == "model"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [*HELLO, {"role": "user", "content": 5}]}, "messages[1].content"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_bad_request(client: OpenAI, change: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as failure:
        client.chat.completions.create(**{"model": "gpt-4", "messages": HELLO, **change})
    assert failure.value.param == param
    assert failure.value.type == "invalid_request_error"
    assert failure.value.request_id.startswith("req_")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "error"),
    [("429", openai.RateLimitError), ("500", openai.InternalServerError), ("503", openai.InternalServerError)],
)
def test_upstream_failure(client: OpenAI, fault: str, error: type[openai.APIStatusError], stream: bool) -> None:
    with pytest.raises(error) as failure:
        client.chat.completions.create(
            model="gpt-4", messages=HELLO, stream=stream, extra_body={"simulator": {"fault": fault}}
        )
    assert failure.value.response.headers["x-should-retry"] in ("true", "false")


def test_cut_stream(client: OpenAI) -> None:
    cut = {"simulator": {"tokens": 20, "fault": "cut", "after_chunks": 3}}
    stream = client.chat.completions.create(model="gpt-4", messages=HELLO, stream=True, extra_body=cut)
    with pytest.raises(openai.APIError):
        list(stream)


def test_timeout(client: OpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(
            model="gpt-4", messages=HELLO, extra_body={"simulator": {"first_token_ms": 3000}}
        )


def test_unknown_url(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.get("/no/such/url", cast_to=object)
