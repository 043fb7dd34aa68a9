/**
 * Makes the JavaScript of the package in the current folder: a module for each entry, and few that entries share. The compiler has
 * written the declarations, a file a concept. What is imported is loaded in a dozen files instead of some 160.
 */
import { rolldown } from 'rolldown'
import { packageEntries } from './package-entries.ts'
import { pureInitialisers } from './pure-initialisers.ts'
import { removeUnreachable } from './reachable.ts'

const entries = packageEntries('.')
const bundle = await rolldown({
  input: Object.fromEntries(entries.map((entry) => [entry, `./src/${entry}.ts`])),
  platform: 'node',
  // All packages stay packages, and `#name` is chosen by whoever loads it.
  external: /^(?:#|node:|@(?!oxc-project\/)|[a-z])/,
  plugins: [pureInitialisers],
  transform: { target: 'node22.19' },
})
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  sourcemap: true,
  // Names of what entries share stay as they are.
  minifyInternalExports: false,
  entryFileNames: '[name].js',
  // No hashes: a build writes over the files of the one before.
  chunkFileNames: ({ isDynamicEntry, name }) => (isDynamicEntry ? `${name}.js` : 'shared.js'),
})
await bundle.close()
for (const chunk of output) {
  const foreign = chunk.type === 'chunk' && chunk.moduleIds.find((id) => id.includes('node_modules'))
  if (foreign) throw new Error(`${foreign} is bundled: list its package in package.json`)
}
removeUnreachable(
  'dist',
  entries.map((entry) => `${entry}.js`),
  ['copies'],
)
