/** Writes the documentation site, or shows it: `pnpm --filter @spillway/site dev|site|preview`. */
import { watch } from 'node:fs'
import { join } from 'node:path'
import { build, createServer, serve } from 'vitepress'
import { siteUrl } from './address.ts'
import { checkSite } from './check-site.ts'
import { gather, gatherFile } from './gather.ts'
import { root, sourcesOf } from './pages.ts'

const site = join(root, 'apps/site')
const command = process.argv[2]

if (command === 'preview') await serve({ root: site })
else {
  await gather(siteUrl.href)
  if (command === 'build') {
    await build(site)
    const problems = checkSite(join(site, 'dist'), siteUrl.pathname)
    for (const problem of problems) console.error(problem)
    if (problems.length > 0) process.exitCode = 1
    else
      console.log(
        `apps/site/dist is the site for ${siteUrl.href}; pnpm --filter @spillway/site preview shows it`,
      )
  } else {
    for (const file of sourcesOf(root)) watch(join(root, file), () => gatherFile(file))
    const server = await createServer(site)
    await server.listen()
    server.printUrls()
  }
}
