import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseConfig } from '@spillway/gateway'
import type { Command } from 'commander'
import { describe, expect, it, onTestFinished } from 'vitest'
import { programs as benchmarks } from '../../benchmarks/src/programs.ts'
import { commandTree } from '../../gateway/src/cli.ts'
import { programs as proofs } from '../../proving-ground/src/programs.ts'

// What pages show beside the examples that are run: that it compiles, that configurations are valid, and that commands and their options exist.

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
const pages = globSync(
  ['*.md', 'docs/*.md', 'docs/{guides,start,deploy}/*.md', '{packages,apps}/*/README.md'],
  { cwd: root },
).sort()

interface Snippet {
  readonly page: string
  readonly line: number
  readonly text: string
  /** Whether it shows a file of the examples, which is compiled and run by itself. */
  readonly isExample: boolean
}

function snippetsIn(language: string): Snippet[] {
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8')
    return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((match) => ({
      page,
      line: text.slice(0, match.index).split('\n').length,
      text: match[1] as string,
      isExample: /<!-- apps\/examples\/\S+ -->\n\n$/.test(text.slice(0, match.index)),
    }))
  })
}

const nameOf = ({ page, line }: Snippet): string => `${page}:${line}`

describe('TypeScript', () => {
  it('compiles, with names that a snippet leaves out imported from the package of its page or declared', async () => {
    const snippets = [...snippetsIn('ts'), ...snippetsIn('js')].filter(({ isExample }) => !isExample)
    // Each within the package of its page, whose dependencies it may import.
    const folders = new Map<string, string>()
    const folderOf = ({ page }: Snippet): string => {
      const home = /^packages\/[^/]+/.exec(page)?.[0] ?? 'apps/examples'
      const cache = join(root, home, 'node_modules/.cache')
      mkdirSync(cache, { recursive: true })
      const folder = folders.get(home) ?? mkdtempSync(join(cache, 'snippets-'))
      folders.set(home, folder)
      return folder
    }
    onTestFinished(() => {
      for (const folder of folders.values()) rmSync(folder, { recursive: true, force: true })
    })
    const files = snippets.map((snippet, index) => join(folderOf(snippet), `snippet-${index}.ts`))
    const write = (index: number, before: string): void =>
      writeFileSync(files[index] as string, `${before}${snippets[index]?.text}\nexport {}\n`)
    for (const index of files.keys()) write(index, '')
    const project = join(folderOf({ page: '', line: 0, text: '', isExample: false }), 'tsconfig.json')
    writeFileSync(project, JSON.stringify(settingsFor(files)))

    for (const [index, names] of missingNames(await errorsOf(project))) {
      const module = /^packages\/([^/]+)\//.exec(snippets[index]?.page ?? '')?.[1]
      const exported = module === undefined ? [] : await exportsOf(module)
      const imported = names.filter((name) => exported.includes(name))
      const declared = names.filter((name) => !exported.includes(name))
      write(
        index,
        (imported.length > 0 ? `import { ${imported.join(', ')} } from '@spillway/${module}';` : '') +
          declared.map((name) => `declare const ${name}: any;type ${name} = any;`).join(''),
      )
    }
    const wrong = (await errorsOf(project)).map(({ index, line, text }) => {
      const snippet = snippets[index] as Snippet
      return `${snippet.page}:${snippet.line + line}: ${text}`
    })
    expect(snippets.length).toBeGreaterThan(30)
    expect(wrong).toEqual([])
  }, 120_000)
})

const settingsFor = (files: readonly string[]): object => ({
  extends: join(root, 'tsconfig.json'),
  compilerOptions: {
    ...{ isolatedDeclarations: false, declaration: false, noUnusedLocals: false, noUnusedParameters: false },
    // As most readers have it: `response.json()` is anything.
    lib: ['es2024', 'dom'],
    paths: { '@spillway/*': [join(root, 'packages/*/src/index.ts')] },
  },
  ...{ include: [], exclude: [], files },
})

interface CompilerError {
  readonly index: number
  readonly line: number
  readonly text: string
}

async function errorsOf(project: string): Promise<CompilerError[]> {
  const tsc = join(root, 'node_modules/.bin/tsc')
  const printed = await run(tsc, ['--noEmit', '-p', project, '--pretty', 'false'], { cwd: root }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  )
  return [...printed.matchAll(/snippet-(\d+)\.ts\((\d+),\d+\): error (.*)$/gm)].map(
    ([, index, line, text]) => ({
      index: Number(index),
      line: Number(line),
      text: text as string,
    }),
  )
}

/** The names that each file does not have. */
function missingNames(errors: readonly CompilerError[]): Map<number, string[]> {
  const missing = new Map<number, string[]>()
  for (const { index, text } of errors) {
    const name = /(?:Cannot find name|No value exists in scope for the shorthand property) '(\w+)'/.exec(
      text,
    )?.[1]
    const names = missing.get(index) ?? []
    if (name !== undefined && !names.includes(name)) missing.set(index, [...names, name])
  }
  return missing
}

async function exportsOf(name: string): Promise<string[]> {
  const module = (await import(join(root, `packages/${name}/src/index.ts`))) as object
  return Object.keys(module)
}

describe('YAML', () => {
  // A part of a configuration, and other programs' files, are no configuration.
  const whole = snippetsIn('yaml').filter(({ text }) => /^targets:/m.test(text) && /^routes:/m.test(text))

  it.each(whole.map((snippet) => [nameOf(snippet), snippet] as const))(
    '%s is a valid configuration',
    (name, { text }) => {
      const { warnings } = parseConfig(text, name)
      expect(warnings.filter(({ message }) => !message.endsWith('is not set'))).toEqual([])
    },
  )
})

describe('shells', () => {
  const lines = snippetsIn('sh').flatMap((snippet) => {
    const joined = snippet.text.replaceAll('\\\n', ' ').split('\n')
    return joined.map((text) => ({ ...snippet, text: text.replace(/\s+#.*$/, '') }))
  })

  it('name commands and options of spillway that there are', async () => {
    const program = await commandTree()
    const wrong = lines.flatMap((line) =>
      [...line.text.matchAll(/(?:^|\$\(|&& )(?:node \S*bin\/)?spillway(?:\.js)? ([^|&;)"']*)/g)].flatMap(
        ([, words = '']) => {
          const problem = problemOf(program, words.trim().split(/\s+/))
          return problem === undefined ? [] : [`${nameOf(line)}: spillway ${words}: ${problem}`]
        },
      ),
    )
    expect(wrong).toEqual([])
  })

  it('name benchmarks and proofs that there are', () => {
    const known = { bench: benchmarks, prove: proofs }
    const wrong = lines.flatMap((line) =>
      [...line.text.matchAll(/pnpm (bench|prove) ([a-z-]+)/g)]
        .filter(([, command, name]) => !Object.hasOwn(known[command as keyof typeof known], name as string))
        .map(([text]) => `${nameOf(line)}: ${text}`),
    )
    expect(wrong).toEqual([])
  })
})

/** What is wrong with the words behind `spillway`; undefined where nothing is. */
function problemOf(program: Command, words: readonly string[]): string | undefined {
  let command = program
  let isName = true
  for (const word of words) {
    if (word.startsWith('-')) {
      isName = false
      const flag = word.replace(/=.*/, '')
      const options = [...command.options, ...program.options].flatMap(({ long, short }) => [long, short])
      if (!['--help', '-h', ...options].includes(flag) && !command.name().startsWith('code'))
        return `there is no option ${flag}`
    } else if (isName && command.commands.length > 0) {
      const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word))
      if (next === undefined) return word === '' ? undefined : `there is no command ${word}`
      command = next
    }
  }
  return undefined
}
