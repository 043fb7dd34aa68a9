// Runs in an empty project that has the packed packages: imports each example as it was pasted, makes its calls, and says on
// stdout what came. The vendors are simulated: arguments name them.
import { createRequire } from 'node:module'
import { setDefaultAutoSelectFamily } from 'node:net'

const [claude, openai, ...names] = process.argv.slice(2)
const plain = globalThis.fetch
const atHome = { 'api.anthropic.com': claude, 'api.openai.com': openai, 'llama.example': openai }
globalThis.fetch = (input, init) => {
  const url = new URL(typeof input === 'string' ? input : (input.url ?? String(input)))
  const there = atHome[url.hostname]
  return plain(there === undefined ? input : there + url.pathname + url.search, init)
}
setDefaultAutoSelectFamily(false)

const ask = async (fetch, host = 'api.anthropic.com') => {
  const response = await fetch(`https://${host}/v1/messages`, {
    method: 'POST',
    headers: {
      'x-api-key': 'sk-ant-test',
      'anthropic-version': '2023-06-01',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      ...{ model: 'claude-sonnet-5-5', max_tokens: 20 },
      messages: [{ role: 'user', content: 'Hello?' }],
    }),
  })
  const { content } = await response.json()
  return content?.[0]?.text
}

/** What a package's example does, where importing it is not all. */
const uses = {
  async budgets({ withinBudget }) {
    await withinBudget(1_000_000_000, async () => 49_500_000_000)
    return withinBudget(1_000_000_000_000, async () => 0).catch(({ message }) => message)
  },
  'circuit-breaker-fallback': ({ fetchWithPlanB }) => ask(fetchWithPlanB),
  async 'key-vault'({ credential }) {
    const { value, release } = await credential.token()
    release()
    return value
  },
  async ledger({ bookedFetch, ledger, store }) {
    const text = await ask(bookedFetch)
    await ledger.close()
    await store.close()
    return text
  },
  'local-model': ({ fetchWithPlanB }) => ask(fetchWithPlanB),
  async middleware({ chain }) {
    const { attempt, fetchTransport } = await import('@spillway/attempt')
    const { createRequest } = await import('@spillway/middleware')
    const { jsonBodyFromObject } = await import('@spillway/middleware/kit')
    const handler = chain(attempt(fetchTransport(fetch)), (line) => console.log(line))
    const messages = [{ role: 'user', content: 'Hello?' }]
    const body = jsonBodyFromObject({ model: 'm', max_tokens: 20, messages })
    const headers = { 'x-api-key': 'sk-ant-test', 'anthropic-version': '2023-06-01' }
    const url = 'https://api.anthropic.com/v1/messages'
    const response = await handler(
      createRequest({ api: 'anthropic', model: 'm', stream: false, url, headers, body }),
    )
    return response.failure ?? (await response.outcome).stopReason
  },
  mirror: ({ mirroredFetch }) => ask(mirroredFetch),
  'rate-limit': ({ pacedFetch }) => ask(pacedFetch),
  retry: ({ patientFetch }) => ask(patientFetch),
  routing: ({ balancedFetch }) => ask(balancedFetch),
  telemetry: ({ observedFetch }) => ask(observedFetch),
  translation: ({ localFetch }) => ask(localFetch, 'llama.example'),
  usage: ({ dollars }) => dollars,
  wire: async ({ howItWent }) => howItWent(new Response('{}', { status: 529 })),
}

for (const name of names) {
  // The AI SDK takes its base URL with the version.
  process.env.ANTHROPIC_BASE_URL = name === 'ai-sdk' ? `${claude}/v1` : claude
  const said = []
  const { log } = console
  console.log = (...values) => said.push(...values)
  let exported
  let answer
  try {
    exported = await import(`./${name}.ts`)
    answer = await uses[name]?.(exported)
  } catch (error) {
    answer = `FAILED: ${error.stack}`
  }
  console.log = log
  log(
    JSON.stringify([
      name,
      answer ?? said.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(' '),
    ]),
  )
}
const require = createRequire(import.meta.url)
const required = names.filter((name) => Object.keys(require(`@spillway/${name}`)).length > 0)
console.log(JSON.stringify(['required', required.length]))
// Examples keep what a program keeps for its whole life.
process.exit()
