import os

import httpx

client = httpx.Client(
    base_url=os.environ.get("ANTHROPIC_BASE_URL", "http://127.0.0.1:8787"),
    timeout=httpx.Timeout(620, connect=5),
)


def ask(text: str) -> httpx.Response:
    response = client.post(
        "/v1/messages",
        headers={"x-api-key": "spillway", "anthropic-version": "2023-06-01"},
        json={
            "model": "claude-sonnet-5-5",
            "max_tokens": 200,
            "messages": [{"role": "user", "content": text}],
        },
    )
    if response.is_error:
        raise RuntimeError(f"call {response.headers['x-spillway-call-id']}: {response.text}")
    return response


response = ask("What does a spillway do?")
print(response.json()["content"][0]["text"])
print("served by", response.headers["x-spillway-served-by"])
