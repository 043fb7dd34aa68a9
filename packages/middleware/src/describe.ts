import { type Description, descriptionOf, nameOf } from './naming.ts'

/** Of chains that are larger than anyone reads, the rest is left out. */
const mostLines = 500
/** Characters of one value or name. */
const longestText = 100

/** One policy of a chain, and what it chooses among. */
interface Layer {
  readonly name: string
  readonly options: string
  readonly branches: readonly { readonly head: string; readonly layers: readonly Layer[] }[]
}

/**
 * What a chain is made of, as text: one line a policy, the outermost first, with the options that it names; targets that it
 * chooses among are below it, indented. No secret is in it. Takes a handler, a middleware, or the `fetch` of `wrapFetch`.
 *
 * A policy of your own is listed by the name of its function, else as `anonymous`; `named` gives it another.
 */
export function describe(chain: object): string {
  return linesOf(layersOf(chain), '').slice(0, mostLines).join('\n')
}

/** The same in one line, by names alone: `fallback [target local] > retry > attempt`. */
export function describeShort(chain: object): string {
  return layersOf(chain)
    .map(({ name, branches }) =>
      branches.length === 0 ? name : `${name} [${branches.map(({ head }) => head).join('; ')}]`,
    )
    .join(' > ')
}

function linesOf(layers: readonly Layer[], indent: string): string[] {
  return layers.flatMap(({ name, options, branches }) => [
    `${indent}${name}${options}`,
    ...branches.flatMap(({ head, layers: inner }) => [
      `${indent}  ${head}`,
      ...linesOf(inner, `${indent}    `),
    ]),
  ])
}

/** What is left of {@link mostLines}, and what is further out: a chain that leads into itself ends there. */
interface Walk {
  readonly lines: { left: number }
  readonly outer: ReadonlySet<object>
}

function layersOf(
  thing: object | undefined,
  { lines, outer }: Walk = { lines: { left: mostLines }, outer: new Set() },
): readonly Layer[] {
  if (thing === undefined || outer.has(thing) || lines.left <= 0) return []
  const inside = { lines, outer: new Set(outer).add(thing) }
  const about = descriptionOf(thing)
  return [...ownLayers(thing, about, inside), ...layersOf(about?.next, inside)]
}

function ownLayers(thing: object, about: Description | undefined, inside: Walk): readonly Layer[] {
  if (about?.hidden) return []
  if (about?.parts !== undefined) return about.parts.flatMap((part) => layersOf(part, inside))
  inside.lines.left--
  const branches = (about?.branches ?? []).map(({ kind, name, handler }) => {
    const layers = layersOf(handler, inside)
    const head = printed(`${kind} ${name}`)
    const [first, ...others] = layers
    // A target has said already who it is.
    return first?.name === head && first.branches.length === 0
      ? { head: `${head}${first.options}`, layers: others }
      : { head, layers }
  })
  return [{ name: printed(about?.name ?? nameOf(thing)), options: optionsOf(about), branches }]
}

function optionsOf(about: Description | undefined): string {
  const words = Object.entries(about?.options ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${printed(name)} ${shownValue(value)}`],
  )
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

/** Objects may hold anything: only their kind is told. */
function shownValue(value: unknown): string {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return printed(value.join(' '))
  if (typeof value === 'object' && value !== null) return 'set'
  return typeof value === 'function' ? 'custom' : printed(String(value))
}

/** In one line, and without what a terminal would act on. */
function printed(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
  return clean.length > longestText ? `${clean.slice(0, longestText - 1)}…` : clean
}
