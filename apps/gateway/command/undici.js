// What the command loads of undici at its start: connections. Its index loads everything (fetch, WebSocket, caches, mocks), which
// is two thirds of its code; of that, fetch is loaded with the first request that is no model call.
import api from 'undici/lib/api/index.js'
import Agent from 'undici/lib/dispatcher/agent.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { load } from './undici-proxies.cjs'

Object.assign(Dispatcher.prototype, api)

export { Agent, Pool }

export function ProxyAgent(options) {
  return new (load().ProxyAgent)(options)
}

export function EnvHttpProxyAgent(options) {
  return new (load().EnvHttpProxyAgent)(options)
}

export const fetch = async (input, init) =>
  (await import('undici/lib/web/fetch/index.js')).default.fetch(input, init)
