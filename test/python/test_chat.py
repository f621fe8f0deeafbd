"""Answers: plain, streamed, with tools, parsed."""

import asyncio
import json

import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

HELLO = [{"role": "user", "content": "Say hello."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}


class Event(BaseModel):
    title: str
    guests: list[str]
    year: int


def test_plain(client: OpenAI) -> None:
    completion = client.chat.completions.create(model="gpt-4", messages=HELLO)
    assert completion.object == "chat.completion"
    assert completion.choices[0].message.content
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.prompt_tokens > 0
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert completion._request_id.startswith("req_")


@pytest.mark.parametrize("include_usage", [True, False])
def test_stream(client: OpenAI, include_usage: bool) -> None:
    chunks = list(
        client.chat.completions.create(
            model="gpt-4", messages=HELLO, stream=True, stream_options={"include_usage": include_usage}
        )
    )
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert [chunk.choices == [] for chunk in chunks if chunk.usage] == ([True] if include_usage else [])


def test_stream_helper(client: OpenAI) -> None:
    with client.chat.completions.stream(model="gpt-4", messages=HELLO) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "content.delta" in kinds and kinds[-1] in ("content.done", "chunk")
    assert final.choices[0].message.content


def test_stream_helper_tools(client: OpenAI) -> None:
    with client.chat.completions.stream(model="gpt-4", messages=HELLO, tools=[WEATHER], tool_choice="required") as stream:
        events = list(stream)
        final = stream.get_final_completion()
    [done] = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert done.name == "get_weather"
    assert set(done.parsed_arguments) == {"city", "unit"}
    assert final.choices[0].finish_reason == "tool_calls"


def test_parse(client: OpenAI) -> None:
    completion = client.chat.completions.parse(model="gpt-4o", messages=HELLO, response_format=Event)
    assert isinstance(completion.choices[0].message.parsed, Event)


def test_stream_parse(client: OpenAI) -> None:
    with client.chat.completions.stream(model="gpt-4o", messages=HELLO, response_format=Event) as stream:
        stream.until_done()
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Event)


def test_json_mode(client: OpenAI) -> None:
    completion = client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "Answer in JSON."}],
        response_format={"type": "json_object"},
    )
    assert isinstance(json.loads(completion.choices[0].message.content), dict)


def test_tool_loop(client: OpenAI) -> None:
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    message = client.chat.completions.create(model="gpt-4", messages=messages, tools=[WEATHER]).choices[0].message
    assert message.tool_calls
    messages.append(message)
    for call in message.tool_calls:
        arguments = json.loads(call.function.arguments)
        assert isinstance(arguments["city"], str) and arguments["unit"] in ("C", "F")
        messages.append({"role": "tool", "tool_call_id": call.id, "content": '{"degrees": 18}'})
    answer = client.chat.completions.create(model="gpt-4", messages=messages, tools=[WEATHER])
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content


def test_raw_response_headers(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4", messages=HELLO)
    assert raw.headers["x-request-id"] == raw.request_id
    assert raw.headers["openai-version"]
    assert int(raw.headers["openai-processing-ms"]) >= 0
    assert raw.headers["x-parley-provider"] == "simulator"
    assert raw.headers["x-parley-attempts"] == "1"
    assert raw.parse().choices


def test_streaming_response(client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(model="gpt-4", messages=HELLO, stream=True) as response:
        lines = [line for line in response.iter_lines() if line]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert all(line.startswith("data: ") for line in lines) and lines[-1] == "data: [DONE]"


def test_models(client: OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert {"gpt-4", "gpt-4o"} <= set(ids)
    assert client.models.retrieve("gpt-4").object == "model"


def test_async(url: str, api_key: str) -> None:
    async def ask() -> tuple[str, str]:
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key=api_key, _strict_response_validation=True) as client:
            plain = await client.chat.completions.create(model="gpt-4", messages=HELLO)
            stream = await client.chat.completions.create(model="gpt-4", messages=HELLO, stream=True)
            streamed = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
            return plain.choices[0].message.content, streamed

    plain, streamed = asyncio.run(ask())
    assert plain and streamed


def test_leaving_a_stream(client: OpenAI) -> None:
    slow = {"simulator": {"tokens": 200, "chunk_ms": 50}}
    with client.chat.completions.create(model="gpt-4", messages=HELLO, stream=True, extra_body=slow) as stream:
        next(iter(stream))
    assert client.chat.completions.create(model="gpt-4", messages=HELLO).choices
