import { expect, it } from 'vitest'
import { compose, describe, type Handler, type Middleware, named, stack } from './index.ts'
import { describeShort } from './kit.ts'

const pass = (name: string, options: object = {}): Middleware => {
  const middleware: Middleware = (next) => (request) => next(request)
  return named(middleware, name, { options })
}
const end = (): Handler => named(() => Promise.reject(new Error('no upstream')), 'attempt')

it('prints one line a policy, the outermost first, with the options that are set', () => {
  const chain = compose(
    [pass('retry', { attempts: 3, when: () => true, backoff: undefined }), pass('limit')],
    end(),
  )
  expect(describe(chain)).toBe('retry (attempts 3, when custom)\nlimit\nattempt')
})

it('indents what a policy chooses among', () => {
  const branch = compose([pass('retry')], end())
  const middleware: Middleware = (next) => (request) => next(request)
  const fallback = named(middleware, 'fallback', {
    branches: [
      { kind: 'target', name: 'local', handler: branch },
      { kind: 'target', name: 'other', handler: compose([pass('target other', { model: 'm' })], end()) },
    ],
  })
  const chain = compose([fallback, pass('retry')], end())
  expect(describe(chain)).toBe(
    [
      ...['fallback', '  target local', '    retry', '    attempt'],
      ...['  target other (model m)', '    attempt', 'retry', 'attempt'],
    ].join('\n'),
  )
  expect(describeShort(chain)).toBe('fallback [target local; target other (model m)] > retry > attempt')
})

it('names middleware without a name by its function, else as anonymous', () => {
  function logged(next: Handler): Handler {
    return (request) => next(request)
  }
  const chain = compose([logged, (next) => (request) => next(request), (next) => next], end())
  expect(describe(chain)).toBe('logged\nanonymous\nattempt')
  expect(describe(() => {})).toBe('anonymous')
  expect(describe(compose([() => async () => Promise.reject(new Error())], end()))).toBe('anonymous\nattempt')
})

it('shows what a stack is made of, alone, nested and within a chain', () => {
  const inner = stack(pass('b'), pass('c'))
  expect(describe(stack(pass('a'), inner))).toBe('a\nb\nc')
  expect(describe(compose([stack(pass('a'), inner), pass('d')], end()))).toBe('a\nb\nc\nd\nattempt')
  expect(describe(compose([(next) => compose([pass('a')], next)], end()))).toBe('a\nattempt')
  expect(describe(compose([stack()], end()))).toBe('attempt')
})

it('shows neither objects, nor what would move a terminal, nor more than anyone reads', () => {
  const chain = compose(
    [pass('a', { credential: { token: 'sk-secret' }, at: `x\u001b[2J\n${'y'.repeat(500)}` })],
    end(),
  )
  expect(describe(chain)).toMatch(/^a \(credential set, at x \[2J y+…\)\nattempt$/)
  const long = compose(
    Array.from({ length: 2_000 }, () => pass('a')),
    end(),
  )
  expect(describe(long).split('\n')).toHaveLength(500)
})

it('ends where a chain leads into itself', () => {
  const shared: Handler = () => Promise.reject(new Error())
  const cut = named<Middleware>(() => shared, 'cut')
  expect(describe(compose([cut], compose([cut], end())))).toBe('cut\nattempt')
  const loop: Handler = () => Promise.reject(new Error())
  named(loop, 'routing', { branches: [{ kind: 'endpoint', name: 'a', handler: loop }] })
  expect(describe(loop)).toBe('routing\n  endpoint a')
})

it('leaves no trace that lists or copies would show, and bears handlers that take none', () => {
  const middleware = pass('a')
  const handler = compose([middleware], end())
  expect([Object.keys(middleware), Object.keys(handler), { ...handler }]).toEqual([[], [], {}])
  expect(JSON.stringify({ handler: { ...handler } })).toBe('{"handler":{}}')
  const frozen: Middleware = (next) => Object.freeze((request) => next(request))
  expect(describe(compose([pass('a'), frozen], end()))).toMatch(/^a\nanonymous/)
})
