import { ageFile, rekeyAgeFile } from '../src/age-file-vault.ts'
import { writeSteps } from '../src/private-file.ts'
import { openVault } from '../src/vault.ts'

// Does one thing to a vault, and dies (kill -9) before the write step of the number given. Exits with 0 when there
// were fewer steps.
const [path, keyFile, what, fatal] = process.argv.slice(2) as [string, string, string, string]
let step = 0
writeSteps.before = () => {
  if (++step === Number(fatal)) process.kill(process.pid, 'SIGKILL')
}
if (what === 'rekey') await rekeyAgeFile({ path, keyFile })
else {
  const vault = openVault({ driver: ageFile({ path, keyFile }), environment: 'test' })
  const ok = what === 'rotate'
  const rotated = vault.rotate('claude', `sk-${crypto.randomUUID()}`, {
    verify: async () => (ok ? { ok } : { ok, reason: 'refused', detail: 'no' }),
  })
  // Serves calls meanwhile, so that the drain has an end.
  const timer = setInterval(async () => (await vault.credential('claude').token()).release(), 1)
  await rotated
  clearInterval(timer)
  await vault.close()
}
