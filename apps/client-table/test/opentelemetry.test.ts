import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

// The package as it is published, beside an SDK of OpenTelemetry of the second generation and the API that it wants, 1.9.
it('records with OpenTelemetry’s SDK 2 and the API of whoever installs it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-observed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const place = (name: string): string => {
    const at = join(folder, 'node_modules', name)
    mkdirSync(dirname(at), { recursive: true })
    return at
  }
  await run('pnpm', ['pack', '--pack-destination', folder], { cwd: here('../../../packages/telemetry') })
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) as string
  mkdirSync(place('@spillway/telemetry'), { recursive: true })
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', 'node_modules/@spillway/telemetry'], {
    cwd: folder,
  })
  for (const name of ['attempt', 'middleware', 'wire'])
    symlinkSync(here(`../../../packages/${name}`), place(`@spillway/${name}`))
  for (const name of ['api', 'sdk-metrics', 'sdk-trace-base'])
    symlinkSync(realpathSync(here(`../node_modules/@opentelemetry/${name}`)), place(`@opentelemetry/${name}`))
  copyFileSync(here('observed-program.mjs'), join(folder, 'program.mjs'))

  const { stdout, stderr } = await run(process.execPath, ['program.mjs'], { cwd: folder })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({
    spans: ['attempt m', 'chat m'],
    metrics: expect.arrayContaining(['gen_ai.client.operation.duration', 'gen_ai.client.token.usage']),
  })
})
