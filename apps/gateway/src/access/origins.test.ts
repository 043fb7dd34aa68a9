import { describe, expect, it } from 'vitest'
import { parseAuthority } from './authority.ts'
import { canonicalOrigin, isOwnOrigin, originProblem } from './origins.ts'

describe('an origin of the configuration', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['HTTPS://App.Example.com:443', 'https://app.example.com'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['http://tauri.localhost', 'http://tauri.localhost'],
    ['tauri://localhost', 'tauri://localhost'],
    ['app://obsidian.md', 'app://obsidian.md'],
    ['chrome-extension://abcdefghijklmnop', 'chrome-extension://abcdefghijklmnop'],
    ['vscode-webview://*', 'vscode-webview://*'],
    ['file://', 'file://'],
  ])('%s is as browsers write it: %s', (text, expected) => {
    expect([originProblem(text), canonicalOrigin(text)]).toEqual([undefined, expected])
  })

  it.each([
    ['*', /every web page that a user visits/],
    ['null', /sandboxed/],
    ['https://*.example.com', /name each http or https origin/],
    ['http://localhost:*', /name each http or https origin/],
    ['https://*', /name each http or https origin/],
    ['https://app.example.com/', /without a path/],
    ['https://app.example.com/chat', /without a path/],
    ['https://user@app.example.com', /without a path/],
    ['app.example.com', /expected an origin/],
    ['https://', /expected an origin/],
    ['javascript://x', /expected an origin/],
    ['', /expected an origin/],
  ])('%j is refused', (text, expected) => {
    expect(originProblem(text)).toMatch(expected)
  })
})

describe('a page of the gateway itself', () => {
  const asked = (host: string) => parseAuthority(host)!

  it.each([
    ['http://127.0.0.1:8787', '127.0.0.1:8787', undefined],
    ['http://localhost:8787', 'LOCALHOST:8787', 'same-origin'],
    ['http://localhost.:8787', 'localhost.:8787', 'same-origin'],
    ['http://gateway.internal', 'gateway.internal', undefined],
    ['http://gateway.internal', 'gateway.internal:80', undefined],
    ['http://[::1]:8787', '[::1]:8787', undefined],
    ['https://gateway.internal', 'gateway.internal', 'same-origin'],
    ['https://gateway.internal', 'gateway.internal:443', 'same-origin'],
  ])('is of origin %s at %s, with sec-fetch-site: %s', (origin, host, site) => {
    expect(isOwnOrigin(origin, asked(host), site)).toBe(true)
  })

  it.each([
    ['http://127.0.0.1:3000', '127.0.0.1:8787', undefined],
    ['http://127.0.0.1', '127.0.0.1:8787', undefined],
    ['http://localhost:8787', '127.0.0.1:8787', undefined],
    ['https://gateway.internal', 'gateway.internal', undefined],
    ['https://127.0.0.1:8787', '127.0.0.1:8787', 'same-site'],
    ['http://gateway.internal', 'gateway.internal:443', undefined],
    ['null', '127.0.0.1:8787', 'same-origin'],
    ['', '127.0.0.1:8787', undefined],
    ['http://127.0.0.1:8787, http://evil.example', '127.0.0.1:8787', undefined],
    ['http://127.0.0.1:8787/', '127.0.0.1:8787', undefined],
    ['http://user@127.0.0.1:8787', '127.0.0.1:8787', undefined],
    ['ftp://127.0.0.1:8787', '127.0.0.1:8787', undefined],
  ])('is not of origin %j at %s, with sec-fetch-site: %s', (origin, host, site) => {
    expect(isOwnOrigin(origin, asked(host), site)).toBe(false)
  })
})
