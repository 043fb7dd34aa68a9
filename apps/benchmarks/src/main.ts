import { runProgram } from '../../../.ci/run-program.ts'
import { programs } from './programs.ts'

await runProgram(
  'bench',
  'Measures what Spillway costs. Ratios from one run, since machines differ.',
  programs,
)
