/** Run as a child: `bare-proxy.ts UPSTREAM PORT`. */
import { startBareProxy } from '../bare-proxy.ts'

const [upstream = '', port] = process.argv.slice(2)
await startBareProxy(upstream, Number(port))
