/** A paragraph that is nothing but a bold name, a comment that names the file where there is one, and a block of code. */
const named = /^\*\*([^*\n]+)\*\*\n\n(?:<!-- .*? -->\n\n)?(```\w+)\n([\s\S]*?^```)\n/.source

const group = new RegExp(`(?:${named}\\n?){2,}`, 'gm')

/**
 * Makes tabs of blocks of code that follow each other and have a name each:
 *
 *     **Python**
 *
 *     ```python
 *     …
 *     ```
 *
 * Where Markdown has no tabs they are read one below the other.
 */
export function withCodeGroups(text: string): string {
  return text.replace(group, (blocks) => {
    const tabs = blocks.replace(
      new RegExp(`${named}\\n?`, 'gm'),
      (_, name: string, fence: string, code: string) => `${fence} [${name}]\n${code}\n\n`,
    )
    return `::: code-group\n\n${tabs}:::\n\n`
  })
}
