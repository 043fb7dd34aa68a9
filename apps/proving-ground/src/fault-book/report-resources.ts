// Loaded into a gateway before its own code. Asked over IPC, it collects garbage and says what the process holds.

process.on('message', (question: unknown) => {
  if (question !== 'resources') return
  globalThis.gc?.()
  globalThis.gc?.()
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  process.send?.({ resources, heapUsed: process.memoryUsage().heapUsed })
})
