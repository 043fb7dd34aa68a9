import type { Dice } from './dice.ts'

/** JSON that may be changed. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** Stands in a tree for text that `JSON.stringify` cannot write: numbers beyond doubles, broken escapes. */
const rawStart = '\u0001raw:'
const rawEnd = '\u0001'

/** Text that is to be in the JSON as it is. */
export function raw(text: string): string {
  return rawStart + text + rawEnd
}

/** Writes a tree, with its raw texts in their places. */
export function write(value: Json): string {
  const text = JSON.stringify(value)
  return text.includes('\\u0001raw:')
    ? text.replaceAll(/"\\u0001raw:((?:[^"\\]|\\[^u]|\\u(?!0001))*)\\u0001"/g, (_, inner: string) =>
        JSON.parse(`"${inner}"`),
      )
    : text
}

/** Values that are easily taken for something else. */
const odd: readonly (() => Json)[] = [
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -1,
  () => 0.5,
  () => 1e308,
  () => -1e308,
  () => Number.MAX_SAFE_INTEGER,
  () => raw('1e999'),
  () => raw('-0'),
  () => raw('12345678901234567890123'),
  () => raw('1e-400'),
  () => '',
  () => ' ',
  () => '0',
  () => 'null',
  () => '__proto__',
  () => 'constructor',
  () => '\u0000',
  () => '\ufffe\uffff',
  () => '🎉'.repeat(20),
  () => raw('"\\ud800"'),
  () => raw('"\\udc00\\ud800"'),
  () => '\r\n\r\ndata: {"type":"message_stop"}\n\n',
  () => 'event: error\ndata: {}\n\n',
  () => '\u001b[31m\u202e',
  () => '$' + '{jndi:x}{{7*7}}<script>',
  () => '../../etc/passwd',
  () => [],
  () => ({}),
  () => [null],
  () => [[]],
  () => ({ type: 'text' }),
  () => ({ type: 'error', error: { type: 'overloaded_error', message: 'inside' } }),
  () => ({ length: 1e9 }),
  () => raw('{"toString":"x","valueOf":null,"then":"y","__proto__":{"a":1}}'),
]

const oddNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '',
  ' ',
  'type',
  'error',
  'Model',
  'MODEL',
  'model ',
  'stream',
  'content',
  'ünïcödé',
  '\u0000',
  'a'.repeat(300),
]

/** A value of any kind; now and then a large one, or one of many levels. */
export function oddValue(dice: Dice): Json {
  const at = dice.next()
  if (at < 0.02) return 'x'.repeat(dice.size(2_000, 200_000))
  if (at < 0.03) return nested(dice, dice.size(60, 6_000))
  if (at < 0.04) return Array.from({ length: dice.size(50, 5_000) }, (_, i) => (i % 2 === 0 ? i : {}))
  return dice.pick(odd)()
}

function nested(dice: Dice, levels: number): Json {
  const inObjects = dice.chance(0.5)
  const open = inObjects ? '{"a":' : '['
  const close = inObjects ? '}' : ']'
  return raw(open.repeat(levels) + (inObjects ? '1' : '') + close.repeat(levels))
}

interface Place {
  readonly parent: Json[] | { [name: string]: Json }
  readonly name: string | number
}

/** Changes a tree in so many places. Strings that belong together with the case (its marker) are never moved elsewhere. */
export function mutateTree(root: Json, dice: Dice, times: number): Json {
  const holder: { [name: string]: Json } = { root }
  for (let done = 0; done < times; done++) {
    const places = placesOf(holder)
    const place = dice.pick(places)
    mutateAt(place, places, dice)
  }
  return holder.root ?? null
}

/** All places of a tree, at most some hundreds. */
function placesOf(holder: { [name: string]: Json }): Place[] {
  const places: Place[] = [{ parent: holder, name: 'root' }]
  const walk = (parent: Json): void => {
    if (parent === null || typeof parent !== 'object' || places.length > 300) return
    if (Array.isArray(parent)) {
      for (let name = 0; name < parent.length; name++) {
        places.push({ parent, name })
        walk(parent[name] as Json)
      }
      return
    }
    for (const name of Object.keys(parent)) {
      places.push({ parent, name })
      walk(parent[name] as Json)
    }
  }
  walk(holder.root as Json)
  // The whole is replaced seldom: nothing of it is left then.
  return places.length > 1 ? places.slice(1) : places
}

function mutateAt({ parent, name }: Place, places: readonly Place[], dice: Dice): void {
  const held = parent as { [name: string | number]: Json }
  const value = held[name] as Json
  switch (dice.int(12)) {
    case 0:
      if (Array.isArray(parent)) parent.splice(name as number, 1)
      else delete parent[name]
      return
    case 1:
      if (Array.isArray(parent))
        for (let n = dice.size(2, 200); n > 0; n--) parent.splice(name as number, 0, value)
      else held[dice.pick(oddNames)] = value
      return
    case 2: {
      // A marker must not become a model's name, which is booked and logged.
      const other = dice.pick(places)
      const copied = (other.parent as { [name: string | number]: Json })[other.name] as Json
      if (!JSON.stringify(copied)?.includes('qZ7')) held[name] = structuredClone(copied)
      return
    }
    case 3:
      held[name] = [value]
      return
    case 4:
      held[name] = { [dice.pick(oddNames)]: value, value }
      return
    case 5:
      if (typeof value === 'number') held[name] = String(value)
      else if (typeof value === 'string') held[name] = value.length
      else held[name] = oddValue(dice)
      return
    case 6:
      if (!Array.isArray(parent)) {
        delete parent[name]
        parent[dice.pick(oddNames)] = value
      }
      return
    case 7:
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        value[dice.pick(oddNames)] = oddValue(dice)
      else held[name] = oddValue(dice)
      return
    case 8:
      if (typeof value === 'string' && !value.includes('qZ7')) held[name] = mutateString(value, dice)
      else held[name] = oddValue(dice)
      return
    default:
      held[name] = oddValue(dice)
  }
}

function mutateString(value: string, dice: Dice): string {
  switch (dice.int(6)) {
    case 0:
      return value.toUpperCase()
    case 1:
      return ` ${value} `
    case 2:
      return value.slice(0, dice.int(value.length + 1))
    case 3:
      return value + value
    case 4:
      return `${value}\u0000`
    default:
      return value.split('').reverse().join('')
  }
}
