import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../run-command.ts'
import type { LocalRegistry } from './local-registry.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

export interface Published {
  /** The version that the gateway got. */
  readonly version: string
  readonly names: readonly string[]
  /** Packages whose changelog says something of this version. */
  readonly changelogs: number
}

/**
 * Does what the release workflow does, in a clone of the last commit: versions and changelogs from the changesets, a build, and all
 * packages published.
 */
export async function publishAll(folder: string, registry: LocalRegistry): Promise<Published> {
  const clone = join(folder, 'clone')
  const cwd = { cwd: clone, env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' } }
  await runCommand('git', ['clone', '--quiet', root, clone], { cwd: folder })
  await runCommand('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--silent'], cwd)
  const changesets = join(clone, '.changeset')
  const waits = readdirSync(changesets).some((name) => name.endsWith('.md') && name !== 'README.md')
  if (waits) await runCommand('pnpm', ['exec', 'changeset', 'version'], cwd)
  await runCommand('pnpm', ['exec', 'turbo', 'run', 'build', '--output-logs=errors-only'], cwd)
  writeFileSync(join(clone, '.npmrc'), `registry=${registry.url}/\n${registry.credentials}`, { flag: 'a' })
  await runCommand('pnpm', ['-r', 'publish', '--no-git-checks', '--access', 'public'], cwd)
  const folders = ['apps/gateway', ...readdirSync(join(clone, 'packages')).map((name) => `packages/${name}`)]
  const manifests = folders
    .map((each) => join(clone, each, 'package.json'))
    .filter(existsSync)
    .map(
      (file) =>
        JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string; private?: boolean },
    )
    .filter((manifest) => manifest.private !== true)
  const says = (each: string): boolean => existsSync(join(clone, each, 'CHANGELOG.md'))
  return {
    version: manifests[0]?.version ?? '',
    names: manifests.map(({ name }) => name),
    changelogs: folders.filter(says).length,
  }
}

/** What runs the first example of a README in an empty project. */
export function copyRunner(project: string): void {
  cpSync(join(root, 'apps/examples/test/packed/run-readmes.js'), join(project, 'run.js'))
}
