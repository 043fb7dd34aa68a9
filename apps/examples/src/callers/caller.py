import os

from anthropic import Anthropic

client = Anthropic(
    base_url=os.environ.get("ANTHROPIC_BASE_URL", "http://127.0.0.1:8787"),
    api_key="spillway",
    max_retries=0,
)
raw = client.messages.with_raw_response.create(
    model="claude-sonnet-5-5",
    max_tokens=200,
    messages=[{"role": "user", "content": "What does a spillway do?"}],
)
print(raw.parse().content[0].text)
print("served by", raw.headers["x-spillway-served-by"])
