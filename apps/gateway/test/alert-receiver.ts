import { randomBytes } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { onTestFinished } from 'vitest'

/** An alert, as a receiver of webhooks gets it. */
export interface ReceivedAlert {
  readonly id: string
  readonly type: string
  readonly data: Readonly<Record<string, string | number>>
}

/** A receiver that checks signatures with the official library. */
export interface AlertReceiver {
  /** References for a configuration: variables of this process. */
  readonly config: { readonly to: 'webhook'; readonly url: string; readonly secret: string }
  readonly url: string
  readonly secret: string
  /** What had a good signature, each id once. */
  readonly alerts: readonly ReceivedAlert[]
  /** Ids of all that came, repetitions too. */
  readonly ids: readonly string[]
  /** What had no good signature. */
  readonly refused: readonly string[]
  /** Answers otherwise from now on; undefined for 204. */
  answer(how: ((res: ServerResponse) => void) | undefined): void
}

export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

let count = 0

/** A variable of this process with a name of its own. */
export function variable(value: string): string {
  const name = `SPILLWAY_TEST_ALERT_${++count}`
  process.env[name] = value
  onTestFinished(() => {
    delete process.env[name]
  })
  return `env:${name}`
}

/** Lives as long as the test. */
export async function alertReceiver(): Promise<AlertReceiver> {
  const secret = newSecret()
  const webhook = new Webhook(secret)
  const alerts: ReceivedAlert[] = []
  const ids: string[] = []
  const refused: string[] = []
  let how: ((res: ServerResponse) => void) | undefined
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    if (how !== undefined) return how(res)
    const body = Buffer.concat(chunks).toString()
    const headers = req.headers as Record<string, string>
    const id = headers['webhook-id'] as string
    try {
      const { type, data } = webhook.verify(body, headers) as ReceivedAlert
      if (!ids.includes(id)) alerts.push({ id, type, data })
      ids.push(id)
      res.writeHead(204).end()
    } catch (error) {
      refused.push((error as Error).message)
      res.writeHead(401).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`
  return {
    config: { to: 'webhook', url: variable(url), secret: variable(secret) },
    ...{ url, secret, alerts, ids, refused },
    answer(next) {
      how = next
    },
  }
}
