import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and those that it is in. The recursive `mkdir` of Node.js 24 never returns below a folder that says of each one in it
 * that it is not there, as /proc does, and a working directory that has been removed.
 * @returns the outermost folder that was made; undefined where all of them were there
 * @throws the file system's error
 */
export function makeFolders(path: string, mode: number): string | undefined {
  const missing: string[] = []
  for (let at = resolve(path); !isFolder(at); at = dirname(at)) {
    missing.unshift(at)
    if (at === dirname(at)) break
  }
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode })
    } catch (error) {
      // Another process has made it meanwhile.
      if (!isFolder(folder)) throw error
    }
  }
  return missing[0]
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
