import { type IncomingHttpHeaders, request } from 'node:http'

/** A page that was reached, as a person would see it. */
export interface Shown {
  readonly url: string
  readonly status: number
  readonly text: string
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** By hand: `fetch` says in its own words what a request is for. */
const send = (to: URL, form: string | undefined, headers: Record<string, string>): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(
      to,
      { method: form === undefined ? 'GET' : 'POST', headers, agent: false },
      (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }))
      },
    )
    sent.on('error', reject)
    sent.end(form)
  })

/** Follows redirects and refreshes, keeps cookies by host and sends forms, as a browser without scripts does. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>()

  /** @param from the page that leads there */
  async open(url: string, from?: string, form?: string): Promise<Shown> {
    let [next, last, body] = [new URL(url), from, form]
    for (let steps = 0; steps < 20; steps++) {
      const jar = this.#cookies.get(next.host) ?? new Map<string, string>()
      this.#cookies.set(next.host, jar)
      const isCross = last !== undefined && new URL(last).origin !== next.origin
      const { status, headers, text } = await send(next, body, {
        accept: 'text/html',
        'sec-fetch-site': last === undefined ? 'none' : isCross ? 'cross-site' : 'same-origin',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...(body !== undefined && {
          origin: new URL(last ?? next).origin,
          'content-type': 'application/x-www-form-urlencoded',
        }),
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      })
      for (const line of headers['set-cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (value === '' || /max-age=0/i.test(line)) jar.delete(name)
        else jar.set(name, value)
      }
      const to = headers.location ?? /http-equiv="refresh" content="0;url=([^"]+)"/.exec(text)?.[1]
      if (to === undefined) return { url: next.href, status, text }
      last = next.href
      next = new URL(to.replaceAll('&amp;', '&'), next)
      body = undefined
    }
    throw new Error('too many redirects')
  }

  /** Sends the form of a page, with its hidden fields. */
  submit(page: Shown, fields: Readonly<Record<string, string>>): Promise<Shown> {
    const action = /<form[^>]* action="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const all = [...page.text.matchAll(/<input[^>]*>/g)].map(([input]) => [
      /name="([^"]+)"/.exec(input)?.[1] ?? '',
      /value="([^"]*)"/.exec(input)?.[1] ?? '',
    ])
    const form = new URLSearchParams({ ...Object.fromEntries(all), ...fields })
    return this.open(new URL(action, page.url).href, page.url, form.toString())
  }
}
