/** Run as a child with a configuration as JSON: starts the gateway, tells its URL, and closes it when it is told to. */
import { parseConfig, startGateway } from '@spillway/gateway'

process.env.SPILLWAY_OUTAGE_KEY = 'sk-of-the-gateway'
const { config } = parseConfig(process.argv[2] as string, 'outage.json')
const gateway = await startGateway(config, { port: 0, log: () => {} })
process.on('message', async () => {
  await gateway.close(5000)
  process.exit(0)
})
process.on('disconnect', () => process.exit(0))
process.send?.({ url: gateway.url })
