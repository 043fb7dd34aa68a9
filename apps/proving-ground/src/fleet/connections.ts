import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The ports of the clients whose connections to this port a process holds, as Linux knows them. */
export function clientPortsOf(pid: number, port: number): Set<number> {
  const sockets = new Set<string>()
  for (const file of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${file}`))?.[1]
      if (inode !== undefined) sockets.add(inode)
    } catch {
      // It has been closed meanwhile.
    }
  }
  const ports = new Set<number>()
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local = '', remote = '', , , , , , , inode = ''] = line.trim().split(/\s+/)
    if (portOf(local) === port && sockets.has(inode)) ports.add(portOf(remote))
  }
  // The socket that listens.
  ports.delete(0)
  return ports
}

/** `0100007F:1F90` */
const portOf = (address: string): number => Number.parseInt(address.split(':')[1] ?? '', 16)
