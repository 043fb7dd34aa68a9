import { existsSync } from 'node:fs'

/** Files that Docker and Podman put into their containers. */
const marks = ['/.dockerenv', '/run/.containerenv']

/** Whether this process is in a container, whose 127.0.0.1 is its own. */
export function isInContainer(env: NodeJS.ProcessEnv = process.env): boolean {
  return Boolean(env.container || env.KUBERNETES_SERVICE_HOST) || marks.some((mark) => existsSync(mark))
}
