import { createHash } from 'node:crypto'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

const style = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:10vh auto;padding:0 1.25rem}
h1{font-size:1.4rem}code,.code{font:600 1.6rem/1.2 ui-monospace,monospace;letter-spacing:.12em}input{font:600 1.3rem ui-monospace,monospace;letter-spacing:.1em;padding:.4rem .6rem;width:11em;text-transform:uppercase}
button,a.button{font:inherit;padding:.5rem 1.1rem;margin:.4rem .6rem .4rem 0;border-radius:.4rem;border:1px solid currentColor;cursor:pointer;text-decoration:none;color:inherit;display:inline-block}
button.main{background:#1a56b0;border-color:#1a56b0;color:#fff}dt{opacity:.7}dd{margin:0 0 .6rem;overflow-wrap:anywhere}.warn{border-left:4px solid #c77700;padding-left:.8rem}`

const styleHash = createHash('sha256').update(style).digest('base64')

/** No scripts, nothing from other origins, in no frame, and forms that submit to this gateway alone. */
const headers: OutgoingHttpHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  // A form has to tell its origin, which no-referrer would hide.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** HTML that is written as such; every other text is escaped. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const escapes: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
}

export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Html {
  const shown = values.map((value) =>
    value instanceof Html
      ? value.text
      : String(value ?? '').replace(/[&<>"']/g, (each) => escapes[each] ?? ''),
  )
  return new Html(parts.reduce((text, part, index) => text + (shown[index - 1] ?? '') + part))
}

export interface Page {
  readonly title: string
  readonly content: Html
  readonly status?: number
  /** Where the browser goes on by itself. */
  readonly next?: string
}

export function sendPage(
  res: ServerResponse<IncomingMessage>,
  { title, content, status = 200, next }: Page,
  more: OutgoingHttpHeaders = {},
): void {
  if (res.headersSent || res.destroyed) return
  const goOn = next === undefined ? html`` : html`<meta http-equiv="refresh" content="0;url=${next}">`
  const page = html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${goOn}<title>${title}</title><style>${new Html(style)}</style></head><body><main><h1>${title}</h1>${content}</main></body></html>`
  const body = Buffer.from(page.text)
  res.writeHead(status, { ...headers, 'content-length': body.length, ...more })
  res.end(body)
}

export const codePage = (typed: string, problem?: string): Page => ({
  title: 'Sign in to the gateway',
  status: problem === undefined ? 200 : 400,
  content: html`${problem === undefined ? html`` : html`<p class="warn" role="alert">${problem}</p>`}
<p>Type the code that your terminal shows. You then log in at your identity provider, and confirm.</p>
<form method="post" action="/device"><p><label>Code<br><input name="user_code" value="${typed}" autocomplete="off" autofocus required maxlength="12" spellcheck="false"></label></p>
<button class="main">Continue</button></form>`,
})

export const goOnPage = (url: string): Page => ({
  title: 'On to your identity provider',
  next: url,
  content: html`<p><a class="button" href="${url}">Continue</a></p>`,
})

/** What a person confirms. */
export interface Confirmation {
  readonly name: string
  readonly userCode: string
  readonly program: string
  readonly from: string
  readonly secondsAgo: number
  /** Shows that the form is of this page. */
  readonly token: string
}

export const confirmPage = ({ name, userCode, program, from, secondsAgo, token }: Confirmation): Page => ({
  title: 'Let this program use the gateway as you?',
  content: html`<p class="code">${userCode}</p>
<dl><dt>You are</dt><dd>${name}</dd><dt>It calls itself</dt><dd>${program}</dd><dt>It asked</dt><dd>${secondsAgo} s ago, from ${from}</dd></dl>
<p class="warn">Allow this only if you have just started it yourself, and your own terminal shows exactly this code. If someone sent you this link or code, deny: they would use the gateway in your name.</p>
<form method="post" action="/device/confirm"><input type="hidden" name="token" value="${token}">
<button class="main" name="answer" value="allow">Allow</button><button name="answer" value="deny">Deny</button></form>`,
})

export const tellPage = (title: string, text: string, status = 200): Page => ({
  ...{ title, status },
  content: html`<p>${text}</p>`,
})
