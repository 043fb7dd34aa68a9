/**
 * Makes `dist/command`: the code of `spillway` in few files, with the packages that it uses. A start loads a dozen files instead
 * of a thousand. The library (`dist/index.js`) stays as the compiler makes it.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'
import { removeUnreachable } from '../../../.ci/reachable.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'dist', 'command')

/** Stays outside: native code, packages that load further files, and those that few use. */
const external = [
  ...['node-llama-cpp', '@aws-sdk/client-kms', '@napi-rs/keyring'],
  ...['@smithy/signature-v4', '@aws-sdk/credential-providers', 'google-auth-library', '@azure/identity'],
  ...['ioredis', 'pg', 'pg-native'],
]

/**
 * `import … from 'node:http'` reads each export of that module, WebSocket too, for which Node.js loads its own undici: 13 MB. With
 * other modules it is less, but the same. Who asks for the module itself loads what is used.
 */
const builtinsAsTheyAre: Plugin = {
  name: 'builtins-as-they-are',
  renderChunk(code) {
    const took = code.replace(
      /^import (?:\* as )?(?:(\w+)(?:, )?)?(?:(\{[^}]*\}))? from "(node:\w[\w/]*|\w[\w/]*)";$/gm,
      (statement, whole: string | undefined, names: string | undefined, module: string) => {
        if (!isBuiltin(module)) return statement
        const patterns = [whole, names?.replaceAll(' as ', ': ')].filter((each) => each !== undefined)
        return patterns
          .map((each) => `const ${each} = globalThis.process.getBuiltinModule("${module}");`)
          .join(' ')
      },
    )
    const left = /^(?:import|export)\b.*from "node:.*$/m.exec(took)
    if (left !== null) throw new Error(`an import in a form that is not known here: ${left[0]}`)
    return { code: took, map: null }
  },
}

/**
 * The SDK sorts and writes out the attributes of each measurement to find its sum: 5 kB of garbage a call. Ours are few, frozen and
 * shared, so what is written out is remembered by the object. Those of others may change, and are written out each time.
 */
const attributesWrittenOnce: Plugin = {
  name: 'attributes-written-once',
  transform(code, id) {
    if (!id.endsWith('/sdk-metrics/dist/utils.mjs')) return undefined
    const head = 'function hashAttributes(attributes) {\n'
    const tail = '\treturn JSON.stringify(keys.map((key) => [key, attributes[key]]));\n'
    if (!code.includes(head) || !code.includes(tail))
      throw new Error(`${id} is not as it was: see ${import.meta.filename}`)
    const once = code
      .replace(
        head,
        `const written = new WeakMap();\n${head}\tconst known = written.get(attributes);\n\tif (known !== undefined) return known;\n`,
      )
      .replace(
        tail,
        `${tail.replace('return', 'const text =')}\tif (Object.isFrozen(attributes)) written.set(attributes, text);\n\treturn text;\n`,
      )
    return { code: once, map: null }
  },
}

const ownUndici = join(root, 'command', 'undici.js')
const ownHttp2 = join(root, 'command', 'undici-http2.cjs')
const ownProxies = join(root, 'command', 'undici-proxies.cjs')
const partsOfUndici: Plugin = {
  name: 'parts-of-undici',
  resolveId(id, importer) {
    if (id === 'undici' || id === '#undici') return ownUndici
    if (id === './client-h2.js') return ownHttp2
    // It is not a dependency of this package, but of the client.
    if ([ownUndici, ownHttp2, ownProxies].includes(importer ?? '') && id.startsWith('undici/'))
      return this.resolve(id, join(root, '../../packages/core-client/src/index.ts'))
    return undefined
  },
}

rmSync(folder, { recursive: true, force: true })
const bundle = await rolldown({
  cwd: root,
  platform: 'node',
  input: {
    cli: 'src/cli.ts',
    // Before the rest is loaded.
    'spare-cores': 'src/cli/spare-cores.ts',
    // Started by their names, beside the code that starts them.
    'sqlite-worker': '../../packages/ledger/src/sqlite-worker.ts',
    'engine-child': '../../packages/local-model/src/engine-child.ts',
  },
  external,
  plugins: [builtinsAsTheyAre, attributesWrittenOnce, partsOfUndici],
  resolve: { conditionNames: ['@spillway/source', 'node', 'import', 'default'] },
  transform: { target: 'node22.19' },
  // A module that is loaded early for one part of it can still be loaded late for another.
  checks: { ineffectiveDynamicImport: false },
})
const { output } = await bundle.write({
  dir: folder,
  format: 'esm',
  sourcemap: true,
  comments: false,
  // Names stay, for the traces of stacks; without white space a megabyte less is installed. Text that is ASCII takes half the memory.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true, asciiOnly: true } },
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
})
await bundle.close()

const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []))
writeFileSync(join(folder, 'LICENSES.txt'), licensesOf(modules))
removeUnreachable(join(root, 'dist'), ['index.js', 'index.d.ts'], ['command', 'dashboard'])

/** The licences of all packages of others whose code is in the bundle, each text once. */
function licensesOf(files: readonly string[]): string {
  const homes = files.flatMap((file) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [])
  const packages = new Map<string, string[]>()
  for (const home of new Set(homes)) {
    const { name, version, license } = manifestOf(home)
    const text = licenseText(home)
    packages.set(text, [...(packages.get(text) ?? []), `${name} ${version} (${license})`])
  }
  return [...packages]
    .map(([text, names]) => `${names.sort().join('\n')}\n\n${text}\n`)
    .sort()
    .join(`\n${'-'.repeat(80)}\n\n`)
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
}

function manifestOf(home: string): Manifest {
  return JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Manifest
}

/** @throws Error for a package without one, which may not be copied */
function licenseText(home: string): string {
  const texts = readdirSync(home)
    .filter((name) => /^(licen[cs]e|notice)/i.test(name))
    .map((name) => readFileSync(join(home, name), 'utf8').trim())
  if (texts.length === 0) throw new Error(`${home} has no file with its licence`)
  return texts.join('\n\n')
}
