// What the client uses of undici. Its index brings in WebSocket, caches and mocks, too.
import api from 'undici/lib/api/index.js'
import Agent from 'undici/lib/dispatcher/agent.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js'
import { fetch } from 'undici/lib/web/fetch/index.js'

Object.assign(Dispatcher.prototype, api)

export { Agent, EnvHttpProxyAgent, fetch, Pool, ProxyAgent }
