import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { programs } from './programs.ts'

const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url)), ...args], {
    encoding: 'utf8',
  })

it('without a name all programs are listed, a line each', () => {
  const { status, stdout } = run()
  expect(status).toBe(0)
  for (const name of Object.keys(programs)) expect(stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'))
})

it('an unknown name gets the names that there are', () => {
  const { status, stderr } = run('nothing-like-it')
  expect(status).toBe(2)
  expect(stderr).toContain('`pnpm bench` has no "nothing-like-it".')
  expect(stderr).toContain(Object.keys(programs)[0])
})

it('the README has each program', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const listed = readme.match(/^\| `[a-z-]+` /gm)?.map((row) => row.slice(3, -2))
  expect(listed).toEqual(Object.keys(programs))
})
