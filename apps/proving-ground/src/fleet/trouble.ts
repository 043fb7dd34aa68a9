import { setTimeout as pause } from 'node:timers/promises'
import { clientPortsOf } from './connections.ts'
import type { GatewayProcess } from './gateway-process.ts'
import type { Load, Source } from './load.ts'
import type { World } from './world.ts'

/** A process that was killed: what was in it may be lost. */
export interface Kill {
  readonly gateway: string
  /** The clients' ends of its connections when it was killed; undefined where all of its gateway went with it. */
  readonly ports: ReadonlySet<number> | undefined
  /** `performance.now()` before the signal, and when the process was gone. */
  readonly at: number
  readonly goneAt: number
}

/** What a piece of trouble has at hand, and what it leaves for the judges. */
export interface Scene {
  readonly world: World
  readonly load: Load
  /** Seconds that a piece of trouble lasts, and that calls go on after it. */
  readonly seconds: number
  readonly kills: Kill[]
  /** When the command that revokes a client had ended. */
  revokedAt: number | undefined
  /** How the gateways that were told to stop have ended. */
  readonly ends: string[]
  /** Configurations that were written. */
  version: number
}

/** Something that happens to gateways under load. */
export interface Trouble {
  readonly name: string
  /** Clients that call besides. */
  readonly besides?: readonly Source[]
  readonly act: (scene: Scene) => Promise<void>
}

const seconds = (many: number): Promise<void> => pause(many * 1_000)

/** Kills one process of a gateway: the others have connections of their own, and go on or end in order. */
async function kill({ kills }: Scene, gateway: GatewayProcess, pid: number): Promise<void> {
  const port = Number(new URL(gateway.url).port)
  const ports = gateway.workers().length === 0 ? undefined : clientPortsOf(pid, port)
  const at = performance.now()
  await gateway.kill(pid)
  kills.push({ gateway: gateway.name, ports, at, goneAt: performance.now() })
}

/** Holds a process still. */
async function freeze(pid: number, forSeconds: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  try {
    await seconds(forSeconds)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

const gatewayAt = ({ world }: Scene, index: number): GatewayProcess => world.gateways[index] as GatewayProcess

const ofWorkers: readonly Trouble[] = [
  {
    name: 'a worker is killed',
    async act(scene) {
      const gateway = gatewayAt(scene, 0)
      await kill(scene, gateway, gateway.workers()[0] as number)
    },
  },
  {
    name: 'a worker is frozen',
    act: (scene) => freeze(gatewayAt(scene, 1).workers()[0] as number, scene.seconds / 2),
  },
]

const ofAll: readonly Trouble[] = [
  { name: 'all well', act: ({ seconds: long }) => seconds(long / 2) },
  {
    name: 'configuration is reloaded',
    async act(scene) {
      for (let times = 0; times < 3; times++) {
        scene.world.configure({ version: ++scene.version })
        for (const gateway of scene.world.gateways) gateway.reload()
        await seconds(scene.seconds / 4)
      }
    },
  },
  {
    name: "a client's key is rotated",
    besides: [{ rate: 10, target: 'calls', clients: ['rotating'] }],
    async act({ world, seconds: long }) {
      await seconds(long / 8)
      // Whoever gets the new key uses it when it holds everywhere.
      await world.rotateClient('rotating', '10m', 1_000)
      await seconds(long / 2)
    },
  },
  {
    name: "the vendor's key is rotated",
    async act({ world, seconds: long }) {
      await world.rotateVendorKey()
      await seconds(Math.max(2, long / 2))
      // Nobody is to present the old one any more.
      world.vendor.keys.splice(0, world.vendor.keys.length - 1)
    },
  },
  {
    name: 'a client is revoked',
    besides: [{ rate: 30, target: 'calls', clients: ['revoked'] }],
    async act(scene) {
      await seconds(scene.seconds / 8)
      await scene.world.revokeClient('revoked')
      scene.revokedAt = performance.now()
      await seconds(Math.max(2, scene.seconds / 2))
    },
  },
  {
    name: 'gateways are replaced in turn',
    async act({ world, ends }) {
      for (const gateway of world.gateways) {
        ends.push(await gateway.stop(30_000))
        await gateway.start()
      }
    },
  },
  {
    name: 'a gateway is killed',
    async act(scene) {
      const gateway = gatewayAt(scene, 1)
      await kill(scene, gateway, gateway.pid)
      await seconds(scene.seconds / 4)
      await gateway.start()
    },
  },
  { name: 'a gateway is frozen', act: (scene) => freeze(gatewayAt(scene, 2).pid, scene.seconds / 2) },
  {
    name: 'PostgreSQL is stopped',
    async act({ world, seconds: long }) {
      await world.postgres.stop()
      await seconds(long / 2)
      await world.postgres.start()
    },
  },
  {
    name: 'PostgreSQL is frozen',
    async act({ world, seconds: long }) {
      world.postgres.freeze()
      await seconds(long / 2)
      world.postgres.thaw()
    },
  },
  // A minute after a gateway was killed: what that one has admitted meanwhile Redis alone knows.
  {
    name: 'Redis is killed and comes back empty',
    async act({ world, seconds: long }) {
      await world.redis.stop()
      await seconds(long / 2)
      await world.redis.start()
    },
  },
  {
    name: 'Redis is frozen',
    async act({ world, seconds: long }) {
      world.redis.pause()
      await seconds(long / 2)
      world.redis.resume()
    },
  },
  {
    name: 'PostgreSQL is stopped and a gateway killed',
    async act(scene) {
      const gateway = gatewayAt(scene, 2)
      await scene.world.postgres.stop()
      await seconds(scene.seconds / 4)
      await kill(scene, gateway, gateway.pid)
      await scene.world.postgres.start()
      await gateway.start()
    },
  },
  { name: 'all well again', act: ({ seconds: long }) => seconds(long / 2) },
]

/** What happens, in order. */
export function troubles(workers: number): readonly Trouble[] {
  const [first, ...others] = ofAll
  return workers > 1 ? [first as Trouble, ...ofWorkers, ...others] : ofAll
}
