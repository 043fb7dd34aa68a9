// What goes through proxies is loaded with the first endpoint that does.
exports.load = () => ({
  EnvHttpProxyAgent: require('undici/lib/dispatcher/env-http-proxy-agent.js'),
  ProxyAgent: require('undici/lib/dispatcher/proxy-agent.js'),
})
