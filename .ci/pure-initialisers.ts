import type { Plugin } from 'rolldown'

/** A node of the syntax tree, in ESTree. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/**
 * Marks what constants of a module are made of as free of side effects, which all packages promise (`sideEffects: false`). In modules
 * of their own unused ones are left out with the module; here a bundler of an application removes them one by one.
 */
export const pureInitialisers: Plugin = {
  name: 'pure-initialisers',
  renderChunk(code) {
    const edits: Edit[] = []
    for (const statement of this.parse(code).body as unknown as Node[]) {
      if (statement.type !== 'VariableDeclaration') continue
      for (const { init } of statement.declarations as { init: Node | null }[])
        if (init !== null) edits.push(...editsOf(init))
    }
    // Nothing moves to another line, so the map stays as it is but for columns.
    return { code: applied(code, edits), map: null }
  },
}

interface Edit {
  readonly at: number
  readonly text: string
}

function editsOf(initialiser: Node): Edit[] {
  const calls = nodesIn(initialiser, /^(?:Call|New)Expression$/)
  const isPlain = calls.every(({ callee }) => nodesIn(callee, /^(?:Call|New)Expression$/).length === 0)
  if (isPlain && nodesIn(initialiser, /^(?:Spread|TaggedTemplate)/).length === 0)
    return calls.map(({ start }) => ({ at: start, text: '/* @__PURE__ */ ' }))
  // The mark would hold for the last call of a chain only, and there is none for what reads an iterable.
  return [
    { at: initialiser.start, text: '/* @__PURE__ */ (() => (' },
    { at: initialiser.end, text: '))()' },
  ]
}

/** What runs when the expression is read, and so is not in functions. */
function nodesIn(value: unknown, types: RegExp): Node[] {
  if (Array.isArray(value)) return value.flatMap((each) => nodesIn(each, types))
  if (typeof value !== 'object' || value === null) return []
  const node = value as Node
  if (/Function|Class/.test(node.type)) return []
  const inner = Object.values(node).flatMap((each) => nodesIn(each, types))
  return types.test(node.type) ? [node, ...inner] : inner
}

function applied(code: string, edits: readonly Edit[]): string {
  let [text, from] = ['', 0]
  for (const edit of [...edits].sort((a, b) => a.at - b.at)) {
    text += code.slice(from, edit.at) + edit.text
    from = edit.at
  }
  return text + code.slice(from)
}
