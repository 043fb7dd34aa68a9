// Weighs what a browser loads against the budget in package.json, in bytes of gzipped files.
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const { sizeBudget } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly sizeBudget: number }
const size = readdirSync('dist', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(`${parentPath}/${name}`)).length, 0)

console.log(`@spillway/dashboard: ${size} of ${sizeBudget} bytes gzipped`)
process.exitCode = size <= sizeBudget ? 0 : 1
