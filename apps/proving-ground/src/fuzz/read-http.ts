/** An answer as it came over a connection. */
export interface HttpAnswer {
  readonly status: number
  /** Names in lower case; of several with one name, all. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: Buffer
  /** Whether it was complete when the connection ended. */
  readonly isWhole: boolean
  /** The head, as it came. */
  readonly head: string
}

interface Head {
  readonly text: string
  readonly status: number
  readonly headers: ReadonlyMap<string, readonly string[]>
}

const headEnd = Buffer.from('\r\n\r\n')
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * Reads the answers on one connection, strictly: what RFC 9112 does not allow a server to send is a problem. Interim answers
 * (1xx) are checked and left out.
 */
export class HttpReader {
  readonly answers: HttpAnswer[] = []
  /** The first thing that was wrong. */
  problem: string | undefined
  #bytes: Buffer = Buffer.alloc(0)
  #head: Head | undefined
  #body: Buffer[] = []
  #left: number | 'chunked' | 'close' = 0
  /** Whether the next answer is one to HEAD, which has no body. */
  readonly #isHead: boolean

  constructor(isHead: boolean) {
    this.#isHead = isHead
  }

  /** Whether something has come that is not yet an answer. */
  get hasPart(): boolean {
    return this.#head !== undefined || this.#bytes.length > 0
  }

  /** Everything of the answer that is not complete. */
  get part(): Buffer {
    return Buffer.concat([Buffer.from(this.#head?.text ?? '', 'latin1'), ...this.#body, this.#bytes])
  }

  push(chunk: Buffer): void {
    if (this.problem !== undefined) return
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    while (this.problem === undefined && this.#step()) {}
  }

  /** The connection has ended. */
  end(): void {
    if (this.#head === undefined) {
      if (this.#bytes.length > 0) this.problem ??= 'the connection ended within a head'
      return
    }
    if (this.#left === 'close') this.#body.push(this.#bytes)
    this.#finish(this.#left === 'close')
  }

  #step(): boolean {
    if (this.#head === undefined) return this.#readHead()
    if (this.#left === 'close') {
      this.#body.push(this.#bytes)
      this.#bytes = Buffer.alloc(0)
      return false
    }
    if (this.#left === 'chunked') return this.#readChunk()
    if (this.#bytes.length < this.#left) return false
    this.#body.push(this.#bytes.subarray(0, this.#left))
    this.#bytes = this.#bytes.subarray(this.#left)
    this.#finish(true)
    return this.#bytes.length > 0
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf(headEnd)
    if (end < 0) {
      if (this.#bytes.length > 200_000) this.problem = 'a head without an end'
      return false
    }
    const text = this.#bytes.toString('latin1', 0, end + 4)
    this.#bytes = this.#bytes.subarray(end + 4)
    const [first = '', ...lines] = text.slice(0, -4).split('\r\n')
    const found = /^HTTP\/1\.1 ([1-9]\d\d) [\t\x20-\x7e\x80-\xff]*$/.exec(first)
    if (found === null) return this.#wrong(`not a status line: ${JSON.stringify(first.slice(0, 100))}`)
    const headers = new Map<string, string[]>()
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon)
      if (colon < 1 || !token.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(line.slice(colon + 1)))
        return this.#wrong(`not a header: ${JSON.stringify(line.slice(0, 100))}`)
      const known = headers.get(name.toLowerCase())
      const value = line.slice(colon + 1).trim()
      if (known === undefined) headers.set(name.toLowerCase(), [value])
      else known.push(value)
    }
    return this.#frame(text, Number(found[1]), headers)
  }

  #frame(text: string, status: number, headers: Map<string, string[]>): boolean {
    const lengths = headers.get('content-length') ?? []
    const codings = headers.get('transfer-encoding') ?? []
    if (lengths.length > 1) return this.#wrong('two content-lengths')
    if (lengths.length > 0 && codings.length > 0) return this.#wrong('content-length and transfer-encoding')
    if (lengths.length > 0 && !/^\d{1,15}$/.test(lengths[0] as string))
      return this.#wrong(`content-length: ${lengths[0]}`)
    if (codings.length > 0 && (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked'))
      return this.#wrong(`transfer-encoding: ${codings.join()}`)
    if (status < 200) return true
    this.#head = { text, status, headers }
    if (this.#isHead || status === 204 || status === 304) this.#left = 0
    else if (codings.length > 0) this.#left = 'chunked'
    else this.#left = lengths.length > 0 ? Number(lengths[0]) : 'close'
    return true
  }

  #readChunk(): boolean {
    const end = this.#bytes.indexOf('\r\n')
    if (end < 0) return this.#bytes.length > 100 ? this.#wrong('a chunk without a size') : false
    const line = this.#bytes.toString('latin1', 0, end)
    if (!/^[0-9a-fA-F]{1,8}$/.test(line))
      return this.#wrong(`a chunk's size: ${JSON.stringify(line.slice(0, 40))}`)
    const size = Number.parseInt(line, 16)
    if (this.#bytes.length < end + 2 + size + 2) return false
    if (this.#bytes.toString('latin1', end + 2 + size, end + 4 + size) !== '\r\n')
      return this.#wrong('a chunk that is too long')
    if (size > 0) this.#body.push(this.#bytes.subarray(end + 2, end + 2 + size))
    this.#bytes = this.#bytes.subarray(end + 4 + size)
    if (size === 0) this.#finish(true)
    return true
  }

  #finish(isWhole: boolean): void {
    const { text, status, headers } = this.#head as Head
    this.answers.push({ status, headers, body: Buffer.concat(this.#body), isWhole, head: text })
    this.#head = undefined
    this.#body = []
    this.#left = 0
  }

  #wrong(problem: string): false {
    this.problem = problem
    return false
  }
}
