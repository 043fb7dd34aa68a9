import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { localEngineFolder } from '../local-engine-folder.ts'
import { ownManifest } from '../own-manifest.ts'

interface InstallFlags {
  readonly gpu?: 'cuda' | 'vulkan'
  readonly print?: boolean
}

/** `spillway local …` */
export function localCommands(): Command {
  const group = new Command('local')
  group
    .command('install')
    .description('install llama.cpp (node-llama-cpp) for api: embedded: the binary of this machine alone')
    .addOption(
      new Option('--gpu <kind>', 'the binary for a graphics card as well').choices(['cuda', 'vulkan']),
    )
    .option('--print', 'print the command without running it')
    .action(async (flags: InstallFlags) => {
      const folder = localEngineFolder()
      const args = [
        'install',
        '--prefix',
        folder,
        '--omit=optional',
        '--no-fund',
        '--no-audit',
        ...packagesOf(flags),
      ]
      console.log(`npm ${args.join(' ')}`)
      if (!flags.print) process.exitCode = await install(folder, args)
    })
  return group
}

/** The library, and its binary: without the others, which take hundreds of megabytes. */
function packagesOf({ gpu }: InstallFlags): string[] {
  const version = libraryVersion()
  const { platform, arch } = process
  const system = platform === 'darwin' ? 'mac' : platform === 'win32' ? 'win' : platform
  const cpu = `${system}-${arch === 'arm' ? 'armv7l' : arch}${system === 'mac' && arch === 'arm64' ? '-metal' : ''}`
  const binaries = [cpu, ...(gpu === undefined ? [] : [`${cpu}-${gpu}`])]
  return [`node-llama-cpp@${version}`, ...binaries.map((name) => `@node-llama-cpp/${name}@${version}`)]
}

/** The one that this gateway is tested with: library and binary have to be the same. */
function libraryVersion(): string {
  return (ownManifest().peerDependencies['node-llama-cpp'] ?? '').replace(/^[^\d]*/, '')
}

async function install(folder: string, args: readonly string[]): Promise<number> {
  const { makeFolders } = await import('@spillway/ledger')
  try {
    makeFolders(folder, 0o755)
  } catch (error) {
    console.error(
      `${folder} cannot be made (${(error as NodeJS.ErrnoException).code}): set XDG_DATA_HOME to a folder that can be written`,
    )
    return 1
  }
  // Else npm would look for a package in the folders above.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const child = spawn('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
  return new Promise((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      console.error(
        `npm could not be started (${error.code}): install Node.js with npm, or run the command above elsewhere`,
      )
      resolve(1)
    })
    child.on('exit', (code) => {
      if (code === 0) console.log(`llama.cpp is in ${folder}: "spillway doctor" loads your model with it`)
      resolve(code ?? 1)
    })
  })
}
