import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultTimeouts } from '@spillway/middleware/kit'
import { expect, it, onTestFinished } from 'vitest'
import { openDashboard } from './dashboard.ts'
import { listenGateway } from './gateway-server.ts'

const page = '<!doctype html><title>Spillway</title>'
const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

/** A server with a dashboard of two files, or of none. */
async function serverUrl(withFiles = true): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-dashboard-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  if (withFiles) {
    mkdirSync(join(folder, 'assets'))
    writeFileSync(join(folder, 'index.html'), page)
    writeFileSync(join(folder, 'assets', 'index-a1b2.js'), 'export {}\n'.repeat(200))
    writeFileSync(join(folder, 'assets', 'index-a1b2.js.map'), '{}')
  }
  const server = await listenGateway({
    host: '127.0.0.1',
    port: 0,
    router: () => ({ models: '*', handler: () => Promise.reject(new Error('not called')) }),
    timeouts: defaultTimeouts,
    fingerprint: () => '',
    state: () => ({}),
    keepAliveAfter: 15_000,
    log: () => {},
    dashboard: openDashboard(folder),
  })
  onTestFinished(() => server.drain(0))
  return server.url
}

it('browsers get the page at the root, which takes nothing from elsewhere and nothing inline', async () => {
  const response = await fetch(await serverUrl(), { headers: html })
  expect(await response.text()).toBe(page)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': expect.stringMatching(/^default-src 'self';(?!.*unsafe)/),
    'cross-origin-opener-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
    vary: 'accept, accept-encoding',
  })
})

it.each([
  ['HEAD', 'text/html', undefined],
  ['GET', '*/*', { name: 'spillway' }],
  ['GET', 'application/json', { name: 'spillway' }],
  ['GET', 'application/json, text/html;q=0', { name: 'spillway' }],
])('programs get JSON at the root: %s with accept: %s', async (method, accept, expected) => {
  const response = await fetch(await serverUrl(), { method, headers: { accept } })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  if (expected !== undefined) expect(await response.json()).toEqual(expected)
})

it('files with a hash in their name are kept for ever, and compressed for those who want it', async () => {
  const url = `${await serverUrl()}/assets/index-a1b2.js`
  const zipped = await fetch(url, { headers: { 'accept-encoding': 'gzip' } })
  expect(await zipped.text()).toBe('export {}\n'.repeat(200))
  expect(Object.fromEntries(zipped.headers)).toMatchObject({
    'content-encoding': 'gzip',
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
  })
  expect(Number(zipped.headers.get('content-length'))).toBeLessThan(200)
  const plain = await fetch(url, { headers: { 'accept-encoding': 'identity, gzip;q=0' } })
  expect([plain.headers.get('content-encoding'), (await plain.text()).length]).toEqual([null, 2000])
  const head = await fetch(url, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '2000'])
})

it('what has not changed is not sent again', async () => {
  const url = await serverUrl()
  const etag = (await fetch(url, { headers: html })).headers.get('etag') ?? ''
  const again = await fetch(url, { headers: { ...html, 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
})

it.each([
  '/assets/',
  '/assets/none.js',
  '/assets/..%2findex.html',
  '/assets/index-a1b2.js.map',
  '/index.html',
])('nothing but the files of the dashboard is there: %s', async (path) => {
  expect((await fetch(`${await serverUrl()}${path}`, { headers: html })).status).toBe(404)
})

it('the page is read only', async () => {
  expect((await fetch(await serverUrl(), { method: 'POST', headers: html })).status).toBe(404)
})

it('where the dashboard was not built, the root says what it says to programs', async () => {
  const response = await fetch(await serverUrl(false), { headers: html })
  expect(await response.json()).toEqual({ name: 'spillway' })
})
