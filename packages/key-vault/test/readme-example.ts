import { ageFile, openVault, verifyCredential } from '@spillway/key-vault'

const vault = openVault({
  driver: ageFile({ path: 'vault.age', keyFile: 'vault.key' }),
  onEvent: (event) => console.log(event.type),
})

export const credential = vault.credential('claude') // for createClient({ credential })

export const rotate = (value: string) =>
  vault.rotate('claude', value, { verify: verifyCredential({ provider: 'anthropic' }) })
