/**
 * Headers of an upstream's response that must not pass: those that make a browser, a proxy in front of this gateway or a
 * client act on the upstream's word as if it were this gateway's. Everything else passes.
 */

/** By what they begin with. */
const families =
  /^(?:access-control-|ad-auction-|attribution-reporting-|content-security-policy|cross-origin-|document-policy|integrity-policy|permissions-policy|proxy-|public-key-pins|sec-|service-worker|x-accel-(?!buffering)|x-content-security-policy|x-lighttpd-|x-litespeed-|x-permitted-|x-spillway-)/

const names: ReadonlySet<string> = new Set([
  // What a browser keeps, forgets or sends with later requests.
  'accept-ch',
  'accept-ch-lifetime',
  'activate-storage-access',
  'clear-site-data',
  'critical-ch',
  'idp-signin-status',
  'p3p',
  'set-cookie',
  'set-cookie2',
  'set-login',
  'use-as-dictionary',
  // Where it goes, and how it connects from now on.
  'alt-svc',
  'alternate-protocol',
  'content-location',
  'expect-ct',
  'link',
  'location',
  'refresh',
  'speculation-rules',
  'strict-transport-security',
  'uri',
  'x-dns-prefetch-control',
  // What a page may do, show or load.
  'document-isolation-policy',
  'feature-policy',
  'observe-browsing-topics',
  'origin-agent-cluster',
  'origin-trial',
  'referrer-policy',
  'require-document-policy',
  'sourcemap',
  'supports-loading-mode',
  'timing-allow-origin',
  'x-allow-fledge',
  'x-content-type-options',
  'x-download-options',
  'x-frame-options',
  'x-sourcemap',
  'x-ua-compatible',
  'x-webkit-csp',
  'x-xss-protection',
  // What it stores as a file.
  'content-disposition',
  // Whom it reports to.
  'nel',
  'report-to',
  'reporting-endpoints',
  // Who it asks its user to be.
  'authentication-control',
  'authentication-info',
  'optional-www-authenticate',
  'www-authenticate',
  // What a proxy in front does.
  'cdn-cache-control',
  'surrogate-control',
  'x-envoy-immediate-health-check-fail',
  'x-reproxy-url',
  'x-sendfile',
  // Whether a client sends a call again: this gateway has retried what could be.
  'x-should-retry',
])

/** The only header of Spillway in a response: the translation beside the client sets it, and upstreams' own are gone by then. */
const degraded = 'x-spillway-degraded'

/**
 * Whether a header of a response may reach a client.
 * @param name in lower case
 */
export function mayPass(name: string): boolean {
  const before = known.get(name)
  if (before !== undefined) return before
  const passes = (!names.has(name) && !families.test(name)) || name === degraded
  if (known.size < mostKnown) known.set(name, passes)
  return passes
}

/** For speed: upstreams send the same few headers with each response. */
const known = new Map<string, boolean>()
const mostKnown = 500
