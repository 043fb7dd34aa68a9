/**
 * Packs the gateway and what it needs of this repository, installs the tarballs into an empty folder as `npm install` does
 * for a user, and compares the size of that with a budget. `pnpm build` comes first.
 */
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** In bytes. */
const budget = 40_000_000

const folder = mkdtempSync(join(tmpdir(), 'spillway-install-'))
try {
  const tarballs: Record<string, string> = {}
  for (const parent of ['packages', 'apps']) {
    for (const name of readdirSync(parent)) {
      if (parent === 'apps' && name !== 'gateway') continue
      const packed = join(folder, 'tarballs', name)
      mkdirSync(packed, { recursive: true })
      const cwd = join(parent, name)
      execFileSync('pnpm', ['pack', '--pack-destination', packed], {
        cwd,
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')) as { name: string }
      tarballs[manifest.name] = `file:${join(packed, readdirSync(packed)[0] as string)}`
    }
  }
  const prefix = join(folder, 'prefix')
  mkdirSync(prefix)
  const { '@spillway/gateway': gateway, ...others } = tarballs
  const manifest = { private: true, dependencies: { '@spillway/gateway': gateway }, overrides: others }
  writeFileSync(join(prefix, 'package.json'), JSON.stringify(manifest))
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--omit=dev'], { cwd: prefix, stdio: 'inherit' })
  const bytes = sizeOf(join(prefix, 'node_modules'))
  const program = join(prefix, 'node_modules', '.bin', 'spillway')
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim()
  console.log(
    `@spillway/gateway ${version}: ${(bytes / 1e6).toFixed(1)} MB installed, budget ${budget / 1e6} MB`,
  )
  for (const [name, size] of largest(join(prefix, 'node_modules')).slice(0, 8))
    console.log(`  ${name.padEnd(32)} ${(size / 1e6).toFixed(1)} MB`)
  process.exitCode = bytes <= budget ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function sizeOf(path: string): number {
  const stats = lstatSync(path)
  if (!stats.isDirectory()) return stats.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

function largest(modules: string): [name: string, bytes: number][] {
  return readdirSync(modules)
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`) : [name],
    )
    .map((name): [string, number] => [name, sizeOf(join(modules, name))])
    .sort((a, b) => b[1] - a[1])
}
