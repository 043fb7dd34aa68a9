curl --silent --show-error --include "${ANTHROPIC_BASE_URL:-http://127.0.0.1:8787}/v1/messages" \
  -H 'x-api-key: spillway' -H 'anthropic-version: 2023-06-01' -H 'content-type: application/json' \
  -d '{"model":"claude-sonnet-5-5","max_tokens":200,"messages":[{"role":"user","content":"What does a spillway do?"}]}'
