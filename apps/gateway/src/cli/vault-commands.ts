import { initAgeFile, rekeyAgeFile } from '@spillway/key-vault'
import { examineAgeFile, examineVault } from '@spillway/key-vault/internal'
import { Command } from 'commander'
import { configuredDriver, initConfigured, resealConfigured } from './configured-vault.ts'
import { readSecret } from './read-secret.ts'
import {
  ageFileOf,
  reporting,
  type VaultFiles,
  type VaultFlags,
  vaultCommand,
  vaultFilesOf,
} from './vault-files.ts'

/** `spillway vault …` */
export function vaultCommands(): Command {
  const group = new Command('vault')
  const secretOf = async (files: VaultFiles): Promise<string | undefined> =>
    files.passphrase ? readSecret('new passphrase') : undefined
  group.addCommand(
    vaultCommand('init', 'make an empty vault, and the file with its key').action((flags: VaultFlags) =>
      reporting(async () => {
        const files = await vaultFilesOf(flags)
        if (files.vaultConfig !== undefined) return initConfigured(files.vaultConfig)
        await initAgeFile(ageFileOf(files), await secretOf(files))
        console.log(
          `made ${files.vault}, which ${files.keyFile} opens: keep a copy of both, apart from each other`,
        )
      }),
    ),
  )
  group.addCommand(
    vaultCommand('rekey', 'give the vault a new identity or passphrase').action((flags: VaultFlags) =>
      reporting(async () => {
        const files = await vaultFilesOf(flags)
        if (files.vaultConfig !== undefined) return resealConfigured(files.vaultConfig)
        await rekeyAgeFile(ageFileOf(files), await secretOf(files))
        console.log(`${files.vault} has a new key in ${files.keyFile}`)
      }),
    ),
  )
  group.addCommand(
    vaultCommand('doctor', 'look over files, rights, key and contents').action((flags: VaultFlags) =>
      reporting(async () => {
        const files = await vaultFilesOf(flags)
        const findings =
          files.vaultConfig === undefined
            ? await examineAgeFile(ageFileOf(files))
            : await examineVault(configuredDriver(files.vaultConfig))
        for (const { level, message, code } of findings) {
          console.log(`${level.padEnd(8)} ${code === undefined ? '' : `${code}: `}${message}`)
        }
        if (findings.some(({ level }) => level === 'error')) process.exitCode = 1
      }),
    ),
  )
  return group
}
