import { defineConfig } from 'vitest/config'
import base from '../vitest.config.ts'

/** Test files, separated by commas. */
// biome-ignore lint/suspicious/noUndeclaredEnvVars: no task of turbo reads it
const tests = process.env.SPILLWAY_MUTATION_TESTS?.split(',') ?? []

const { projects: _, ...withoutProjects } = base.test ?? {}

// The tests that `pnpm test:mutation` names.
export default defineConfig({
  ...base,
  root: process.cwd(),
  test: { ...withoutProjects, include: tests, reporters: [] },
})
