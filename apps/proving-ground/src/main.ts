import { runProgram } from '../../../.ci/run-program.ts'
import { programs } from './programs.ts'

await runProgram(
  'prove',
  'Attacks and strains the built gateway and packages, and says what did not hold.',
  programs,
)
