/**
 * Writes ES modules with the code of a CommonJS package, for bundlers: esbuild leaves `require('events')` of CommonJS in an ES module
 * as a call that fails. What the copy needs of Node.js it asks the process for, so that it runs in bundles of either form.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'

const builtinsOfTheProcess: Plugin = {
  name: 'builtins-of-the-process',
  transform: (code) =>
    code.replace(/\brequire\((['"])((?:node:)?[\w/]+)\1\)/g, (call, quote: string, name: string) =>
      isBuiltin(name) ? `globalThis.process.getBuiltinModule(${quote}${name}${quote})` : call,
    ),
}

/**
 * Writes `dist/copies/NAME.js` and its licence, in the current folder.
 * @param entry the module that imports what is needed, and exports it
 */
export async function copyForBundlers(name: string, entry: string): Promise<void> {
  const folder = join('dist', 'copies')
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    plugins: [builtinsOfTheProcess],
    transform: { target: 'node22.19' },
  })
  const { output } = await bundle.generate({ format: 'esm', comments: false, minify: true })
  await bundle.close()
  const [{ code }, ...more] = output
  const left = /\brequire\(["'`]/.exec(code)
  if (more.length > 0 || left !== null) throw new Error(`${name}: the copy is not one module by itself`)
  mkdirSync(folder, { recursive: true })
  const home = join('node_modules', name)
  const { version, license } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const licence = readdirSync(home).find((file) => /^licen[cs]e/i.test(file))
  if (licence === undefined) throw new Error(`${home} has no file with its licence`)
  writeFileSync(join(folder, `${name}.js`), `/*! ${name} ${version}, ${license} */\n${code}`)
  writeFileSync(join(folder, `${name}.LICENSE`), readFileSync(join(home, licence)))
}
