import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './gateway.ts'

const run = promisify(execFile)
const gatewayFolder = fileURLToPath(new URL('..', import.meta.url))

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/**
 * A registry of npm on this machine: the packages of this repository as they would be published, and what they depend on as
 * it is installed here. Needs no network.
 * @returns its address
 */
export async function startRegistry(): Promise<string> {
  const tarballs = temporaryFolder()
  await run(
    'pnpm',
    [
      '-r',
      '--filter',
      '@spillway/gateway...',
      '--filter',
      '!@spillway/dashboard',
      'pack',
      '--pack-destination',
      tarballs,
    ],
    { cwd: gatewayFolder, timeout: 60_000 },
  )
  /** Where the tarball of `NAME@VERSION` is, or the folder that it is made of. */
  const published = new Map<string, { readonly manifest: Manifest; readonly from: string }>()
  for (const file of readdirSync(tarballs)) {
    const from = join(tarballs, file)
    const { stdout } = await run('tar', ['-xzOf', from, 'package/package.json'])
    const manifest = JSON.parse(stdout) as Manifest
    published.set(`${manifest.name}@${manifest.version}`, { manifest, from })
  }
  const own = new Set([...published.values()].map(({ manifest }) => manifest.name))
  const visited = new Set<string>()
  const visit = (folder: string): void => {
    if (visited.has(folder)) return
    visited.add(folder)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
    if (!own.has(manifest.name))
      published.set(`${manifest.name}@${manifest.version}`, { manifest, from: folder })
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      const found = folderOf(name, folder)
      if (found !== undefined) visit(found)
    }
  }
  visit(realpathSync(gatewayFolder))

  const server = createServer((req, res) => {
    const [, name = '', version] =
      /^\/((?:@[^/]+\/)?[^/]+?)(?:\/-\/(.+)\.tgz)?$/.exec(decodeURIComponent(req.url ?? '')) ?? []
    if (version === undefined) {
      const all = [...published.values()].flatMap(({ manifest }) =>
        manifest.name === name ? [manifest] : [],
      )
      if (all.length === 0) return void res.writeHead(404).end('{}')
      const url = `http://${req.headers.host}/${name}/-/`
      const versions = all.map((each) => [
        each.version,
        { ...each, dist: { tarball: `${url}${each.version}.tgz` } },
      ])
      const newest = all.at(-1)?.version
      res.setHeader('content-type', 'application/json')
      return void res.end(
        JSON.stringify({ name, 'dist-tags': { latest: newest }, versions: Object.fromEntries(versions) }),
      )
    }
    const from = published.get(`${name}@${version}`)?.from
    if (from === undefined) return void res.writeHead(404).end()
    if (from.endsWith('.tgz')) return void res.end(readFileSync(from))
    const packing = [
      '-c',
      '--exclude=./node_modules',
      '--hard-dereference',
      '--transform=s,^\\.,package,',
      '-f',
      '-',
      '.',
    ]
    execFile('tar', packing, { cwd: from, encoding: 'buffer', maxBuffer: 100e6 }, (error, packed) =>
      res.writeHead(error === null ? 200 : 500).end(packed),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/`
}

/** The installed package that `name` is for a package in this folder; undefined where it is optional and not installed. */
function folderOf(name: string, folder: string): string | undefined {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    const found = join(at, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return realpathSync(found)
  }
  return undefined
}
