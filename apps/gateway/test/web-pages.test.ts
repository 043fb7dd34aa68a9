import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type SimulatedServer, startOpenRouter } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { hasChromium, launchBrowser, settled } from '../../dashboard/test/browser.ts'
import { parseConfig, startGateway } from '../src/index.ts'
import { configOf, forThisTest, targetAt } from './gateway.ts'
import { chat, send } from './raw-client.ts'

type Browser = Awaited<ReturnType<typeof launchBrowser>>
type Page = Awaited<ReturnType<Browser['newPage']>>

/** A foreign name that resolves to this machine, as any public name may. */
const evil = 'evil.example'

// Everything that a page tries is text: programs without the types of browsers check this file too.

/** What runs in a page: each attempt says what it could read, or `nothing`. */
const tools = `
  const call = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] })
  const text = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: call }
  const read = async (response) =>
    response.type === 'opaque' ? 'nothing' : response.ok ? 'read: ' + (await response.text()) : 'status ' + response.status
  const reading = (url, init) => fetch(url, init).then(read, () => 'nothing')
  const loading = (tag, set) => new Promise((resolve) => {
    const element = document.createElement(tag)
    element.onload = () => resolve(element.naturalWidth ? 'read: an image' : 'loaded')
    element.onerror = () => resolve('nothing')
    set(element)
    document.body.append(element)
  })
  const hearing = (url) => new Promise((resolve) => {
    const source = new EventSource(url)
    source.addEventListener('ping', () => { source.close(); resolve('read: events') })
    source.onerror = () => { source.close(); resolve('nothing') }
  })
  const connecting = (url) => new Promise((resolve) => {
    const socket = new WebSocket(url)
    socket.onopen = () => resolve('read: a socket')
    socket.onerror = () => resolve('nothing')
  })
  const submitting = (url) => new Promise((resolve) => {
    const frame = document.createElement('iframe')
    frame.name = 'answer'
    const form = document.createElement('form')
    Object.assign(form, { method: 'POST', action: url, enctype: 'text/plain', target: 'answer' })
    const field = document.createElement('input')
    field.name = call.slice(0, -1) + ', "x": "'
    field.value = '"}'
    form.append(field)
    document.body.append(frame, form)
    frame.onload = () => resolve('sent')
    form.submit()
  })
  const fromSandbox = (url) => new Promise((resolve) => {
    const frame = document.createElement('iframe')
    frame.sandbox = 'allow-scripts'
    addEventListener('message', ({ data }) => resolve(data))
    frame.srcdoc = '<script>fetch(' + JSON.stringify(url) + ', ' + JSON.stringify(text).replaceAll('<', '') +
      ').then((r) => r.text()).then((t) => parent.postMessage("read: " + t, "*"), () => parent.postMessage("nothing", "*"))</' + 'script>'
    document.body.append(frame)
  })
`

/** All that a page of another origin can send here without being asked by the browser whether it may, and some more. */
const attacks = (url: string): string => `(async () => { ${tools}
  const at = ${JSON.stringify(url)}
  return {
    'a call without CORS': await reading(at + '/v1/chat/completions', { ...text, mode: 'no-cors' }),
    'a call of the other protocol': await reading(at + '/v1/messages', { ...text, mode: 'no-cors' }),
    'a call as text': await reading(at + '/v1/chat/completions', text),
    'a call as JSON': await reading(at + '/v1/chat/completions', { ...text, headers: { 'content-type': 'application/json' } }),
    'a beacon': navigator.sendBeacon(at + '/v1/chat/completions', call) && 'nothing',
    'a form': await submitting(at + '/v1/chat/completions') && 'nothing',
    'a call of a sandboxed frame': await fromSandbox(at + '/v1/chat/completions'),
    'the API': await reading(at + '/api/summary'),
    'metrics': await reading(at + '/metrics'),
    'an image': await loading('img', (element) => { element.src = at + '/api/calls' }),
    'a script': await loading('script', (element) => { element.src = at + '/metrics' }),
    'a module': await loading('script', (element) => { element.type = 'module'; element.src = at + '/api/openapi.json' }),
    'a style sheet': await loading('link', (element) => { element.rel = 'stylesheet'; element.href = at + '/api/summary' }),
    'live events': await hearing(at + '/api/live'),
    'a socket': await connecting(at.replace('http', 'ws') + '/api/live'),
  } })()`

/** What a page can do whose own origin has been made to lead here. */
const ofItsOwn = `(async () => { ${tools}
  return {
    'a call': await reading('/v1/chat/completions', { ...text, headers: { 'content-type': 'application/json' } }),
    'a call of the other protocol': await reading('/v1/messages', text),
    'the API': await reading('/api/summary'),
    'calls': await reading('/api/calls'),
    'metrics': await reading('/metrics'),
    'health': await reading('/healthz'),
    'the dashboard': await reading('/', { headers: { accept: 'text/html' } }),
    'live events': await hearing('/api/live'),
  } })()`

describe.skipIf(!hasChromium())('web pages in Chromium', { timeout: 60_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser([evil])
  })
  afterAll(() => browser?.close())

  /** A gateway in front of a server that lets every page read its answers, as OpenRouter does. */
  async function start(server: object = {}, port = 0): Promise<{ url: string; upstream: SimulatedServer }> {
    const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' }
    const upstream = forThisTest(await startOpenRouter({ headers }))
    const config = configOf(targetAt(upstream, 'openrouter'), undefined, { server })
    const gateway = await startGateway(parseConfig(stringify(config), 'test.yaml').config, { port })
    onTestFinished(() => gateway.close(0))
    return { url: gateway.url, upstream }
  }

  /** A foreign site on another port, under every name; all of its pages are this one. */
  async function startSite(html = '<!doctype html><body></body>') {
    const server = createServer((_, res) => res.setHeader('content-type', 'text/html').end(html))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    onTestFinished(close)
    return { port: (server.address() as AddressInfo).port, close }
  }

  const site = async (html?: string): Promise<number> => (await startSite(html)).port

  async function open(url: string): Promise<Page> {
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(url)
    return page
  }

  it.each([evil, '127.0.0.1', 'localhost', 'evil.localhost'])(
    'a page at %s on another port reaches no model and reads nothing',
    async (host) => {
      const { url, upstream } = await start()
      const page = await open(`http://${host}:${await site()}/`)
      const answers: [string, number][] = []
      page.on('response', (response) => {
        if (response.url().startsWith(url))
          answers.push([new URL(response.url()).pathname, response.status()])
      })
      const could = (await page.evaluate(attacks(url))) as Record<string, string>
      expect(upstream.requests.map(({ path }) => path)).toEqual([])
      expect(Object.entries(could).filter(([, what]) => what !== 'nothing')).toEqual([])
      expect(answers.filter(([, status]) => status !== 403)).toEqual([])
    },
  )

  it('a page whose name is made to lead here (DNS rebinding) reaches no model and reads nothing', async () => {
    // To the browser it is all the same whether the name or the port leads to another server from now on.
    const attacker = await startSite()
    const page = await open(`http://${evil}:${attacker.port}/`)
    await attacker.close()
    const { upstream } = await start({}, attacker.port)
    const could = (await page.evaluate(ofItsOwn)) as Record<string, string>
    expect(upstream.requests.map(({ path }) => path)).toEqual([])
    expect(Object.entries(could).filter(([, what]) => !/^(nothing|status 403)$/.test(what))).toEqual([])
    expect(could['the API']).toBe('status 403')
  })

  it('a page at the very same name may do all that, which shows that the attempts work', async () => {
    const { url, upstream } = await start()
    const page = await open(url)
    const could = (await page.evaluate(ofItsOwn)) as Record<string, string>
    expect(Object.entries(could).filter(([, what]) => !what.startsWith('read: '))).toEqual([
      ['a call of the other protocol', expect.stringMatching(/^(read: |status 4)/)],
    ])
    expect(upstream.requests.length).toBeGreaterThan(0)
  })

  it('a page cannot show the dashboard inside of itself', async () => {
    const { url } = await start()
    const page = await open(`http://${evil}:${await site(`<iframe src="${url}/"></iframe>`)}/`)
    await expect.poll(() => page.frames().length).toBe(2)
    await expect.poll(() => page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/')
  })

  it('a link on another site opens the dashboard, which works', async () => {
    const { url } = await start()
    const page = await open(`http://${evil}:${await site(`<a href="${url}/#/live">the dashboard</a>`)}/`)
    await page.getByRole('link').click()
    await settled(page)
    await page.locator('.feed[data-status="live"]').waitFor()
    await send(`${url}/v1/chat/completions`, { body: chat() })
    await expect.poll(() => page.locator('table tbody tr').count()).toBe(1)
    await page.reload()
    await settled(page)
    await page.locator('.feed[data-status="live"]').waitFor()
  })

  it('a page of an allowed origin uses the gateway as any client', async () => {
    const port = await site()
    const { url, upstream } = await start({ allowedOrigins: [`http://${evil}:${port}`] })
    const headers = {
      'content-type': 'application/json',
      'x-api-key': 'any',
      'anthropic-version': '2023-06-01',
    }
    const asking = (body: object, path = '/v1/chat/completions'): string => `(async () => {
      const init = { method: 'POST', headers: ${JSON.stringify(headers)}, body: ${JSON.stringify(JSON.stringify(body))} }
      const response = await fetch(${JSON.stringify(url + path)}, init)
      return { status: response.status, by: response.headers.get('x-spillway-served-by'), text: await response.text() }
    })()`
    const page = await open(`http://${evil}:${port}/`)
    expect(await page.evaluate(asking(chat()))).toMatchObject({ status: 200, by: 'claude' })
    expect(await page.evaluate(asking(chat({ stream: true })))).toMatchObject({
      status: 200,
      text: expect.stringContaining('data: [DONE]'),
    })
    expect(await page.evaluate(asking({}))).toMatchObject({
      status: 400,
      text: expect.stringContaining('model: '),
    })
    expect(await page.evaluate(asking({}, '/v1/nothing'))).toMatchObject({ status: 404 })
    expect(
      await page.evaluate(
        `(async () => { ${tools} return hearing(${JSON.stringify(`${url}/api/live`)}) })()`,
      ),
    ).toBe('read: events')
    const reached = upstream.requests.length
    expect(reached).toBe(2)
    const other = await open(`http://localhost:${port}/`)
    await expect(other.evaluate(asking(chat()))).rejects.toThrow('Failed to fetch')
    expect(upstream.requests.length).toBe(reached)
  })
})
